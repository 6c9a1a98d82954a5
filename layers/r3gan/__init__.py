"""R3GAN (Huang et al. 2024): residual networks of grouped convolutions without normalisation."""
