"""The rules that people write: matchers, windows, budgets, and what they could be."""
