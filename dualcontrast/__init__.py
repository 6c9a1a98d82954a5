"""Dual contrastive loss and attention for GANs, on TensorFlow 2 and Keras 3.

The sub-packages (`layers`, `losses`, `trainer`, ...) are folders at the root of the repository, and
links beside this file, so that `dualcontrast.layers` is found by Python, by editors and by linters
alike.
"""

__version__ = "0.1.0"
