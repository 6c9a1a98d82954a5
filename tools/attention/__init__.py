"""The parts of dualcontrast-attention-maps."""
