"""What one conversation has seen so far, and what that says about the next call."""
