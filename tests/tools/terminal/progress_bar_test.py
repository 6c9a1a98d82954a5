"""The line says how far, how fast and how long."""

import pytest

from dualcontrast.tools.terminal.progress_bar import ProgressBar


def test_the_line_has_count_share_rate_and_time_left():
    line = ProgressBar("images", 4000)
    line.show(1000)
    text = line.line(1000, seconds=10)
    assert text == "images  [#######                     ]  1,000/4,000  25%  100/s  eta 30s"


@pytest.mark.parametrize("count, total", [(0, 10), (10, 10), (0, 0), (12, 10)])
def test_the_ends_are_no_special_cases(count, total):
    assert f"{count:,}/{total:,}" in ProgressBar("images", total).line(count, seconds=1)


def test_a_line_of_a_large_conversion_fits_in_100_columns():
    line = ProgressBar("records", 3_000_000).line(2_999_999, seconds=30_000)
    assert len(line) <= 100


def test_nothing_is_drawn_where_there_is_no_terminal(capsys):
    with ProgressBar("images", 10) as bar:
        for count in range(11):
            bar.show(count)
    assert capsys.readouterr().err == ""
