"""BigGAN (Brock et al. 2019): SAGAN's networks, wider, with a share of z in every block."""
