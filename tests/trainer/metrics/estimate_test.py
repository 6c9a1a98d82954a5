import dataclasses
import json

import numpy as np
import pytest

from dualcontrast.trainer.metrics import estimate as estimates


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(0).standard_normal(12)
    found = estimates.jackknife(lambda kept: values[list(kept)].mean(), 12)
    assert found == pytest.approx(values.std(ddof=1) / np.sqrt(12), rel=1e-12)
    assert found == pytest.approx(estimates.standard_error(values), rel=1e-12)


def test_one_part_has_no_deviation():
    assert estimates.jackknife(lambda kept: 1.0, 1) is None
    assert estimates.standard_error(np.ones(1)) is None


def test_an_estimate_is_ready_for_json():
    estimate = estimates.Estimate(1.5, None, "how", reals=3)
    written = json.loads(json.dumps(dataclasses.asdict(estimate)))
    assert estimates.Estimate(**written) == estimate
