"""SimCLR's changes of images (Chen et al. 2020) as ContraD has them (Jeong and Shin 2021).

Each is in a module. Images are in [0, 1]. Grey images and those with an alpha are changed too: a
grey one has no hue and no saturation, and an alpha moves and blurs with the image, and is cut out
with it, but is no colour.
"""
