"""What each process of a run ran on, a line a start, and what of that may change its bits."""

import datetime
import importlib.metadata
import os
import pathlib
import platform
from typing import Any

import keras
import tensorflow as tf

from dualcontrast.custom_ops import implementation
from dualcontrast.trainer import files

FILE_NAME = "environment.jsonl"
_OLD_NAME = "environment.json"  # of runs that began before there was a line for each start

_PACKAGES = ("dualcontrast", "tensorflow", "keras", "numpy", "scipy", "pillow")
_OPERATIONS = ("bias_act", "upfirdn2d", "local_aggregation")
# Those that choose how TensorFlow computes, and so the last bits.
_VARIABLES = (
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_DETERMINISTIC_OPS",
    "TF_XLA_FLAGS",
    "XLA_FLAGS",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
)
# What two starts must have in common for the bits of a run that was never stopped.
_DECIDE_BITS = (
    *("dualcontrast", "tensorflow", "keras", "numpy"),
    *("processor", "processor_model", "devices", "deterministic", "tf32"),
    *("operations", "variables"),
)


def describe() -> dict[str, Any]:
    """Returns what this process runs on, by what it is."""
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {
        "python": platform.python_version(),
        **versions,
        "system": platform.platform(terse=True),
        "processor": f"{platform.machine()}, {os.cpu_count()} cores",
        "processor_model": _processor_model(),
    }


def of_training(replicas: int, precision: str, is_deterministic: bool) -> dict[str, Any]:
    """Returns what this process trains on and with.

    Args:
      replicas: devices that share the batch.
      precision: Keras's name of it, as in the configuration.
      is_deterministic: whether TensorFlow was told to repeat its bits.
    """
    return {
        **describe(),
        "devices": f"{replicas} {_device_kinds()}",
        "deterministic": is_deterministic,
        "tf32": tf.config.experimental.tensor_float_32_execution_enabled(),
        "operations": _operations(precision),
        "variables": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
    }


def starts(workdir: pathlib.Path) -> list[dict[str, Any]]:
    """Returns what was recorded at each start of a run, the oldest first.

    Raises:
      UserError: a file cannot be read.
    """
    try:
        old = [files.read_object(workdir / _OLD_NAME)]
    except files.Missing:
        old = []
    return old + files.read_sound_rows(workdir / FILE_NAME, {"images_seen": int})


def record_start(workdir: pathlib.Path, images_seen: int, found: dict[str, Any]) -> str:
    """Adds a line about a start to WORKDIR/environment.jsonl.

    Args:
      workdir: of the run.
      images_seen: by the run so far.
      found: what `of_training` returned.

    Returns:
      Why the run may have other bits than one that was never stopped; empty where nothing says so.

    Raises:
      UserError: the file cannot be read or written.
    """
    before = starts(workdir) if images_seen else []
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    files.append(workdir / FILE_NAME, {"started": now, "images_seen": images_seen, **found})
    if not before:
        return ""
    changes = differences(before[-1], found)
    if not found["deterministic"] and "deterministic" not in " ".join(changes):
        changes.append("TensorFlow is not deterministic")
    return "; ".join(changes)


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Returns what may change the bits between two starts; nothing about what `old` leaves out."""
    return [
        f"{name} {words(old[name])} -> {words(new.get(name))}"
        for name in _DECIDE_BITS
        if name in old and old[name] != new.get(name)
    ]


def words(value: Any) -> str:
    """Returns a value of a start for people."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {words(inner)}" for name, inner in value.items()) or "none"
    return str(value)


def _operations(precision: str) -> dict[str, str]:
    """Returns which form of each operation runs ("cuda", "cpu", "ref"), by operation and type.

    Of convolutions, which have a form for each shape (see operations.json), what they run on.
    """
    dtypes = dict.fromkeys(["float32", keras.DTypePolicy(precision).compute_dtype])
    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    found = {}
    for operation in _OPERATIONS:
        for dtype in dtypes:
            library = implementation.compiled(operation, tf.as_dtype(dtype))
            compiled = "cuda" if on_gpu and library and library.cuda else "cpu"
            found[f"{operation} {dtype}"] = compiled if library else "ref"
    found["conv2d float32"] = implementation.convolutions()
    return found


def _device_kinds() -> str:
    gpus = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    names = sorted({found.get("device_name", "GPU") for found in details})
    return " and ".join(names) or "CPU"


def _processor_model() -> str:
    try:
        lines = files.read_text("/proc/cpuinfo").splitlines()
    except files.FileError:
        return platform.processor()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()
