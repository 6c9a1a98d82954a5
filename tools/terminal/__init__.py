"""Lines that a tool writes on the terminal while it works."""
