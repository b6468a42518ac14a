"""The pure core: call -> findings -> score -> decision, and approval states as a table. No I/O, no clock."""
