"""Reading a command line: the grammar, what it expands to, and what each program does with its operands."""
