"""DiffAugment (Zhao et al. 2020): three changes of images, each in a module."""
