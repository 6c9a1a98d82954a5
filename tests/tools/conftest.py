"""Image files of every kind, and the converter as a user runs it."""

import json
import pathlib
import struct
import subprocess
import sys
import zlib
from collections.abc import Sequence

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from dualcontrast.trainer import files, state
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import schema, serialisation
from dualcontrast.trainer.data import manifest, records

# Calls a tool many times in one process, for TensorFlow takes seconds to import: the flags of two
# tools cannot be in one process, so it is not that of the tests.
DRIVER = """
import contextlib, importlib, io, json, sys
tool = importlib.import_module("dualcontrast." + sys.argv[1])
program = "dualcontrast-" + sys.argv[1].partition(".")[2]
from dualcontrast.trainer import errors
from absl import flags
results = []
for arguments in json.load(sys.stdin):
    flags.FLAGS.unparse_flags()
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            argv = errors._parse(tool.main, [program, *arguments])
            code = errors._call(tool.main, argv) or 0
        except SystemExit as stop:
            code = stop.code
    results.append([code, out.getvalue(), err.getvalue()])
json.dump(results, sys.stdout)
"""


class Workbench:
    """Makes images and runs the data tools.

    A fixture and not functions, because test files cannot import each other.
    """

    def __init__(self, warm_start):
        self._warm_start = warm_start

    def pixels(
        self, number: int, width: int = 16, height: int = 16, channels: int = 3
    ) -> np.ndarray:
        """Noise that differs from number to number, uint8 [height, width, channels]."""
        random = np.random.default_rng(number)
        return random.integers(0, 256, (height, width, channels), dtype=np.uint8)

    def folder(self, path: pathlib.Path, count: int, side: int = 16) -> pathlib.Path:
        """Writes `count` PNG files, half of them one folder down."""
        (path / "below").mkdir(parents=True)
        for number in range(count):
            name = f"{'below/' * (number % 2)}{number:03d}.png"
            Image.fromarray(self.pixels(number, side, side)).save(path / name)
        return path

    def png(self, values: np.ndarray, colour_type: int, bits: int = 8, extra: bytes = b"") -> bytes:
        """A PNG file from integers [height, width, channels], with chunks before the data."""
        height, width, _ = values.shape
        rows = values.astype(f">u{bits // 8}")
        data = b"".join(b"\0" + row.tobytes() for row in rows)
        header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
        chunks = self.chunk(b"IHDR", header) + extra + self.chunk(b"IDAT", zlib.compress(data))
        return b"\x89PNG\r\n\x1a\n" + chunks + self.chunk(b"IEND", b"")

    def chunk(self, kind: bytes, data: bytes) -> bytes:
        """A chunk of a PNG file."""
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    def command(self, tool: str, *arguments: object) -> list[str]:
        """The command line of a tool."""
        return [sys.executable, "-m", f"dualcontrast.tools.{tool}", *map(str, arguments)]

    def run(self, tool: str, *arguments: object, **settings) -> subprocess.CompletedProcess:
        """Runs a tool to its end; `settings` are added to its environment."""
        words = [*map(str, arguments)]
        return self._warm_start.run(f"dualcontrast.tools.{tool}", words, 120, settings)

    def calls(self, tool: str, *commands: list) -> list[tuple[int, str, str]]:
        """Exit code, output and errors of each call of a tool, all in one process of their own."""
        return self._calls(DRIVER, f"tools.{tool}", commands)

    def early_calls(self, binary: str, *commands: list) -> list[tuple[int, str, str]]:
        """The same for a binary such as trainer.train, without TensorFlow and Keras."""
        without = "import sys; sys.modules.update(tensorflow=None, keras=None)\n"
        return self._calls(without + DRIVER, binary, commands)

    def _calls(self, driver: str, binary: str, commands) -> list[tuple[int, str, str]]:
        done = subprocess.run(
            [sys.executable, "-c", driver, binary],
            input=json.dumps([[str(word) for word in command] for command in commands]),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return [tuple(result) for result in json.loads(done.stdout)]

    def convert(self, source: object, dest: object, *arguments: object) -> manifest.Manifest:
        """Converts in one process, expects that it works, and opens the result."""
        done = self.run(
            "convert", f"--source={source}", f"--dest={dest}", "--workers=1", *arguments
        )
        assert done.returncode == 0, done.stderr
        return manifest.open_dataset(dest)

    def stored(self, dataset: manifest.Manifest) -> dict[str, bytes]:
        """The encoded images of a dataset by name, in stored order."""
        found = {}
        for shard in dataset.shards:
            for record in records.read(dataset.path(shard)):
                features = records.decode_example(record.payload)
                found[features["name"].decode("utf-8", "surrogateescape")] = features["image"]
        return found

    def bytes_of(self, folder: pathlib.Path) -> dict[str, bytes]:
        """Every file of a folder."""
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    def assert_refused(self, done: subprocess.CompletedProcess, *words: str) -> None:
        """Expects exit code 2 and one or two lines that hold all the words."""
        assert done.returncode == 2, done.stdout + done.stderr
        assert 1 <= len(done.stderr.strip().splitlines()) <= 2, done.stderr
        assert [word for word in words if word not in done.stderr] == [], done.stderr


@pytest.fixture(scope="session")
def bench(warm_start) -> Workbench:
    """Makes images and runs the data tools."""
    return Workbench(warm_start)


@pytest.fixture(scope="session")
def save_run():
    """Makes what a run keeps of its averaged generator: save_run(workdir, config, names)."""

    def save(workdir: pathlib.Path, config: schema.Config, names: Sequence[str] = ()):
        average = state.make_generator(config, name="average")
        random = np.random.default_rng(1)
        # Every variable counts: at first the noise's strength and the mean of w are zero.
        for variable in average.variables:
            change = 0.1 * random.standard_normal(variable.shape)
            variable.assign(variable.numpy() + change.astype(np.float32))
        parts = {
            "average": state.variables_of(average),
            "images_seen": tf.Variable(4000, dtype=tf.int64),
        }
        folder = str(workdir / checkpoint.FOLDER)
        manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(**parts), folder, 1, checkpoint_name="images"
        )
        manager.save(checkpoint_number=4000)
        files.write(workdir / checkpoint.CONFIG_NAME, serialisation.to_json(config))
        if names:
            classes = [{"name": name, "count": 10} for name in names]
            data = {"count": 10 * len(names), "sha256": [], "classes": classes}
            files.write_object(workdir / checkpoint.DATA_NAME, data)
        return average

    return save
