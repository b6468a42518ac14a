"""How a call is laid out for people, with nothing hidden."""
