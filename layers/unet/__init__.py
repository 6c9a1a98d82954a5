"""U-Net GAN's discriminator (Schonfeld et al. 2020), which judges images and each of their pixels."""
