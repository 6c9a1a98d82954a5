"""The parts of dualcontrast-evaluate: what is measured, and one evaluation after another."""
