"""What dualcontrast-augmentations draws."""
