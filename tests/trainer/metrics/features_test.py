import subprocess
import sys

import numpy as np
import pytest

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.metrics import features


def table() -> np.ndarray:
    return np.ones([4, 3], np.float32)


def test_floats_pass_as_they_are():
    array = table()
    assert features.checked(array, "features", 4, 3) is array


@pytest.mark.parametrize(
    "array, words",
    [
        (table().astype(np.float16), "real features are float16, expected float32 or float64"),
        (table().astype(int), "are int64"),
        (table()[0], r"shape \[3\], expected \[samples, size\]"),
        (table()[:, :2], "have 2 columns, expected 3"),
        (table()[:1], "received 1, expected at least 2"),
    ],
)
def test_what_is_no_table_of_floats_is_refused(array, words):
    with pytest.raises(UserError, match=words):
        features.checked(array, "real features", 2, 3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_named_by_its_row(bad):
    array = table()
    array[2, 1] = bad
    with pytest.raises(UserError, match="features hold NaN or infinity, first in sample 2"):
        features.checked(array, "features")


def test_large_numbers_that_sum_to_infinity_are_still_numbers():
    features.checked(np.full([4, 3], 1e308), "features")


def test_values_are_one_for_each_sample():
    with pytest.raises(UserError, match=r"distances have the shape \[2\], expected \[3\]"):
        features.checked_values(np.ones(2), "distances", 3)
    with pytest.raises(UserError, match="sample 1"):
        features.checked_values(np.array([0, np.nan, 1]), "distances", 3)


def test_the_metrics_do_not_import_tensorflow():
    names = [
        "embedding",
        "feature_distribution_distance",
        "inception_score",
        "kernel_distance",
        "linear_separability",
        "perceptual_path_length",
        "precision_recall",
    ]
    imports = "; ".join(f"import dualcontrast.trainer.metrics.{name}" for name in names)
    code = f"{imports}; import sys; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
