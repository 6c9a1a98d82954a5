"""Keras layers: the two networks and their parts."""
