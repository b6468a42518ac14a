"""Reading a program that is handed to an interpreter."""
