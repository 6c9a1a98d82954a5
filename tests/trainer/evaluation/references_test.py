"""What is kept of real images, and what is never mistaken for them."""

import dataclasses
import json

import numpy as np
import pytest

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import references
from dualcontrast.trainer.evaluation.image_set import ImageSet
from dualcontrast.trainer.features.extractor import Extractor

TABLE = np.random.default_rng(0).standard_normal((40, 5)).astype(np.float32)
EXTRACTOR = Extractor("net", "ab" * 32, "x / 255", compute=None)
IMAGES = ImageSet("data", 40, 16, 3, {"count": 40, "sha256": "cd" * 32, "mirror": False}, None)


def protocol(images=IMAGES, extractor=EXTRACTOR) -> dict:
    return references.protocol(images, extractor)


def other_images(**changes) -> ImageSet:
    return dataclasses.replace(IMAGES, protocol=IMAGES.protocol | changes)


def test_what_was_kept_is_found(tmp_path):
    references.save(tmp_path, protocol(), references.of_table(TABLE))
    found = references.load(tmp_path, protocol(), with_table=True)
    assert (found.table == TABLE).all()
    np.testing.assert_allclose(found.statistics.mean, TABLE.mean(axis=0), atol=1e-6)


@pytest.mark.parametrize(
    "other",
    [
        protocol(other_images(sha256="ce" * 32)),
        protocol(other_images(mirror=True)),
        protocol(other_images(crop="center")),
        protocol(extractor=dataclasses.replace(EXTRACTOR, digest="ba" * 32)),
        protocol(extractor=dataclasses.replace(EXTRACTOR, preparation="half-pixel")),
        protocol() | {"version": 0},
    ],
)
def test_nothing_is_found_for_another_protocol(tmp_path, other):
    references.save(tmp_path, protocol(), references.of_table(TABLE))
    assert references.load(tmp_path, other, with_table=False) is None


@pytest.mark.parametrize("wrong", [TABLE.astype(np.float16), TABLE[:39], TABLE[:, :4]])
def test_a_table_of_another_kind_is_gathered_anew(tmp_path, wrong):
    references.save(tmp_path, protocol(), references.of_table(TABLE))
    np.save(tmp_path / f"{references.key(protocol())}.npy", wrong)
    assert references.load(tmp_path, protocol(), with_table=True) is None
    assert references.load(tmp_path, protocol(), with_table=False) is not None


@pytest.mark.parametrize("ending", [".npz", ".npy"])
def test_a_damaged_file_is_gathered_anew(tmp_path, ending):
    references.save(tmp_path, protocol(), references.of_table(TABLE))
    path = tmp_path / f"{references.key(protocol())}{ending}"
    path.write_bytes(path.read_bytes()[:50])
    assert references.load(tmp_path, protocol(), with_table=True) is None


def test_statistics_carry_their_protocol(tmp_path):
    path = tmp_path / "reals.npz"
    references.save_statistics(path, protocol(), references.of_table(TABLE))
    found, images = references.load_statistics(path, EXTRACTOR)
    assert images == IMAGES.protocol and found.table is None and found.statistics.count == 40


def test_statistics_of_another_extractor_are_refused(tmp_path):
    path = tmp_path / "reals.npz"
    references.save_statistics(path, protocol(), references.of_table(TABLE))
    other = dataclasses.replace(EXTRACTOR, name="other", digest="ba" * 32)
    with pytest.raises(UserError, match=r"extractor net \(abab.*this is other \(baba"):
        references.load_statistics(path, other)


def test_statistics_without_their_protocol_are_refused(tmp_path):
    path = tmp_path / "reals.npz"
    references.save_statistics(path, protocol(), references.of_table(TABLE))
    path.with_suffix(".json").write_text(json.dumps({"version": 1}))
    with pytest.raises(UserError, match="no protocol in reals.json"):
        references.load_statistics(path, EXTRACTOR)
    for content in ('{"version": 1, "images": 3, "extractor": "x"}', "{", "[]"):
        path.with_suffix(".json").write_text(content)
        with pytest.raises(UserError, match="no protocol in reals.json"):
            references.load_statistics(path, EXTRACTOR)
    with pytest.raises(UserError, match="no file of statistics"):
        references.load_statistics(tmp_path / "nothing.npz", EXTRACTOR)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=f"{tmp_path / 'file'} cannot be written: File exists"):
        references.save(tmp_path / "file", protocol(), references.of_table(TABLE))
