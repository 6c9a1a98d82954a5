"""The extractor that comes with the project: small, of unit scale, and made again by its script."""

import subprocess
import sys

import numpy as np
import pytest

from dualcontrast.tools.scenes import scenes
from dualcontrast.trainer.features import embedded
from dualcontrast.trainer.features.extractor import Extraction

COUNT = 200


@pytest.fixture(name="pictures", scope="module")
def _pictures():
    return np.stack([scenes.render(5, index, 32) for index in range(COUNT)])


@pytest.fixture(name="extract", scope="module")
def _extract():
    return Extraction(embedded.load(), 50)


def test_the_weights_are_small_and_marked():
    assert embedded.FILE.stat().st_size < 1e6
    assert embedded.load().note == "not comparable with published FID"


def test_features_of_scenes_have_unit_scale(extract, pictures):
    table = extract(pictures).table
    assert table.shape == (COUNT, 64)
    assert abs(table.mean(axis=0)).max() < 0.5
    assert 0.7 < table.std(axis=0).mean() < 1.3


def test_larger_images_are_averaged_down(extract):
    large = np.stack([scenes.render(5, index, 64) for index in range(20)])
    small = np.stack([scenes.render(5, index, 32) for index in range(20)])
    difference = extract(large).table - extract(small).table
    assert np.sqrt(np.mean(difference**2)) < 0.5


def train(path) -> bytes:
    command = [sys.executable, "-m", "dualcontrast.tools.train_embedded_extractor"]
    command += [f"--output={path}", "--scenes=128", "--epochs=1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return path.read_bytes()


def test_the_training_script_makes_such_weights(tmp_path, monkeypatch, pictures):
    train(tmp_path / "again.npz")
    with np.load(embedded.FILE) as old, np.load(tmp_path / "again.npz") as new:
        assert {name: old[name].shape for name in old} == {name: new[name].shape for name in new}
    monkeypatch.setattr(embedded, "FILE", tmp_path / "again.npz")
    assert np.isfinite(Extraction(embedded.load(), 4)(pictures[:4]).table).all()


@pytest.mark.slow
def test_the_training_script_makes_the_same_weights_again(tmp_path):
    assert train(tmp_path / "a.npz") == train(tmp_path / "b.npz")
