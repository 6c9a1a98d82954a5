"""The extractor that comes with the project ranks known faults of images by their strength.

    .venv/bin/python -m pytest -m slow -s tests/trainer/features/embedded_ladders_test.py

prints the table of docs/evaluation.md.
"""

import dataclasses
import io
import pathlib
import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy import ndimage

from dualcontrast.tools.scenes import scenes
from dualcontrast.trainer.features import embedded
from dualcontrast.trainer.features.extractor import Extraction
from dualcontrast.trainer.metrics import frechet_distance, statistics

KIND = scenes.Kind(1, 2, 2.0)  # The demo's.
SHAPES, COLOURS = list(scenes.SHAPES), list(scenes.COLOURS.values())
PAGE = pathlib.Path(__file__).parents[3] / "docs" / "evaluation.md"
# By how much a rung lies above the one before, at least.
STEP = 1.15


class Pool(NamedTuple):
    """Scenes and their images, uint8 [count, 32, 32, 3]."""

    scenes: list
    images: np.ndarray

    def where(self, wanted: Callable) -> np.ndarray:
        """The images of the scenes of which all solids are wanted."""
        found = [all(wanted(solid) for solid in scene.solids) for scene in self.scenes]
        return self.images[np.array(found)]


def render(seed: int, count: int) -> Pool:
    images = [scenes.render(seed, number, embedded.SIDE, KIND) for number in range(count)]
    return Pool([scenes.compose(seed, number, KIND) for number in range(count)], np.stack(images))


def to_bytes(x: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)


def blurred(images: np.ndarray, sigma: float) -> np.ndarray:
    return to_bytes(ndimage.gaussian_filter(images.astype(float), (0, sigma, sigma, 0)))


def noisy(images: np.ndarray, deviation: float) -> np.ndarray:
    return to_bytes(images + np.random.default_rng(0).normal(0, deviation, images.shape))


def as_jpeg(images: np.ndarray, quality: int) -> np.ndarray:
    found = []
    for image in images:
        file = io.BytesIO()
        Image.fromarray(image).save(file, format="jpeg", quality=quality)
        found.append(np.asarray(Image.open(file)))
    return np.stack(found)


def cut_out(images: np.ndarray, side: int) -> np.ndarray:
    """With a grey square somewhere."""
    found = images.copy()
    places = np.random.default_rng(0).integers(0, embedded.SIDE - side + 1, [len(images), 2])
    for image, (row, column) in zip(found, places, strict=True):
        image[row : row + side, column : column + side] = 128
    return found


def warmed(images: np.ndarray, share: float) -> np.ndarray:
    return to_bytes(images * np.array([1 + share, 1, 1 - share]))


def turned(images: np.ndarray, degrees: int) -> np.ndarray:
    """With other hues."""
    found = []
    for image in images:
        bands = np.asarray(Image.fromarray(image).convert("HSV")).copy()
        bands[..., 0] += np.uint8(round(degrees / 360 * 256))
        found.append(np.asarray(Image.fromarray(bands, "HSV").convert("RGB")))
    return np.stack(found)


def few(images: np.ndarray, parts: int) -> np.ndarray:
    """The first of so many parts, again and again."""
    return np.resize(images[: len(images) // parts], images.shape)


def collapsed(images: np.ndarray, parts: int) -> np.ndarray:
    """With the last image in place of one of so many parts."""
    kept = len(images) - len(images) // parts
    return np.concatenate([images[:kept], np.repeat(images[-1:], len(images) - kept, axis=0)])


CORRUPTIONS = {
    "Gaussian blur, of so many pixels": (blurred, (0.75, 1, 1.5, 2)),
    "noise, of so many of 255 levels": (noisy, (8, 16, 24, 32)),
    "JPEG, of such a quality": (as_jpeg, (75, 25, 10, 5)),
    "a grey square, of so many pixels": (cut_out, (4, 6, 8, 12)),
    "red more and blue less, by so much": (warmed, (0.05, 0.1, 0.2, 0.3)),
    "hues turned, by so many degrees": (turned, (10, 20, 40, 80)),
    "only the first 1/n of the images, n times": (few, (2, 4, 8)),
    "one image in place of 1/n of them": (collapsed, (8, 4, 2)),
}


def has_no_colour_of(count: int) -> Callable:
    return lambda solid: solid.colour not in COLOURS[:count]


def has_no_shape_of(count: int) -> Callable:
    return lambda solid: type(solid) not in SHAPES[::-1][:count]


def has_no_pair_of(count: int) -> Callable:
    """Leaves out pairs of a shape and a colour, of which every shape and colour has some left."""
    pairs = [(shape, colour) for shape in range(3) for colour in range(8)]
    missing = sorted(pairs, key=lambda pair: ((pair[0] + pair[1]) % 2, pair))[:count]
    return lambda solid: ((SHAPES.index(type(solid)), COLOURS.index(solid.colour)) not in missing)


SUBSETS = {
    "so many of 8 colours missing": (has_no_colour_of, (1, 2, 4)),
    "so many of 3 shapes missing, cylinders first": (has_no_shape_of, (1, 2)),
    "so many of 24 pairs of both missing": (has_no_pair_of, (6, 12)),
}


def rungs(ladder: str, pool: Pool, count: int) -> list[np.ndarray]:
    """The images of all rungs, the first without a fault; as many on each, `count` at most."""
    if ladder in CORRUPTIONS:
        change, strengths = CORRUPTIONS[ladder]
        images = pool.images[:count]
        return [images, *(change(images, strength) for strength in strengths)]
    left_by, strengths = SUBSETS[ladder]
    kept = [pool.images, *(pool.where(left_by(strength)) for strength in strengths)]
    return [images[: min(count, *map(len, kept))] for images in kept]


def distances(extract: Extraction, reals: np.ndarray, faulty: list[np.ndarray]) -> list[float]:
    of_reals, *others = (
        statistics.deal(extract(images).table, 1)[0] for images in (reals, *faulty)
    )
    return [frechet_distance.distance(of_reals, other) for other in others]


def climbs(found: list[float]) -> bool:
    """Whether every rung lies clearly above the one before."""
    return all(after > STEP * before for before, after in zip(found, found[1:]))


@pytest.fixture(name="pool", scope="module")
def _pool() -> Pool:
    return render(5, 400)


@pytest.fixture(name="extract", scope="module")
def _extract() -> Extraction:
    return Extraction(embedded.load(), 50)


@pytest.mark.parametrize("ladder", [*CORRUPTIONS, *SUBSETS])
def test_the_distance_grows_with_what_is_wrong(extract, pool, ladder):
    found = distances(extract, pool.images, rungs(ladder, pool, 400))
    assert climbs(found), found


@pytest.mark.parametrize("ladder", ["Gaussian blur", "hues turned"])
def test_features_that_see_only_the_mean_light_climb_no_such_ladder(pool, ladder):
    def mean(images):
        return tf.reduce_mean(tf.cast(images, tf.float32), axis=[1, 2, 3])[:, None] / 255, None

    blind = Extraction(dataclasses.replace(embedded.load(), compute=mean), 50)
    (name,) = (name for name in [*CORRUPTIONS, *SUBSETS] if ladder in name)
    assert not climbs(distances(blind, pool.images, rungs(name, pool, 400)))


def row_of(ladder: str, found: list[float]) -> str:
    """The line of the page's table."""
    strengths = (CORRUPTIONS | SUBSETS)[ladder][1]
    cells = [f"{value:.2f}" for value in found]
    steps = ", ".join(f"{value:g}" for value in strengths)
    return f"| {ladder} | {steps} | {' → '.join(cells)} |"


@pytest.mark.slow
def test_the_page_has_the_distances_of_a_thousand_images_to_a_thousand_others(extract):
    reals, pool = render(0, 1000).images, render(7, 4000)
    written = PAGE.read_text(encoding="utf-8")
    for ladder in [*CORRUPTIONS, *SUBSETS]:
        found = distances(extract, reals, rungs(ladder, pool, 1000))
        print(row_of(ladder, found))
        assert climbs(found), (ladder, found)
        (line,) = re.findall(rf"^\| {re.escape(ladder)} \|.*\| ([^|]*) \|$", written, re.M)
        assert [float(word) for word in line.split(" → ")] == pytest.approx(found, rel=0.02)
