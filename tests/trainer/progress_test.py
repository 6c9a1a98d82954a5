"""The progress line stays readable, and the log of a killed run is mended."""

import itertools
import json

import pytest

from dualcontrast.trainer import progress
from dualcontrast.trainer.checkpoints import run_path


def test_the_line_fits_in_100_columns_whatever_the_numbers():
    worst = (-1.31e-5, -131_000.0, 999_400.0, -0.0123)
    for number, images, rate in itertools.product(worst, (999, 99_900_000), (0.00123, 99_900)):
        names = ("loss/D", "loss/G", "logits/real", "logits/fake", "r1", "path_length")
        names += ("ada/p", "ada/r_t")
        row = {"images_seen": images, "images_per_second": rate, "phase": "contrast"}
        line = progress.progress_line(row | dict.fromkeys(names, number), 999_000_000)
        assert len(line) <= 100, line


def test_a_line_names_what_it_shows():
    row = {"images_seen": 1_280_000, "images_per_second": 412.0, "phase": "contrast"}
    row |= {"loss/D": 1.31, "loss/G": 0.94, "logits/real": 0.5, "logits/fake": -0.25, "r1": 0.021}
    assert progress.progress_line(row, 25_000_000) == (
        "1.28M/25M 412/s eta 15h59m contrast D 1.31 G 0.94 real 0.5 fake -0.25 r1 0.021"
    )


def test_an_adapted_probability_is_shown_before_what_has_no_room():
    names = ("loss/D", "loss/G", "logits/real", "logits/fake", "r1", "path_length")
    row = {"images_seen": 99_900_000, "images_per_second": 99_900, "phase": "contrast"}
    row |= dict.fromkeys(names, -1e-5) | {"ada/p": 0.5123, "ada/r_t": 0.612}
    assert progress.progress_line(row, 999_000_000) == (
        "99.9M/999M 99.9k/s eta 2h30m contrast D -1e-05 G -1e-05 real -1e-05 fake -1e-05"
        " p 0.512 r_t 0.612"
    )


def test_lines_after_the_checkpoint_and_half_lines_are_cut(tmp_path):
    path = tmp_path / run_path.METRICS_NAME
    rows = [json.dumps({"images_seen": images}) for images in (8, 16, 24)]
    path.write_text("\n".join(rows) + '\n{"images_se')
    progress.Log(tmp_path, images_seen=16)
    assert path.read_text() == "\n".join(rows[:2]) + "\n"


def test_a_number_that_is_no_json_is_refused(tmp_path):
    with pytest.raises(ValueError):
        progress.Log(tmp_path, 0).write({"images_seen": 8, "loss/D": float("nan")})
