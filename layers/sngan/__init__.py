"""SNGAN (Miyato et al. 2018): its residual networks, its convolutional ones, and their parts."""
