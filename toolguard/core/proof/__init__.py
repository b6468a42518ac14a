"""What verifies without the database: the tree, signed notes, passkeys, the signatures of channels."""
