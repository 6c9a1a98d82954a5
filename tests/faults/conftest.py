"""A small training that can be made to fail at a chosen call of the C library."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import types

import pytest

HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="session")
def saving() -> types.ModuleType:
    """The small training, in this process."""
    spec = importlib.util.spec_from_file_location("saving", HERE / "saving.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
        case = {"workdir": str(workdir), "until": until, "call": call, "part": part}
        self._process.stdin.write(json.dumps({**case, "action": action, "count": count}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        words = [line.partition(" ") for line in answer["lines"]]
        saved = [int(rest) for word, _, rest in words if word == "saved"]
        end = next((" ".join((word, rest)) for word, _, rest in words if word != "saved"), "")
        return answer["signal"], saved, end

    def close(self) -> None:
        """Ends the process."""
        self._process.stdin.close()
        self._process.wait()


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
