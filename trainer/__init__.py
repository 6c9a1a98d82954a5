"""Training: configuration, data, steps, checkpoints, and the training binary."""

import os

# TensorFlow reads it when it is imported. On a machine without a GPU it reports that as an error, and
# what is really one reaches Python as an exception.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
