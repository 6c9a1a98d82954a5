"""Imports TensorFlow without the lines it writes to standard error on every start.

A binary imports this before TensorFlow, so that a user's mistake is answered by its error alone.
TensorFlow 2.21 greets with notes on the processor and on missing GPUs before it reads any setting
that would silence them. What is really wrong still arrives as a Python exception.

Memory is set up here as well, because TensorFlow's first tensors must find it so.
"""

import os

from dualcontrast.trainer import console, heap

# Read when TensorFlow is imported. It reports a machine without GPUs as an error (level 2).
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

console.open_missing()
heap.keep_freed_memory()
_stderr, _nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
os.dup2(_nowhere, 2)
try:
    import tensorflow  # noqa: F401
finally:
    os.dup2(_stderr, 2)
    os.close(_stderr)
    os.close(_nowhere)
