"""Numbers and times keep their width."""

import pytest

from dualcontrast.trainer import formatting


@pytest.mark.parametrize(
    "number, text",
    [(0, "0"), (950, "950"), (12_800, "12.8k"), (999_700, "1M"), (25e6, "25M"), (-0.02, "-0.02"),
     (-3.14e-7, "-3e-07"), (-131_000, "-131k"), (1.5e13, "15T")],
)  # fmt: skip
def test_numbers_have_three_digits_in_seven_characters(number, text):
    assert formatting.short_number(number) == text and len(text) <= 7


@pytest.mark.parametrize(
    "seconds, text",
    [(45, "45s"), (725, "12m05s"), (57_720, "16h02m"), (1_047_600, "12d03h"), (1e9, "?")],
)
def test_times_have_two_units(seconds, text):
    assert formatting.duration(seconds) == text
