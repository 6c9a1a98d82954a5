"""Settings of all tests, made before TensorFlow is imported."""

import os

# Notes on the processor's instructions and on missing GPUs would bury a failing test's output.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf  # noqa: E402  (after the setting above)

# Two logical devices, for the tests that compare one replica with two.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
