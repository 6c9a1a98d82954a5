"""Where images come from: one module for each kind of source, all with the face of `source.py`."""
