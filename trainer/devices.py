"""Which devices train, and how TensorFlow is set up for them."""

import tensorflow as tf

from dualcontrast.custom_ops import implementation
from dualcontrast.trainer import errors


def make_strategy() -> tf.distribute.Strategy:
    """Returns a mirrored strategy over all GPUs, or over the logical CPUs when there is none."""
    tf.get_logger().setLevel("ERROR")  # MirroredStrategy announces itself, twice
    # The remapper of TensorFlow 2.21 fails on the gradient of conv + bias + leaky ReLU, with an
    # error line in the log, and nothing is gained when it does not.
    tf.config.optimizer.set_experimental_options({"remapping": False})
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def select_operations(impl: str, asked_by: str) -> None:
    """Makes `impl` (see custom_ops/implementation.py) the choice of this process.

    Args:
      impl: one of `implementation.IMPLEMENTATIONS`.
      asked_by: the flag or variable of the user's that says so.

    Raises:
      UserError: it cannot run here.
    """
    try:
        implementation.select(impl)
    except tf.errors.InvalidArgumentError as error:
        raise errors.UserError(
            f"{asked_by}={impl}: {error.message}; {asked_by}=auto runs"
        ) from error
