"""The extractor that comes with the project: small, and moved by what spoils images."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import ndimage

from dualcontrast.tools.scenes import scenes
from dualcontrast.trainer.features import embedded
from dualcontrast.trainer.features.extractor import Extraction
from dualcontrast.trainer.metrics import frechet_distance, statistics

COUNT = 200


@pytest.fixture(name="pictures", scope="module")
def _pictures():
    return np.stack([scenes.render(5, index, 32) for index in range(COUNT)])


@pytest.fixture(name="extract", scope="module")
def _extract():
    return Extraction(embedded.load(), 50)


def distance(extract, a: np.ndarray, b: np.ndarray) -> float:
    (a,), (b,) = (statistics.deal(extract(x).table, 1) for x in (a, b))
    return frechet_distance.distance(a, b)


def to_bytes(x: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)


def test_the_weights_are_small_and_marked():
    assert embedded.FILE.stat().st_size < 1e6
    assert embedded.load().note == "not comparable with published FID"


def test_features_of_scenes_have_unit_scale(extract, pictures):
    table = extract(pictures).table
    assert table.shape == (COUNT, 64)
    assert abs(table.mean(axis=0)).max() < 0.5
    assert 0.7 < table.std(axis=0).mean() < 1.3


@pytest.mark.parametrize("change", ["noise", "blur", "tint", "few"])
def test_what_spoils_images_moves_them_further_the_stronger_it_is(extract, pictures, change):
    noise = np.random.default_rng(0).standard_normal(pictures.shape)

    def changed(strength: float) -> np.ndarray:
        if change == "noise":
            return to_bytes(pictures + 20 * strength * noise)
        if change == "blur":
            return to_bytes(ndimage.gaussian_filter(pictures, (0, strength, strength, 0)))
        if change == "tint":
            return to_bytes(pictures * np.array([1 + 0.15 * strength, 1, 1 - 0.15 * strength]))
        # A generator with few images to show: some of the scenes, again and again.
        return pictures[np.arange(COUNT) % int(COUNT / (20 * strength))]

    none, some, more = (distance(extract, pictures, changed(x)) for x in (1e-3, 1, 2))
    if change != "few":
        assert none < 0.01
    # The variance of all features together is 64.
    assert some > 2 and more > 1.1 * some


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
