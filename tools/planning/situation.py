"""What a plan is made for: the images, and the machine that trains."""

import dataclasses
import os
import pathlib
import shutil
import subprocess
from typing import NamedTuple

import tensorflow as tf

from dualcontrast.trainer import files
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError

GIB = 2**30
# Of the container that this process is in, as versions 2 and 1 of Linux's control groups say.
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_ASK = ("nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits")


@dataclasses.dataclass(frozen=True)
class Images:
    """A dataset: how many images, their side in pixels, channels, and classes (0: no labels)."""

    count: int
    resolution: int
    channels: int = 3
    classes: int = 0


class Machine(NamedTuple):
    """What trains.

    Attributes:
      gpus: that share a batch; 0 where the CPU trains.
      cores: of the CPU, that this process may use.
      memory: bytes of each GPU, or of the whole machine where the CPU trains.
    """

    gpus: int
    cores: int
    memory: float

    @property
    def devices(self) -> int:
        """How many share a batch."""
        return max(1, self.gpus)

    def __str__(self) -> str:
        what = f"{self.gpus} GPU" if self.gpus else f"{self.cores} CPU core"
        many = "s" if (self.gpus or self.cores) > 1 else ""
        return f"{what}{many} with {self.memory / GIB:.3g} GiB{' each' * (self.gpus > 1)}"


def images_of(dataset: manifest.Manifest) -> Images:
    """Returns what a plan asks of a dataset."""
    return Images(dataset.count, dataset.resolution, dataset.channels, len(dataset.classes))


def this_machine(memory_gib: float | None) -> Machine:
    """Returns the machine that this process runs on.

    Args:
      memory_gib: in place of what the machine says, GiB.

    Raises:
      UserError: it has GPUs that do not say how much memory they have.
    """
    gpus, cores = len(tf.config.list_physical_devices("GPU")), len(os.sched_getaffinity(0))
    if memory_gib is not None:
        return Machine(gpus, cores, memory_gib * GIB)
    return Machine(gpus, cores, _memory_of_a_gpu() if gpus else _memory_of_the_machine())


def _memory_of_the_machine() -> float:
    """Returns bytes: those that there are, or as many as this container is given."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    said = [files.read_text(pathlib.Path(path)) for path in _LIMITS if os.path.exists(path)]
    return float(min([physical, *(int(text) for text in said if text.strip().isdigit())]))


def _memory_of_a_gpu() -> float:
    """Returns the bytes of the smallest one."""
    try:
        said = subprocess.run(_ASK, capture_output=True, text=True, check=False, timeout=60).stdout
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    megabytes = [int(line) for line in said.split() if line.isdigit()]
    if not megabytes:
        found = "does not say" if shutil.which(_ASK[0]) else "is missing, which would say"
        raise UserError(
            f"{_ASK[0]} {found} how much memory a GPU has: give it, as in --memory_gib=24"
        )
    return float(min(megabytes) * 2**20)
