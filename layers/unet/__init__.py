"""U-Net GAN (Schonfeld et al. 2020): a discriminator of images and of their pixels."""
