"""The rendered scenes are what they promise to be."""

import dataclasses
import math
from collections import Counter

import numpy as np
import pytest

from dualcontrast.tools.scenes import raytrace, scenes


def average(image: np.ndarray, factor: int) -> np.ndarray:
    size = image.shape[0] // factor
    return image.reshape(size, factor, size, factor, 3).mean(axis=(1, 3))


def test_a_scene_is_a_function_of_seed_and_index():
    first = scenes.render(seed=1, index=2, resolution=32)
    np.testing.assert_array_equal(first, scenes.render(seed=1, index=2, resolution=32))
    assert (first != scenes.render(seed=1, index=3, resolution=32)).any()
    assert (first != scenes.render(seed=2, index=2, resolution=32)).any()


@pytest.mark.parametrize("resolution", [8, 32, 64, 256])
def test_any_resolution_can_be_had(resolution):
    image = scenes.render(seed=0, index=0, resolution=resolution)
    assert image.shape == (resolution, resolution, 3)
    assert image.dtype == np.uint8


def test_a_scene_is_the_same_at_every_resolution():
    small, large = (scenes.render(seed=0, index=4, resolution=size) for size in (32, 128))
    apart = np.abs(average(large, 4) - small)
    assert apart.mean() < 2
    other = scenes.render(seed=0, index=5, resolution=32)
    assert np.abs(average(large, 4) - other).mean() > 10


def test_there_are_3_to_8_solids_that_do_not_touch():
    numbers = set()
    for index in range(150):
        solids = scenes.compose(0, index).solids
        numbers.add(len(solids))
        for number, a in enumerate(solids):
            for b in solids[:number]:
                assert math.hypot(a.x - b.x, a.y - b.y) > a.footprint + b.footprint
    assert numbers == {3, 4, 5, 6, 7, 8}


def test_scenes_may_have_few_solids_seen_from_near():
    kind = scenes.Kind(1, 2, 2.0)
    made = [scenes.compose(0, index, kind) for index in range(40)]
    assert {len(scene.solids) for scene in made} == {1, 2}
    assert max(math.hypot(s.x, s.y) for scene in made for s in scene.solids) <= 2.4 / 2
    # The same solid fills four times the pixels.
    one = scenes.Scene((scenes.Sphere(0, 0, 0.5, 0, scenes.COLOURS["red"], False),), *_STANDS)
    areas = []
    for zoom in (1.0, 2.0):
        image = raytrace.picture(dataclasses.replace(one, zoom=zoom), 64).astype(int)
        areas.append((image[..., 0] > image[..., 1] + 40).sum())
    assert areas[1] / areas[0] == pytest.approx(4, rel=0.1)


def test_scenes_may_have_one_large_solid_that_is_whole_in_the_picture():
    kind = scenes.Kind(1, 1, 1.8, "large", 0.2)
    made = [scenes.compose(0, index, kind).solids for index in range(200)]
    assert {solid.size for (solid,) in made} == {0.72}
    reach = 2.4 * 0.2 / 1.8
    assert max(math.hypot(s.x, s.y) for (s,) in made) == pytest.approx(reach, rel=0.05)
    whole = 0
    for index in range(60):
        image = scenes.render(0, index, 32, kind).astype(int)
        coloured = image.max(-1) - image.min(-1) > 60  # where it is no ground
        whole += not np.any([*coloured[[0, -1]], *coloured[:, [0, -1]].T])
    assert whole >= 57


def test_the_largest_solid_and_of_two_the_nearest_names_a_scene():
    def cube(y, size, colour):
        return scenes.Cube(0, y, size, 0, scenes.COLOURS[colour], False)

    far, near, small = cube(1, 0.7, "red"), cube(-1, 0.7, "blue"), cube(-2, 0.4, "grey")
    named = scenes.largest(scenes.Scene((far, small, near), *_STANDS))
    assert (scenes.shape(named), scenes.colour(named)) == ("cube", "blue")


_STANDS = ((0.0, -8.6, 5.6), (-4.2, -3.4, 8.0))  # camera and lamp


def test_every_kind_of_solid_is_about_equally_common():
    solids = [solid for index in range(300) for solid in scenes.compose(1, index).solids]
    for kinds, number in (
        (Counter(type(solid) for solid in solids), 3),
        (Counter(solid.colour for solid in solids), 8),
        (Counter(solid.shiny for solid in solids), 2),
    ):
        assert len(kinds) == number
        assert min(kinds.values()) > 0.75 * len(solids) / number


def test_a_scene_looks_as_it_should():
    # Drawn once and looked at: a shiny purple ball before a shiny red cylinder, a matt brown ball
    # at the right, on grey ground that is darker in the shadows. Averages of 4x4 parts.
    image = average(scenes.render(seed=0, index=3, resolution=64), 16)
    red, green, blue = image[1, 1]
    assert blue > green + 40
    red, green, blue = image[1, 3]
    assert red > blue + 15
    for corner in (image[0, 0], image[3, 0], image[3, 3]):
        assert 120 < corner.mean() < 235
        assert np.ptp(corner) < 3


def test_shadows_are_soft():
    # Where the lamp is half hidden there are greys between light and shade.
    image = scenes.render(seed=0, index=0, resolution=128).astype(int)
    grey = np.ptp(image, axis=2) < 4
    levels = Counter(image[..., 0][grey].tolist())
    assert sum(levels[level] > 0 for level in range(60, 160)) > 60
