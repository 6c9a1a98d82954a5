"""SAGAN (Zhang et al. 2019): SNGAN's networks, normalised and attentive both."""
