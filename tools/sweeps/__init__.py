"""What dualcontrast-sweep needs alone."""
