"""ADA's two heuristics, against numbers by hand."""

import dataclasses

import numpy as np
import pytest

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.metrics import overfitting

# Two batches of two each. Means of batches: 1 and 3, 0 and 2, -4 and 0.
TRAIN = np.array([[-1, 3], [2, 4]], np.float32)
VALIDATION = np.array([[-1, 1], [1, 3]], np.float32)
GENERATED = np.array([[-5, -3], [-1, 1]], np.float32)


def test_the_heuristics_by_hand():
    found = overfitting.estimate(TRAIN, VALIDATION, GENERATED)
    # T = 2, V = 1, G = -2: r_v = (2 - 1) / (2 + 2); three of four training images have logits > 0.
    assert found.train.value == 2 and found.validation.value == 1 and found.generated.value == -2
    assert found.r_v.value == 0.25
    assert found.r_t.value == (3 - 1) / 4


def test_the_errors_by_hand():
    found = overfitting.estimate(TRAIN, VALIDATION, GENERATED)
    # |difference of two means| / 2.
    assert found.train.deviation == pytest.approx(1)
    assert found.validation.deviation == pytest.approx(1)
    assert found.generated.deviation == pytest.approx(2)
    # Slopes (V - G) / 4^2 = 3/16 by T, 1/4 by V, (T - V) / 4^2 = 1/16 by G:
    # sqrt((3/16)^2 + (1/4)^2 + (2/16)^2) = sqrt(29) / 16 = 0.336573.
    assert found.r_v.deviation == pytest.approx(0.336573, abs=1e-6)
    assert found.r_v.reals == 8 and found.r_v.fakes == 4 and found.generated.reals == 0


def test_a_discriminator_that_knows_its_images_by_heart_has_one():
    found = overfitting.estimate(TRAIN + 10, GENERATED, GENERATED)
    assert found.r_v.value == pytest.approx(1) and found.r_t.value == 1
    assert overfitting.estimate(TRAIN, TRAIN, GENERATED).r_v.value == 0


def test_the_deviation_covers_another_sample():
    found = [_drawn(seed) for seed in range(200)]
    claimed = np.mean([one.r_v.deviation for one in found])
    assert claimed == pytest.approx(np.std([one.r_v.value for one in found]), rel=0.2)


def _drawn(seed: int) -> overfitting.Overfitting:
    random = np.random.default_rng(seed)
    # What the images of a batch share varies more than what is their own.
    logits = [
        mean + random.standard_normal([12, 1]) + 0.3 * random.standard_normal([12, 4])
        for mean in (3, 2, -2)
    ]
    return overfitting.estimate(*logits)


@pytest.mark.parametrize("generated", [TRAIN, TRAIN + 5, TRAIN - 0.5])
def test_a_discriminator_that_tells_nothing_is_said_to(generated):
    found = overfitting.estimate(TRAIN, VALIDATION, generated)
    assert "it says nothing" in found.r_v.warning
    others = dataclasses.replace(found, r_v=found.r_t)
    assert not any(one.warning for one in vars(others).values())


def test_the_smallest_gap_is_a_divisor_and_has_no_error():
    found = overfitting.estimate(TRAIN, VALIDATION, TRAIN).r_v
    assert found.value == pytest.approx(1e8) and found.deviation is None


def test_logits_that_are_no_numbers_or_too_few_are_refused():
    with pytest.raises(UserError, match="logits of validation images hold NaN"):
        overfitting.estimate(TRAIN, VALIDATION * np.float32(np.nan), GENERATED)
    with pytest.raises(UserError, match="logits of generated images are too few: received 1"):
        overfitting.estimate(TRAIN, VALIDATION, GENERATED[:1])
