"""Damaged checkpoint files: the right values of some checkpoint, or a refusal; never wrong ones."""

import pathlib
import random
import shutil

import pytest

from dualcontrast.trainer.checkpoints import checkpoint, discovery
from dualcontrast.trainer.errors import UserError


@pytest.fixture(name="run", scope="module")
def _run(saving, tmp_path_factory) -> pathlib.Path:
    """A run with the checkpoints of 8 and 16 images."""
    workdir = tmp_path_factory.mktemp("sound") / "run"
    saving.train(workdir, 16)
    return workdir


def damage(path: pathlib.Path, rng: random.Random) -> str:
    """Damages a file and says how."""
    content = bytearray(path.read_bytes())
    how = rng.choice(["flip", "flip", "flip", "cut", "cut", "zeros", "empty", "gone", "text"])
    if how == "flip":
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    elif how == "cut":
        del content[rng.randrange(len(content)) :]
    elif how == "zeros":  # what a power cut leaves of a file that was never synced
        start = rng.randrange(len(content))
        content[start:] = bytes(len(content) - start)
    elif how == "text":
        content = bytearray(b"<html>503</html>\n")
    path.write_bytes(b"" if how == "empty" else content)
    if how == "gone":
        path.unlink()
    return how


@pytest.mark.parametrize("number", [40, pytest.param(200, marks=pytest.mark.faults)])
def test_a_damaged_file_costs_its_checkpoint_at_most(
    number, saving, run, tmp_path, count_faults, capsys
):
    count_faults("corrupted checkpoint files", number)
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    for _ in range(number):
        workdir = tmp_path / "run"
        shutil.copytree(run, workdir)
        path = rng.choice(sorted((workdir / "checkpoints").iterdir()))
        how = damage(path, rng)
        found = discovery.newest_whole(workdir)
        state = saving.State()
        restored = checkpoint.Checkpoints(workdir, state, saving.KEEP).restore()
        assert restored is not None, (path.name, how)
        images_seen = state.check()
        expected = (8, 16) if "images-16" in path.name else (16,)
        assert images_seen in expected, (path.name, how)
        assert restored == str(found) and found.name == f"images-{images_seen}", (path.name, how)
        shutil.rmtree(workdir)


def test_a_run_whose_checkpoints_are_all_damaged_is_refused(saving, run, tmp_path, capsys):
    for ending in ("index", "data-00000-of-00001"):
        workdir = tmp_path / ending
        shutil.copytree(run, workdir)
        for path in workdir.rglob(f"*.{ending}"):
            path.write_bytes(path.read_bytes()[:30])
        with pytest.raises(UserError, match="none of the 2 checkpoints"):
            saving.train(workdir, 24)
        assert len(list((workdir / "checkpoints").iterdir())) == 5
