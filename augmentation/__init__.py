"""Differentiable changes of images, batched, each a function of (images, draws)."""
