"""A small training that can be made to fail at a chosen call of the C library."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import types

import pytest

from dualcontrast.trainer.config import schema
from dualcontrast.trainer.data import manifest

HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="session")
def saving() -> types.ModuleType:
    """The small training, in this process."""
    spec = importlib.util.spec_from_file_location("saving", HERE / "saving.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def config() -> schema.Config:
    """A resolved configuration for 8x8 RGB images."""
    short = {"training.total_images": 256, "loss.warmup_images": 0}
    return schema.resolve(schema.replace(schema.Config(), short), 8, 3)


@pytest.fixture(scope="session")
def dataset() -> manifest.Manifest:
    """What a run writes down of its images; they lie nowhere."""
    shards = tuple(manifest.Shard(f"{n}.tfrecord", 32, 1000, str(n) * 64) for n in range(3))
    folder, crop = pathlib.Path("nowhere"), "none"
    return manifest.Manifest(folder, 1, 96, 8, 3, "png", crop, "lanczos", "scenes", 0, {}, shards)


class Faulty:
    """The small training in processes that fail where they are told to."""

    def __init__(self, library: pathlib.Path):
        self._process = subprocess.Popen(
            [sys.executable, HERE / "saving.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "LD_PRELOAD": str(library)},
        )

    def train(
        self, workdir: pathlib.Path, until: int, call: str, part: str, action: int, count: int = 1
    ) -> tuple[int, list[int], str]:
        """Trains and fails.

        Args:
          workdir: of the run.
          until: images.
          call: of the C library.
          part: of the path that it is called with.
          action: a constant of saving.py.
          count: at which of these calls.

        Returns:
          The signal that ended it, the checkpoints that it was told are saved, and how it ended.
        """
        answer = self._ask(workdir, until, call=call, part=part, action=action, count=count)
        saved, others = _sort(answer["lines"])
        return answer["signal"], saved, others[0] if others else ""

    def kill_after(self, workdir: pathlib.Path, seconds: float) -> list[int]:
        """Trains without end, kills it then, and returns what it was told is saved."""
        saved, others = _sort(self._ask(workdir, 10**6, seconds=seconds)["lines"])
        assert not others, others
        return saved

    def calls(self, workdir: pathlib.Path, until: int) -> list[tuple[str, pathlib.Path]]:
        """Trains, and returns the calls that it made of the C library, with their paths."""
        _, lines = _sort(self._ask(workdir, until, trace=True)["lines"])
        assert lines.pop() == "done"
        words = [line.partition(" ") for line in lines]
        return [(call, pathlib.Path(path)) for call, _, path in words]

    def _ask(self, workdir: pathlib.Path, until: int, **case) -> dict:
        case |= {"workdir": str(workdir), "until": until}
        self._process.stdin.write(json.dumps(case) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """Ends the process."""
        self._process.stdin.close()
        self._process.wait()


def _sort(lines: list[str]) -> tuple[list[int], list[str]]:
    """Returns the numbers of saved checkpoints, and the other lines."""
    saved = [int(line.split()[1]) for line in lines if line.startswith("saved ")]
    return saved, [line for line in lines if not line.startswith("saved ")]


@pytest.fixture(scope="session")
def faulty(tmp_path_factory):
    """The small training in processes that fail where they are told to."""
    library = tmp_path_factory.mktemp("interpose") / "interpose.so"
    compiler = os.environ.get("CXX", "g++")
    source = HERE / "interpose.c"
    command = [compiler, "-x", "c", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]
    subprocess.run(command, check=True)
    process = Faulty(library)
    yield process
    process.close()
