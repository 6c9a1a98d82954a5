"""Settings of all tests, made before TensorFlow is imported."""

import os
import signal

# Notes on the processor's instructions and on missing GPUs would bury a failing test's output.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# A shell's background job ignores Ctrl-C, and so would every program that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

import tensorflow as tf  # noqa: E402  (after the setting above)

# Two logical devices, for the tests that compare one replica with two.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
