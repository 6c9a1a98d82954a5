"""Crop, background, channels and resize do what they say and nothing else."""

import io

import numpy as np
import pytest
from PIL import Image

from dualcontrast.tools.conversion import pixels
from dualcontrast.tools.conversion.pixel_formats import Rejected


def rules(**changes) -> pixels.Rules:
    usual = {
        "resolution": 16,
        "crop": "none",
        "filter": "lanczos",
        "channels": "rgb",
        "background": (255, 255, 255),
        "upscale": False,
        "max_pixels": 1_000_000,
    }
    return pixels.Rules(**usual | changes)


def png(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "png")
    return file.getvalue()


def test_an_image_of_the_right_kind_is_not_changed(bench):
    image = bench.pixels(0)
    np.testing.assert_array_equal(pixels.convert(png(image), rules()), image)


def test_the_box_filter_averages(bench):
    image = bench.pixels(1, 32, 32)
    means = image.reshape(16, 2, 16, 2, 3).mean(axis=(1, 3))
    received = pixels.convert(png(image), rules(filter="box"))
    assert np.abs(received - means).max() <= 1


def test_the_filters_differ(bench):
    data = png(bench.pixels(2, 40, 40))
    results = {pixels.convert(data, rules(filter=name)).tobytes() for name in pixels.FILTERS}
    assert len(results) == len(pixels.FILTERS)


def test_the_centre_is_kept(bench):
    image = bench.pixels(3, width=21, height=16)
    received = pixels.convert(png(image), rules(crop="center"))
    np.testing.assert_array_equal(received, image[:, 2:18])


def test_squash_keeps_everything_out_of_shape():
    image = np.zeros((16, 32, 3), np.uint8)
    image[:, 16:] = 255
    received = pixels.convert(png(image), rules(crop="squash", filter="box"))
    np.testing.assert_array_equal(received[:, :8], 0)
    np.testing.assert_array_equal(received[:, 8:], 255)


def test_celeba_is_cropped_about_the_face(bench):
    image = bench.pixels(4, width=178, height=218)
    received = pixels.convert(png(image), rules(crop="celeba", resolution=128))
    np.testing.assert_array_equal(received, image[121 - 64 : 121 + 64, 89 - 64 : 89 + 64])


def test_what_is_transparent_shows_the_background():
    image = np.zeros((16, 16, 4), np.uint8)
    image[:8] = 10, 20, 30, 0
    image[8:] = 100, 100, 100, 51  # 51 / 255 = 0.2
    received = pixels.convert(png(image), rules(background=(200, 0, 50)))
    assert list(received[0, 0]) == [200, 0, 50]
    assert list(received[15, 0]) == [180, 20, 60]  # 0.2 * 100 + 0.8 * background


def test_rgba_stays_transparent_and_what_has_no_alpha_is_opaque(bench):
    image = bench.pixels(5, channels=4)
    np.testing.assert_array_equal(pixels.convert(png(image), rules(channels="rgba")), image)
    opaque = pixels.convert(png(image[..., :3].copy()), rules(channels="rgba"))
    np.testing.assert_array_equal(opaque[..., 3], 255)


def test_invisible_colours_do_not_bleed_into_a_smaller_image():
    image = np.zeros((32, 32, 4), np.uint8)
    image[:, ::2] = 255, 0, 0, 255  # Opaque red beside invisible black.
    received = pixels.convert(png(image), rules(channels="rgba", filter="box"))
    assert np.abs(received[..., 0].astype(int) - 255).max() <= 1


def test_grey_is_repeated_and_colour_is_weighed(bench):
    grey = bench.pixels(6, channels=1)
    received = pixels.convert(png(grey[..., 0]), rules())
    np.testing.assert_array_equal(received, np.repeat(grey, 3, axis=2))
    colour = np.zeros((16, 16, 3), np.uint8)
    colour[..., 1] = 255
    received = pixels.convert(png(colour), rules(channels="gray"))
    assert received.shape == (16, 16, 1)
    assert received[0, 0, 0] == 150  # 0.587 * 255 (ITU-R BT.601)


@pytest.mark.parametrize(
    "width, height, changes, reason",
    [
        (20, 16, {}, "20x16, not square, and --crop=none"),
        (15, 15, {}, "15x15, too small for 16 without --upscale"),
        (1, 1, {}, "1x1, too small"),
        (100, 15, {"crop": "center"}, "15x15, too small"),
        (100, 15, {"crop": "squash"}, "100x15, too small"),
        (178, 217, {"crop": "celeba"}, "178x217, --crop=celeba is for 178x218"),
        (40, 40, {"max_pixels": 1599}, "40x40 pixels, more than --max_pixels=1599"),
    ],
)
def test_an_image_that_the_rules_do_not_fit_is_rejected(bench, width, height, changes, reason):
    with pytest.raises(Rejected, match=reason):
        pixels.convert(png(bench.pixels(7, width, height)), rules(**changes))


def test_a_small_image_is_enlarged_if_asked_for(bench):
    assert pixels.convert(png(bench.pixels(8, 5, 5)), rules(upscale=True)).shape == (16, 16, 3)
