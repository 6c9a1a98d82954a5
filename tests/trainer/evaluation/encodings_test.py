"""Sets of images that were encoded differently are compared with a warning."""

import io

import numpy as np
import pytest
from PIL import Image

from dualcontrast.trainer.evaluation import encodings
from dualcontrast.trainer.metrics.estimate import Estimate

PICTURE = Image.fromarray(
    np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8), "RGB"
)


def encoded(**how) -> bytes:
    content = io.BytesIO()
    PICTURE.save(content, **how)
    return content.getvalue()


@pytest.mark.parametrize(
    "how, expected",
    [
        ({"format": "png"}, "png"),
        ({"format": "jpeg", "quality": 75}, "jpeg 75"),
        ({"format": "jpeg", "quality": 30}, "jpeg 30"),
        ({"format": "jpeg", "quality": 95, "subsampling": 0}, "jpeg 95"),
        ({"format": "mpo", "quality": 75}, "jpeg 75"),
        ({"format": "webp", "quality": 80}, "webp"),
        ({"format": "webp", "lossless": True}, "lossless webp"),
        ({"format": "tiff"}, "tiff"),
        ({"format": "tiff", "compression": "jpeg"}, "tiff of jpeg"),
        ({"format": "bmp"}, "bmp"),
    ],
)
def test_an_encoding_is_recognised_with_its_quality(how, expected):
    assert encodings.of_file(encoded(**how)) == expected


def folder(**counts: int) -> dict:
    """The protocol of a folder; _ in a name stands for a space."""
    named = {name.replace("_", " "): count for name, count in counts.items()}
    return {"kind": "folder", "count": sum(counts.values()), "encodings": named}


PNG = {"kind": "dataset", "count": 100, "encoding": "png"}
JPEG = {"kind": "dataset", "count": 100, "encoding": "jpeg"}
DRAWN = {"kind": "generator", "count": 100}


@pytest.mark.parametrize(
    "reals, fakes, words",
    [
        (PNG, folder(jpeg_75=100), "the reals are png, the fakes jpeg of quality 75"),
        (JPEG, DRAWN, "the reals are jpeg, the fakes not encoded"),
        (folder(jpeg_95=50), folder(jpeg_60=50), "quality 95, the fakes jpeg of quality 60"),
        (folder(webp=9, png=1), folder(png=10), "the reals are webp, png, the fakes png"),
        (folder(png=80, jpeg_90=20), PNG, "the reals are png, jpeg of quality 90"),
        (PNG, folder(tiff_of_jpeg=3), "the fakes tiff of jpeg"),
    ],
)
def test_what_lost_something_on_one_side_only_is_warned_of(reals, fakes, words):
    found = encodings.warning(reals, fakes)
    assert words in found and "compression alone moves the value" in found


@pytest.mark.parametrize(
    "reals, fakes",
    [
        (PNG, DRAWN),
        (PNG, folder(tiff=40, bmp=40, lossless_webp=20)),
        (folder(jpeg_90=50), folder(jpeg_92=50)),
        (JPEG, folder(jpeg_75=50)),  # nobody knows the dataset's quality
        (folder(png=98, jpeg_90=2), PNG),
        (PNG, {"kind": "statistics", "count": 100}),
    ],
)
def test_nothing_is_said_where_both_are_alike_or_nobody_knows(reals, fakes):
    assert encodings.warning(reals, fakes) == ""


def test_a_warning_stands_beside_others():
    plain = Estimate(1.0, None, "a method", 10, 10)
    assert plain.warned("first").warning == "first"
    both = plain.warned("first").warned("second").warning
    assert "first" in both and "second" in both
