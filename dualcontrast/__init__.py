"""Dual contrastive loss and attention for GANs, on TensorFlow 2 and Keras 3.

The sub-packages (`layers`, `losses`, `trainer`, ...) are folders at the root of the repository; an
installation maps them to `dualcontrast.layers` and so on. In a checkout that is not installed this
file does the same, so that tests and tools run from the root as they are.
"""

import pathlib

__version__ = "0.1.0"

_root = pathlib.Path(__file__).resolve().parent.parent
if (_root / "setup.cfg").is_file() and (_root / "trainer" / "config.py").is_file():
    __path__.append(str(_root))
