"""Which devices train, and how TensorFlow is set up for them."""

import os

import tensorflow as tf

from dualcontrast.custom_ops import implementation
from dualcontrast.trainer import cluster, errors
from dualcontrast.trainer.config import schema


def make_strategy(hosts: cluster.Cluster = cluster.Cluster()) -> tf.distribute.Strategy:
    """Returns a mirrored strategy over all GPUs, or over the logical CPUs when there is none.

    Args:
      hosts: whose devices they are; of several each gives as many, its GPUs or one CPU. Then this
        waits for the others, and nothing may have run in TensorFlow before.
    """
    tf.get_logger().setLevel("ERROR")  # MirroredStrategy announces itself, twice
    # The remapper of TensorFlow 2.21 fails on the gradient of conv + bias + leaky ReLU, with an
    # error line in the log, and nothing is gained when it does not.
    tf.config.optimizer.set_experimental_options({"remapping": False})
    if len(hosts.addresses) > 1:
        return tf.distribute.MultiWorkerMirroredStrategy()
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def allow_tf32(allowed: bool) -> None:
    """Lets GPUs round to TF32 what they multiply in float32, which TensorFlow does unasked."""
    tf.config.experimental.enable_tensor_float_32_execution(allowed)


def notes(training: schema.TrainingConfig, tf32: bool) -> list[str]:
    """Returns what a user should know at the start about the arithmetic, a line each.

    Args:
      training: of the run.
      tf32: whether it was asked for.
    """
    found = []
    if training.precision == "mixed_bfloat16":
        found.append(implementation.bfloat16_note())
    if tf32:
        found.append(
            "TF32: a GPU rounds what convolutions and products multiply in float32 to 10 bits of"
            " fraction, as asked"
        )
    elif tf.config.list_physical_devices("GPU"):
        found.append("TF32: off, GPUs multiply float32 in full; --tf32 lets them round")
    if training.jit_compile:
        found.append(
            "XLA: compiles the gradients of each kind of step when it first runs, of the operations"
            " ref, as training.jit_compile asks"
        )
    return list(filter(None, found))


def select_compilable_operations(flag: str | None) -> None:
    """Makes TensorFlow's own operations the choice of this process: XLA compiles no others.

    Args:
      flag: what --custom_ops says, if anything; else DUALCONTRAST_OPS has been asked.

    Raises:
      UserError: the user chose compiled ones.
    """
    asked_by, asked = "--custom_ops", flag
    if not flag:
        asked_by, asked = "DUALCONTRAST_OPS", os.environ.get("DUALCONTRAST_OPS")
    if asked in ("cpu", "cuda"):
        raise errors.UserError(
            f"{asked_by}={asked}: training.jit_compile=true needs TensorFlow's own operations, XLA"
            f" compiles no others: type {asked_by}=ref, or try --config.training.jit_compile=false"
        )
    select_operations("ref", "training.jit_compile")


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
