"""toolguard under an operating-system user of its own: how clients of another user reach it, and nothing else of it."""
