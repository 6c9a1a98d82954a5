"""dualcontrast-augmentations as a user runs it, and the numbers that its rows are drawn by."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from dualcontrast.tools.contact_sheet import sheet
from dualcontrast.tools.contact_sheet.spread import Spread


def test_the_command_writes_a_row_an_augmentation(bench, tmp_path):
    data = bench.convert(bench.folder(tmp_path / "in", 2), tmp_path / "data").folder
    output = tmp_path / "sheet.png"
    ((code, out, err),) = bench.calls(
        "augmentations", [f"--data={data}", f"--output={output}", "--columns=2"]
    )
    assert (code, out) == (0, f"{output} with 20 rows of 3 pictures\n"), err
    # 20 rows of 16 pixels enlarged to 64, and a gap before each.
    with Image.open(output) as picture:
        assert picture.mode == "RGB" and picture.height == 4 + 20 * 68


def test_a_spread_goes_from_the_least_to_the_greatest_number():
    least, middle, most = (Spread(0, 0, share) for share in (0.0, 0.5, 1.0))
    assert [float(d.uniform("x", (1,))[0, 0]) for d in (least, middle)] == [0.0, 0.5]
    assert 0.999 < float(most.uniform("x")[0]) < 1
    assert [int(d.integers("x", 9)[0]) for d in (least, middle, most)] == [0, 4, 8]
    # Two deviations about a mean of 0.
    normal = [float(d.normal("x")[0]) for d in (least, middle, most)]
    np.testing.assert_allclose(normal, [-2, 0, 2], atol=2e-3)
    assert float(most.uniform("applied", (1, 1, 1))[0, 0, 0, 0]) == 0
    noise = most.normal("noise", (8, 8, 1))
    assert noise.shape == (1, 8, 8, 1) and len(np.unique(noise)) == 64
    # Of what is random another column has others.
    assert np.abs(noise - Spread(0, 1, 1.0).normal("noise", (8, 8, 1))).max() > 0.1


def test_every_row_changes_an_image():
    image = tf.random.stateless_uniform([1, 32, 32, 3], [0, 0], -1, 1)
    same = sheet.Row("", lambda images, draws: images, True)
    before = sheet._changed(image, same, 2, seed=1)
    for row in sheet.rows():
        assert (sheet._changed(image, row, 2, seed=1) != before).any(), row.label


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_images_and_those_with_an_alpha_have_a_sheet_too(channels):
    image = tf.random.stateless_uniform([1, 8, 8, channels], [0, 0], -1, 1)
    for row in sheet.rows():
        if not row.spread:
            assert sheet._changed(image, row, 1, seed=1).shape == (1, 8, 8, channels)


def test_the_sheet_has_the_image_before_its_changes():
    image = np.full([64, 64, 3], 100, np.uint8)
    shown = [("one", np.stack([image + 50, image + 100])), ("two", np.stack([image, image]))]
    picture = sheet.draw(image, shown)
    assert picture.shape[0] == 4 + 2 * 68
    # From the right: gap, the last image of row one, and so on.
    assert [int(picture[36, -x, 0]) for x in (2, 36, 104, 172)] == [255, 200, 150, 100]
