"""What `make demo` makes is good enough to be shown: as long as the demo takes, and minutes more.

The figures are those of docs/results.md, with the room that another processor's roundings need: two
runs of one seed on two machines are two trainings.
"""

import json
import os
import pathlib
import subprocess
import sys

import pytest
from PIL import Image

ROOT = pathlib.Path(__file__).parent.parent
BINARIES = pathlib.Path(sys.executable).parent
# The demo is run as people run it, without what the tests set for themselves.
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name not in ("DUALCONTRAST_OPS", "XLA_FLAGS")
}


def printed(command: list, folder: pathlib.Path) -> str:
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=ENVIRONMENT, text=True, capture_output=True
    )
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def make_demo(folder: pathlib.Path) -> None:
    """Runs the commands of the Makefile's demo in a folder, in the environment of the tests."""
    # The environment is there already: as if its mark were older than nothing.
    shown = ["make", "--dry-run", "--old-file=.venv/installed", "demo", f"BIN={BINARIES}"]
    recipe = printed(shown, ROOT)
    assert "dualcontrast-train --config=demo" in recipe
    printed(["bash", "-e", "-o", "pipefail", "-c", recipe], folder)


def distances(folder: pathlib.Path) -> dict:
    """FID and recall of 4,000 images of the demo's generator against the 4,000 it learned from."""
    flags = ["--run=demo/run", "--data=demo/data", "--metrics=fid,precision_recall"]
    printed([BINARIES / "dualcontrast-evaluate", *flags, "--fake_count=4000"], folder)
    return json.loads((folder / "demo/run/metrics-evaluation.jsonl").read_text().splitlines()[-1])


def contents(folder: pathlib.Path) -> dict:
    """What a network that renders have taught sees in 2,000 images of the demo's generator."""
    flags = ["--run=demo/run", "--solids=1-2", "--zoom=2", "--renders=12000"]
    out = printed([sys.executable, "-m", "dualcontrast.tools.recognise", *flags], folder)
    return json.loads(out.splitlines()[-1])


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory) -> pathlib.Path:
    """Where the demo was run."""
    folder = tmp_path_factory.mktemp("demo")
    make_demo(folder)
    return folder


@pytest.mark.slow
def test_the_demo_ends_with_all_that_it_says(folder):
    with Image.open(folder / "demo/samples/grid.png") as grid:
        assert grid.size == (8 * 32, 8 * 32)
    assert "data:image" in (folder / "demo/report.html").read_text()
    assert (folder / "demo/model/saved_model.pb").exists()
    assert list((folder / "demo/run/checkpoints").glob("images-120000*"))


@pytest.mark.slow
def test_the_demo_s_images_are_near_those_it_learned_from_and_as_varied(folder):
    found = distances(folder)
    assert found["images_seen"] == 120_000
    assert found["fid"] <= 5.5 and found["recall"] >= 0.2, (found["fid"], found["recall"])


@pytest.mark.slow
def test_the_demo_s_solids_are_recognised_in_every_shape_and_colour(folder):
    found = contents(folder)
    assert found["recognised"] >= 0.8, found
    assert len(found["shapes"]) == 3 and min(found["shapes"]) > 0, found
    assert len(found["colours"]) == 8 and min(found["colours"]) > 0, found
