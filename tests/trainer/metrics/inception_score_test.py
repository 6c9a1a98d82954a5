import numpy as np
import pytest

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.metrics import inception_score

CLASSES = 1008


def test_a_classifier_that_never_knows_scores_one():
    found = inception_score.from_logits(np.zeros([40, CLASSES]), 4)
    assert found.value == pytest.approx(1, rel=1e-12)
    assert found.deviation == pytest.approx(0, abs=1e-12)


def test_sure_and_balanced_answers_score_the_number_of_classes():
    answers = np.tile(np.eye(CLASSES), [2, 1])
    assert inception_score.from_probabilities(answers, 2).value == pytest.approx(CLASSES, rel=1e-12)
    logits = 5000 * answers  # exp of it is infinite, and of its negative 0
    assert inception_score.from_logits(logits, 2).value == pytest.approx(CLASSES, rel=1e-12)


def test_one_answer_for_all_images_scores_one():
    answers = np.tile(np.eye(5)[0], [20, 1])
    assert inception_score.from_probabilities(answers, 2).value == pytest.approx(1)


def test_two_images_by_hand():
    # p = (.9, .1), (.2, .8): the mean is (.55, .45).
    # KL = .9 ln(.9/.55) + .1 ln(.1/.45) = .2928211; .2 ln(.2/.55) + .8 ln(.8/.45) = .2579711.
    answers = np.array([[0.9, 0.1], [0.2, 0.8]])
    expected = np.exp((0.2928211 + 0.2579711) / 2)
    assert inception_score.from_probabilities(answers, 1).value == pytest.approx(expected, rel=1e-6)


def test_logits_and_their_probabilities_score_alike():
    logits = 3 * np.random.default_rng(0).standard_normal([100, 20])
    answers = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    one, other = inception_score.from_logits(logits), inception_score.from_probabilities(answers)
    assert one.value == pytest.approx(other.value, rel=1e-12)
    assert one.deviation == pytest.approx(other.deviation, rel=1e-9)


def test_a_constant_on_the_logits_of_an_image_changes_nothing():
    draw = np.random.default_rng(0)
    logits = draw.standard_normal([100, 20])
    shifted = logits + 1e3 * draw.standard_normal([100, 1])
    expected = inception_score.from_logits(logits).value
    assert inception_score.from_logits(shifted).value == pytest.approx(expected, rel=1e-9)


def test_splits_are_consecutive_and_their_deviation_is_divided_by_their_number():
    sure, unsure = np.tile(np.eye(4), [2, 1]), np.full([8, 4], 0.25)
    found = inception_score.from_probabilities(np.concatenate([sure, unsure]), 2)
    assert found.value == pytest.approx(2.5)  # of 4 and 1
    assert found.deviation == pytest.approx(1.5)
    assert found.fakes == 16


def test_small_splits_are_warned_about():
    assert (
        "splits of 10 images of 20 classes"
        in inception_score.from_logits(np.zeros([100, 20])).warning
    )
    assert inception_score.from_logits(np.zeros([2000, 20])).warning == ""


@pytest.mark.parametrize(
    "row, words", [([0.5, 0.6], "image 1 sum to 1.1"), ([-0.5, 1.5], "the least is -0.5")]
)
def test_what_is_no_distribution_is_refused(row, words):
    with pytest.raises(UserError, match=words):
        inception_score.from_probabilities(np.array([[0.5, 0.5], row]), 1)


def test_fewer_images_than_splits_are_refused():
    with pytest.raises(UserError, match="received 9, expected at least 10"):
        inception_score.from_logits(np.zeros([9, 4]))
    with pytest.raises(UserError, match="0 splits"):
        inception_score.from_logits(np.zeros([9, 4]), 0)
