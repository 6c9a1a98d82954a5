"""A dataset with labels."""

import numpy as np
import pytest

NAMES = ("cat", "dog", "eel", "fox")
LABELS = np.array([0, 0, 2] * 24 + [1] * 4 + [2] * 20)  # 48 cats, 4 dogs, 44 eels, no fox


@pytest.fixture(name="labelled", scope="session")
def _labelled(tmp_path_factory, write_labelled):
    """96 images of 8x8 pixels, brighter from class to class."""
    random = np.random.default_rng(5)
    images = random.integers(0, 100, (96, 8, 8, 3)) + 50 * LABELS[:, None, None, None]
    folder = tmp_path_factory.mktemp("labelled") / "data"
    return write_labelled(folder, images.astype(np.uint8), LABELS, NAMES)
