"""Reading SQL of any usual dialect, by its tokens."""
