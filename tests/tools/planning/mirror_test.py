"""Whether images could be mirrored, decided by looking at them."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dualcontrast.tools.planning import mirror
from dualcontrast.tools.planning.mirror import Look
from dualcontrast.tools.scenes import scenes

COUNT, SIDE = 400, 32


def written(count: int) -> np.ndarray:
    """Letters that are not their own mirrors, anywhere on a ground of some colour."""
    random = np.random.default_rng(0)
    images = []
    for _ in range(count):
        picture = Image.new("RGB", (SIDE, SIDE), tuple(random.integers(150, 256, 3).tolist()))
        pen = ImageDraw.Draw(picture)
        for place in random.integers(0, SIDE - 8, (3, 2)).tolist():
            pen.text(place, random.choice(list("FLERPKGBS")), fill=(0, 0, 0))
        images.append(np.asarray(picture))
    return np.stack(images)


@pytest.fixture(name="rendered", scope="module")
def _rendered():
    return np.stack([scenes.render(0, index, SIDE) for index in range(COUNT)])


def decided(images: np.ndarray) -> Look:
    """What a look at images finds."""
    return Look(len(images), mirror.told_share(images))


def test_letters_have_a_left_and_a_right():
    look = decided(written(COUNT))
    assert not look.is_symmetric and not look.is_undecided


def test_scenes_have_their_shadows_on_one_side(rendered):
    assert decided(rendered).told > 0.95  # the lamp is on the left in all of them


def test_scenes_flipped_by_a_coin_are_symmetric(rendered):
    coins = np.random.default_rng(1).integers(0, 2, (COUNT, 1, 1, 1)) == 1
    assert decided(np.where(coins, rendered[:, :, ::-1], rendered)).is_symmetric


def test_images_that_are_their_own_mirrors_are_told_by_chance(rendered):
    both = np.concatenate([rendered[:100, :, :16], rendered[:100, :, 15::-1]], axis=2)
    assert mirror.told_share(both) == pytest.approx(0.5, abs=0.15)


def test_grey_and_transparent_images_are_looked_at(rendered):
    for channels in (1, 4):
        images = np.resize(rendered[:60], (60, SIDE, SIDE, channels))
        assert 0 <= mirror.told_share(images) <= 1
