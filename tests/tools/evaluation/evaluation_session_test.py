"""An evaluation says and records how both sides of it were encoded."""

import pathlib
import types

import pytest
from PIL import Image

from dualcontrast.tools.evaluation import evaluated, evaluation_session, image_folder, requested
from dualcontrast.trainer.evaluation import report
from dualcontrast.trainer.evaluation.image_set import ImageSet
from dualcontrast.trainer.evaluation.measure import Plan, Result
from dualcontrast.trainer.metrics.estimate import Estimate

RESULTS = {
    "fid": Result(Estimate(1.0, None, "how", reals=8, fakes=8), "embedded"),
    "is": Result(Estimate(2.0, None, "how", reals=0, fakes=8), "embedded"),
}


@pytest.fixture(name="folders", scope="module")
def _folders(bench, tmp_path_factory) -> dict[str, ImageSet]:
    """The same images in several encodings."""
    found = {}
    for name, how in {
        "png": {},
        "jpg": {"quality": 75},
        "jpeg": {"quality": 30},
        "webp": {"quality": 80},
        "bmp": {},
    }.items():
        folder = tmp_path_factory.mktemp(name)
        for number in range(4):
            Image.fromarray(bench.pixels(number)).save(folder / f"{number}.{name}", **how)
        found[name] = image_folder.open_folder(str(folder), "--data", None, 100)
    return found


def warned(reals: dict, images: ImageSet, trained_on=None) -> dict[str, Result]:
    asked = requested.Requested(
        Plan(("fid",), {}), requested.Settings(), types.SimpleNamespace(protocol=reals)
    )
    session = evaluation_session.Session(asked)
    return session._with_warning(RESULTS, evaluated.Subject(images, trained_on=trained_on))


@pytest.mark.parametrize("reals, fakes", [("png", "jpg"), ("jpg", "jpeg"), ("bmp", "webp")])
def test_a_comparison_of_two_encodings_is_shown_with_a_warning(reals, fakes, folders):
    found = warned(folders[reals].protocol, folders[fakes])
    assert "compression alone moves the value" in found["fid"].estimate.warning
    assert found["is"].estimate.warning == ""  # it compares with nothing
    assert "fid: the reals are " in report.table(found)


@pytest.mark.parametrize("reals, fakes", [("png", "bmp"), ("jpg", "jpg")])
def test_a_comparison_of_equal_losses_has_no_warning(reals, fakes, folders):
    assert warned(folders[reals].protocol, folders[fakes]) == RESULTS


def test_a_generator_that_learned_from_the_very_images_has_no_warning():
    reals = {"kind": "dataset", "count": 8, "encoding": "jpeg", "sha256": ["a", "b"]}
    drawn = ImageSet("a run", 8, 16, 3, {"kind": "generator", "count": 8}, lambda: iter(()))
    assert warned(reals, drawn, ["a", "b"]) == RESULTS
    assert warned(reals, drawn, ["c"])["fid"].estimate.warning


def test_the_encodings_are_recorded(folders, tmp_path):
    assert folders["jpg"].protocol["encodings"] == {"jpeg 75": 4}
    path = pathlib.Path(folders["jpg"].name) / "4.png"
    Image.new("RGB", (16, 16)).save(path)
    mixed = image_folder.open_folder(str(path.parent), "--data", None, 100)
    path.unlink()
    assert mixed.protocol["encodings"] == {"jpeg 75": 4, "png": 1}
