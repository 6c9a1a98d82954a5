"""The names of the implementations, which `implementation.py` explains."""

IMPLEMENTATIONS = ("auto", "cuda", "cpu", "ref")
