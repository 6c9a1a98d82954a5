"""What is written is what was meant, in a file that others can read."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from dualcontrast.tools.conversion import encoding
from dualcontrast.tools.scenes import scenes


@pytest.mark.parametrize("channels, mode", [(1, "L"), (3, "RGB"), (4, "RGBA")])
@pytest.mark.parametrize("width, height", [(1, 1), (8, 8), (3, 17)])
def test_a_png_holds_the_pixels_for_pillow_and_for_tensorflow(bench, channels, mode, width, height):
    pixels = bench.pixels(channels, width, height, channels)
    data = encoding.encode(pixels, "png")
    picture = Image.open(io.BytesIO(data))
    assert (picture.format, picture.mode) == ("PNG", mode)
    np.testing.assert_array_equal(np.asarray(picture).reshape(pixels.shape), pixels)
    np.testing.assert_array_equal(tf.io.decode_png(data, channels=channels), pixels)


def pillow(pixels, level):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png", compress_level=level)
    return len(file.getvalue())


def test_a_png_of_a_textured_picture_is_as_small_as_a_slow_encoder_makes_it(bench):
    picture = scenes.render(seed=0, index=0, resolution=64).astype(int)
    pixels = np.clip(picture + bench.pixels(0, 64, 64) // 16, 0, 255).astype(np.uint8)
    assert len(encoding.encode(pixels, "png")) < 1.05 * pillow(pixels, level=6)


def test_a_png_of_a_smooth_picture_is_not_much_larger_than_others():
    pixels = scenes.render(seed=0, index=0, resolution=64)
    assert len(encoding.encode(pixels, "png")) < 1.3 * pillow(pixels, level=1)


def test_the_filter_fits_the_picture():
    # Constant along rows: nothing is left of a row but its first pixel; the mean would leave noise.
    rows = np.repeat(np.random.default_rng(0).integers(0, 256, (64, 1, 3)), 64, axis=1)
    assert len(encoding.encode(rows.astype(np.uint8), "png")) < 800


@pytest.mark.parametrize("channels", [1, 3])
def test_a_jpeg_is_close_to_the_pixels(channels):
    pixels = scenes.render(seed=0, index=1, resolution=64)[..., :channels]
    data = encoding.encode(np.ascontiguousarray(pixels), "jpeg")
    decoded = np.asarray(Image.open(io.BytesIO(data))).reshape(pixels.shape)
    assert np.abs(decoded.astype(int) - pixels).mean() < 2
