"""The command line. Importing this package imports no command and not click: `toolguard proxy` must start fast."""
