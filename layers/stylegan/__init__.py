"""StyleGAN (Karras et al. 2019): its two networks, which may grow, and their parts."""
