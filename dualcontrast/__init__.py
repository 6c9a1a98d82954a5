"""Dual contrastive loss and attention for GANs, on TensorFlow 2 and Keras 3.

The sub-packages (`layers`, `losses`, `trainer`, ...) are folders at the root of the repository, and
links beside this file, so that `dualcontrast.layers` is found by Python, by editors and by linters
alike.
"""

from dualcontrast.trainer import interruption

__version__ = "0.1.0"

# Before anything that takes long to import.
if interruption.is_own_program():
    interruption.at_once()
