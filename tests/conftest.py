"""Settings of all tests, made before TensorFlow is imported."""

import functools
import hashlib
import io
import os
import signal

# Notes on the processor's instructions and on missing GPUs would bury a failing test's output.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# What XLA compiles in tests runs once: better quickly made than quick.
os.environ.setdefault(
    "XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
)

# Networks of tests are so small that a second thread of an operation waits more than it computes,
# and it spins as it waits: on the core of the other process of tests.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

# A shell's background job ignores Ctrl-C, one under nohup a terminal that closes. So would every
# program that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

import numpy as np  # noqa: E402
import pytest  # noqa: E402
import tensorflow as tf  # noqa: E402  (after the setting above)
from PIL import Image  # noqa: E402

from dualcontrast.custom_ops import implementation, library  # noqa: E402
from dualcontrast.trainer.data import manifest, records  # noqa: E402
from tests.warm_start import WarmStart  # noqa: E402

# Of the tests and of the programs that they start: on a fresh machine it takes minutes to measure
# what is fastest, which is the matter of few tests, that say so.
if "DUALCONTRAST_OPS" not in os.environ and not tf.config.list_physical_devices("GPU"):
    os.environ["DUALCONTRAST_OPS"] = "cpu" if library.load() else "ref"
    implementation.select(os.environ["DUALCONTRAST_OPS"])

# Two logical devices, for the tests that compare one replica with two.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


@pytest.fixture(scope="session")
def warm_start():
    """Runs binaries to their end, without the seconds that importing TensorFlow takes."""
    started = WarmStart()
    yield started
    started.close()


@functools.cache
def _strategy(replicas: int) -> tf.distribute.Strategy:
    return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(replicas)])


@pytest.fixture(scope="session")
def strategy_of():
    """Returns the strategy of so many devices: one of each for the whole process.

    Two strategies would use each other's collective keys.
    """
    return _strategy


@pytest.fixture(scope="session")
def write_labelled():
    """Returns what writes a dataset: write_labelled(folder, images, labels, names of classes)."""
    return _write_labelled


def _write_labelled(folder, images, labels, names) -> manifest.Manifest:
    folder.mkdir()
    content = b""
    for number, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        name = f"{number}.png".encode()
        content += records.frame(records.encode_example(file.getvalue(), name, int(label)))
    shard = manifest.Shard(
        manifest.shard_name(0, 1), len(images), len(content), hashlib.sha256(content).hexdigest()
    )
    (folder / shard.name).write_bytes(content)
    counts = np.bincount(labels, minlength=len(names)).tolist()
    classes = tuple(manifest.Category(*pair) for pair in zip(names, counts, strict=True))
    side, channels = images.shape[1], images.shape[3]
    made = manifest.Manifest(
        folder, 1, len(images), side, channels, "png", "none", "none", "", 0, {}, (shard,), classes
    )
    (folder / manifest.FILE_NAME).write_text(manifest.to_json(made))
    return manifest.open_dataset(folder)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable():
    """Spells out what is no UTF-8 in a report, such as a folder's name: else pytest-xdist ends."""
    return _in_utf8((yield))


def _in_utf8(value):
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {key: _in_utf8(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_in_utf8, value))
    return value


@pytest.fixture
def count_faults(request):
    """Adds to the line of `make faults`: count_faults("corrupted records", 300)."""

    def count(kind: str, number: int) -> None:
        request.node.user_properties.append(("faults", (kind, number)))

    return count


def pytest_terminal_summary(terminalreporter):
    """Prints how many faults of each kind were met, and how many tests of them failed."""
    counts: dict[str, int] = {}
    failed = 0
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            met = [value for name, value in report.user_properties if name == "faults"]
            if report.when == "call" and met:
                failed += report.failed
                for kind, number in met:
                    counts[kind] = counts.get(kind, 0) + number
    if counts:
        words = ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items()))
        terminalreporter.write_line(f"faults: {words}; {failed} tests failed")
