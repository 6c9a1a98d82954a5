"""The other binaries: convert, verify, generate, export, and the benchmarks."""

# Before TensorFlow: it settles what TensorFlow reports.
from dualcontrast import trainer  # noqa: F401
