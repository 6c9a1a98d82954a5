"""Attention layers: from [batch, height, width, channels] to the same shape."""
