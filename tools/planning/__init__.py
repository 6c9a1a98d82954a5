"""What dualcontrast-plan needs alone."""
