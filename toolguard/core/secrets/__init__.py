"""Finding what must not be stored or shown, and the marker that takes its place."""
