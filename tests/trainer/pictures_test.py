"""Pictures: the rule of rounding, the order of a grid, files that are whole or not there."""

import os

import numpy as np
import pytest
from PIL import Image

from dualcontrast.trainer import pictures
from dualcontrast.trainer.errors import UserError


def test_the_range_becomes_all_of_uint8_and_what_is_outside_is_clipped():
    values = np.array([-1, 0, 1, -7, 7, -0.996, 0.996], np.float32)
    # (0 + 1) * 127.5 = 127.5 is a tie and goes to the even 128; 0.004 * 127.5 = 0.51 rounds to 1.
    assert pictures.to_uint8(values).numpy().tolist() == [0, 128, 255, 0, 255, 1, 254]


def test_every_byte_survives_the_way_to_floats_and_back():
    levels = np.arange(256, dtype=np.uint8)
    assert (pictures.to_uint8(levels.astype(np.float32) / 127.5 - 1).numpy() == levels).all()


def test_a_grid_is_read_like_a_page():
    images = np.stack([np.full([2, 3, 1], k, np.uint8) for k in range(1, 6)])
    picture = pictures.grid(images, columns=3)
    assert picture.shape == (4, 9, 1)
    assert picture[::2, ::3, 0].tolist() == [[1, 2, 3], [4, 5, 0]]
    assert picture[1::2, 2::3, 0].tolist() == [[1, 2, 3], [4, 5, 0]]


def test_a_grid_may_be_wider_than_it_has_images():
    assert pictures.grid(np.ones([2, 4, 4, 3], np.uint8), columns=5).shape == (4, 20, 3)


@pytest.mark.parametrize("channels, mode", [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_a_png_has_the_pixels_and_the_channels(tmp_path, channels, mode):
    image = np.random.default_rng(0).integers(0, 256, [8, 5, channels], np.uint8)
    pictures.save_png(tmp_path / "image.png", image)
    saved = Image.open(tmp_path / "image.png")
    assert saved.mode == mode and (np.asarray(saved).reshape(image.shape) == image).all()


def test_a_picture_that_fails_leaves_the_old_one_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "image.png"
    pictures.save_png(path, np.zeros([4, 4, 3], np.uint8))
    before = path.read_bytes()

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", refuse)
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(UserError, match="image.png cannot be written: No space left"):
        pictures.save_png(path, np.ones([4, 4, 3], np.uint8))
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["image.png"]


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_an_animation_has_every_frame_and_plays_for_ever(tmp_path, channels):
    frames = [np.full([16, 16, channels], 80 * k, np.uint8) for k in range(4)]
    pictures.save_animation(tmp_path / "frames.webp", frames, milliseconds=40)
    saved = Image.open(tmp_path / "frames.webp")
    assert saved.n_frames == 4 and saved.info["loop"] == 0
    for k, frame in enumerate(frames):
        saved.seek(k)
        shown = np.asarray(saved.convert("RGB"), np.int32)
        # Lossy, and what is fully transparent has no colour.
        if channels != 4 or k > 0:
            assert abs(shown - int(frame[0, 0, 0])).max() <= 8
        assert saved.info["duration"] == 40
