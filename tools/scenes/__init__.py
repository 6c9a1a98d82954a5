"""The renderer of the scenes that need no download."""
