"""VGG16 and LPIPS on weights that make them computable by hand."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.features import lpips, vgg16
from dualcontrast.trainer.features.extractor import Extraction

PUBLISHED = vgg16.BLOCKS, vgg16.HIDDEN
SHIFT, SCALE = np.array([-0.030, -0.088, -0.188]), np.array([0.458, 0.448, 0.450])


def weights() -> dict[str, np.ndarray]:
    """Convolutions that change nothing, and dense layers that average."""
    found = {}
    identity = np.zeros((3, 3, 3, 3), np.float32)
    identity[1, 1] = np.eye(3)
    for block, (convolutions, _) in enumerate(vgg16.BLOCKS, 1):
        for index in range(1, convolutions + 1):
            found[f"conv{block}_{index}/kernel"] = identity
            found[f"conv{block}_{index}/bias"] = np.zeros(3, np.float32)
    found["fc6/kernel"] = np.full((7, 7, 3, 4), 1 / 147, np.float32)
    found["fc6/bias"] = np.arange(4, dtype=np.float32)
    found["fc7/kernel"] = np.diag([1, 2, 3, -1]).astype(np.float32)
    found["fc7/bias"] = np.zeros(4, np.float32)
    return found


@pytest.fixture(autouse=True)
def _narrow(monkeypatch):
    """Three channels everywhere: the real network has 138 million weights."""
    monkeypatch.setattr(vgg16, "BLOCKS", tuple((count, 3) for count, _ in vgg16.BLOCKS))
    monkeypatch.setattr(vgg16, "HIDDEN", 4)


@pytest.fixture(name="files")
def _files(tmp_path):
    np.savez(tmp_path / "vgg16.npz", **weights())
    heads = {f"lin{i}": np.array([1, 2, 3], np.float32) * (i + 1) for i in range(5)}
    np.savez(tmp_path / "lpips.npz", **heads)
    return str(tmp_path / "vgg16.npz"), str(tmp_path / "lpips.npz")


def flat(color, side: int = 32) -> np.ndarray:
    return np.tile(np.array(color, np.float32), [1, side, side, 1])


def unit(color) -> np.ndarray:
    x = np.maximum((np.array(color) - SHIFT) / SCALE, 0)
    return x / np.linalg.norm(x)


def test_the_published_network_has_the_shapes_of_vgg16():
    assert PUBLISHED == (((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)), 4096)


def test_lpips_of_flat_images_is_the_weighted_distance_of_their_directions(files):
    a, b = (0.3, 0.5, -0.1), (0.9, 0.1, 0.4)
    found = lpips.load(*files).between(flat(a), flat(b))
    # The same activations in all five layers, whose heads are 1 to 5 times (1, 2, 3).
    expected = 15 * np.sum([1, 2, 3] * (unit(a) - unit(b)) ** 2)
    np.testing.assert_allclose(found, [expected], rtol=1e-5)


def test_lpips_of_an_image_and_itself_is_zero_and_both_orders_agree(files):
    random = np.random.default_rng(0)
    a, b = (random.uniform(-1, 1, (2, 32, 32, 3)).astype(np.float32) for _ in range(2))
    distance = lpips.load(*files)
    assert (distance.between(a, a) == 0).all()
    np.testing.assert_allclose(distance.between(a, b), distance.between(b, a), rtol=1e-6)
    assert (distance.between(a, b) > 0.1).all()


def test_grey_images_are_compared_as_rgb(files):
    distance = lpips.load(*files)
    grey = [flat([value]) for value in (-0.5, 0.5)]
    color = [flat([value] * 3) for value in (-0.5, 0.5)]
    np.testing.assert_allclose(distance.between(*grey), distance.between(*color))


def test_features_are_the_second_dense_layer(files):
    images = np.full((2, 50, 50, 3), 204, np.uint8)
    found = Extraction(vgg16.load(files[0]), 4)(images).table
    mean = np.mean((204 / 127.5 - 1 - SHIFT) / SCALE)
    expected = np.maximum((mean + np.arange(4)) * [1, 2, 3, -1], 0)
    np.testing.assert_allclose(found, [expected] * 2, rtol=1e-4)


@pytest.mark.parametrize("name", ["conv3_2/kernel", "fc7/bias"])
def test_a_file_that_lacks_an_array_is_refused_by_its_name(tmp_path, name):
    wrong = {key: value for key, value in weights().items() if key != name}
    np.savez(tmp_path / "wrong.npz", **wrong)
    with pytest.raises(UserError, match=f"no VGG16: {name} is nothing"):
        vgg16.load(str(tmp_path / "wrong.npz"))


def test_weights_of_half_precision_are_refused(tmp_path):
    wrong = weights() | {"conv1_1/bias": np.zeros(3, np.float16)}
    np.savez(tmp_path / "wrong.npz", **wrong)
    with pytest.raises(UserError, match="conv1_1/bias is float16"):
        vgg16.load(str(tmp_path / "wrong.npz"))


def test_other_files_are_refused(files, tmp_path):
    (tmp_path / "text.npz").write_text("no arrays")
    with pytest.raises(UserError, match="no .npz file"):
        vgg16.load(str(tmp_path / "text.npz"))
    np.savez(tmp_path / "negative.npz", **{f"lin{i}": -np.ones(3, np.float32) for i in range(5)})
    for place in (str(tmp_path / "text.npz"), files[0], str(tmp_path / "negative.npz")):
        with pytest.raises(UserError, match="no weights of LPIPS"):
            lpips.load(files[0], place)
    with pytest.raises(UserError, match="--lpips is missing"):
        lpips.load(files[0], None)


def test_a_pixel_without_activations_is_compared(files):
    black = tf.constant(flat([-1.0, -1.0, -1.0]))
    assert np.isfinite(lpips.load(*files).between(black, flat([0.5] * 3))).all()
