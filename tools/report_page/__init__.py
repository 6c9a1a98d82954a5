"""The parts of the page that dualcontrast-report writes: one section a file."""
