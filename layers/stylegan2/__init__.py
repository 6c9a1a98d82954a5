"""StyleGAN2 (Karras et al. 2020): its two networks and their parts."""
