"""The page on a family of one's own: its files, as printed, are a family that all tools take."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILES = ("layers/tinygan.py", "trainer/config/families/tinygan.py", "configs/tiny.py")
SHORT = ("--config.training.total_images=64", "--config.training.log_every_images=32")


@pytest.fixture(name="command", scope="module")
def _command(tmp_path_factory):
    """Runs a binary of a copy of the project to which the three files were added."""
    copy = tmp_path_factory.mktemp("copy")
    packages = [path.name for path in (ROOT / "dualcontrast").iterdir() if path.is_symlink()]
    for name in ("dualcontrast", *packages):
        shutil.copytree(ROOT / name, copy / name, symlinks=True)
    page = (ROOT / "docs" / "training.md").read_text().partition("## A family of your own")[2]
    printed = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    for name, content in zip(FILES, printed, strict=True):
        (copy / name).write_text(content)

    def run(module, *arguments):
        done = subprocess.run(
            [sys.executable, "-m", f"dualcontrast.{module}", *arguments],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    for k in range(48):
        folder = copy / "images" / "ab"[k % 2]
        folder.mkdir(parents=True, exist_ok=True)
        scene = ROOT / "docs" / "scenes32.png"
        shutil.copy(scene, folder / f"{k}.png")
    size = ("--resolution=16", "--crop=center")
    run("tools.convert", "--source=images", *size, "--labels=folders", "--dest=data")
    return run


@pytest.mark.slow
@pytest.mark.parametrize("classes", [0, 2])
def test_the_files_of_the_page_are_a_family_that_all_tools_take(command, classes, tmp_path):
    run = tmp_path / "run"
    train = ["--config=tiny", "--data=data", f"--workdir={run}", *SHORT]
    train += [f"--config.data.labels={bool(classes)}", "--config.training.accumulation=2"]
    assert "done: 64 images" in command("trainer.train", *train)
    grid = command("tools.generate", f"--run={run}", f"--output={tmp_path}/samples", "--grid")
    assert ("a class a row: 'a', 'b'" in grid) == bool(classes)
    evaluation = ("--fake_count=40", "--metrics=fid", "--real_count=40")
    assert "fid" in command("tools.evaluate", f"--run={run}", "--data=data", *evaluation)
    command("tools.export", f"--run={run}", f"--output={tmp_path}/model")
    assert ("## Classes" in (tmp_path / "model" / "README.md").read_text()) == bool(classes)
