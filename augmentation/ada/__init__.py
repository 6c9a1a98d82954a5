"""The augmentations of Karras et al. 2020b (ADA), each of which acts with a probability."""
