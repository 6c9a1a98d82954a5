"""ADA's controller: where the probability goes, how fast, and that nothing in a run changes it."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer import (
    adaptive_augmentation,
    augmentations,
    draws,
    state,
    steps,
)
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import augmentation_sections, schema
from dualcontrast.trainer.errors import UserError

IMAGES = np.random.default_rng(0).integers(0, 256, [4, 8, 8, 8, 3]).astype(np.uint8)
D_STEP = steps.Step(steps.DISCRIMINATOR, "train")


def controller(batch_size=12_500, **changes) -> adaptive_augmentation.Controller:
    section = augmentation_sections.ADA(**changes)
    return adaptive_augmentation.Controller(section, batch_size)


def after(controlled, signs) -> list[float]:
    """The probability after each step whose reals have these mean signs."""
    found = [controlled.finish({"ada/r_t": tf.constant(float(sign))}) for sign in signs]
    return [round(float(row["ada/p"]), 6) for row in found]


def test_the_probability_rises_by_1_in_500_thousand_images_of_which_all_are_known():
    # Four batches of 12,500 are a tenth.
    found = after(controller(), [1.0] * 48)
    assert found[:9] == [0, 0, 0, 0.1, 0.1, 0.1, 0.1, 0.2, 0.2]
    assert found[38:] == [0.9] + [1.0] * 9  # and no further


def test_the_probability_falls_below_the_target_and_not_below_0():
    controlled = controller()
    controlled.probability.assign(0.15)
    # Means of four: 0.65, over the target; 0.55 and -1, under it.
    found = after(controlled, [1, 1, 1, -0.4, 1, 1, 1, -0.8, *[-1] * 12])
    assert found[3::4] == [0.25, 0.15, 0.05, 0, 0]


def test_a_term_of_no_weight_in_the_loss_reports_the_mean_sign_of_reals():
    value, found = controller().loss([tf.constant([[3.0], [-0.1], [0.2], [0.0]])], None)
    assert (float(value), float(found["ada/r_t"])) == (0, 0.25)


def augmented(config: schema.Config, **changes) -> schema.Config:
    """A configuration with ADA whose probability rises by 1 in 100 images, and changes of it."""
    ada = {"augmentation": "ada", "augmentation.speed_images": 100}
    ada |= {"generator.path_length_weight": 0.0, "penalties.r1_gamma": 0.0}
    return schema.replace(config, ada | {"loss": "non_saturating"} | changes)


class Run:
    """Steps of D from a probability of a half, which changes every second step."""

    def __init__(self, config, strategy):
        changes = {"augmentation.groups": "blit", "augmentation.every": 2}
        changes["discriminator.minibatch_stddev_group"] = 2
        self.strategy = strategy
        with strategy.scope():
            self.state = state.State(augmented(config, **changes))
        (self.controller,) = self.state.augmentation.terms()
        self.controller.probability.assign(0.5)
        self._steps = steps.Steps(augmented(config, **changes), self.state, strategy)

    def steps(self, first: int, last: int) -> list[tuple[float, float]]:
        """Takes steps by their number; returns p and r_t of each."""
        rows = []
        for number in range(first, last):
            shared = draws.shares(tf.constant(IMAGES[number]), self.strategy)
            rows.append(self._steps.compiled(D_STEP)(shared, tf.constant(8 * number, tf.int64)))
        return [(float(row["ada/p"]), float(row["ada/r_t"])) for row in rows]

    def kept(self) -> list[float]:
        """The probability, and the sum and the number of signs since it changed."""
        return [float(value.numpy()) for value in self.controller.variables().values()]


def test_the_probability_is_the_same_however_a_batch_is_shared_and_after_a_checkpoint(
    tiny_config, strategy_of, tmp_path
):
    run = Run(tiny_config, strategy_of(1))
    first = run.steps(0, 3)
    # Two batches of 8 images are a change of 0.16.
    assert first[0][0] == 0.5 and abs(first[1][0] - 0.5) == pytest.approx(0.16)
    assert run.kept() == [first[1][0], first[2][1], 1]

    checkpoint.Checkpoints(tmp_path, run.state, keep=3).save()
    unstopped = run.steps(3, 4), run.kept()
    assert abs(unstopped[1][0] - first[1][0]) == pytest.approx(0.16)
    again = Run(tiny_config, strategy_of(1))
    assert checkpoint.Checkpoints(tmp_path, again.state, keep=3).restore()
    assert again.kept() == [first[1][0], first[2][1], 1]
    # The steps that are compiled already.
    checkpoint.Checkpoints(tmp_path, run.state, keep=3).restore()
    assert (run.steps(3, 4), run.kept()) == unstopped

    in_parts = schema.replace(tiny_config, {"training.accumulation": 2})
    shared = Run(in_parts, strategy_of(2))
    assert shared.steps(0, 3) == first
    assert shared.kept() == [first[1][0], first[2][1], 1]


def test_slopes_are_taken_at_the_images_before_they_are_augmented(tiny_config):
    made = augmentations.of(augmented(tiny_config).augmentation, 8)
    assert not made.slopes_after and made.networks == ("generator", "discriminator")


def test_a_fixed_probability_has_nothing_to_adapt(tiny_config):
    section = augmentation_sections.ADA(probability=1.0, groups="cutout")
    made = augmentations.of(section, 8)
    assert made.terms() == []
    drawn = draws.Draws(0, 0, draws.Purpose.DISCRIMINATOR, 8)
    assert (np.asarray(made(tf.ones([8, 8, 8, 3]), drawn)).min((1, 2, 3)) == 0).all()


@pytest.mark.parametrize(
    "text, groups",
    [("blit", ["blit"]), ("bg", ["blit", "geom"]), ("bgc", ["blit", "geom", "color"])]
    + [("bgcfnc", ["blit", "geom", "color", "filter", "noise", "cutout"])],
)
def test_a_text_names_the_groups(text, groups):
    assert list(augmentation_sections.ADA(groups=text).chosen) == groups


def test_an_unknown_text_is_refused_and_the_nearest_suggested(tiny_config):
    expected = r"groups: got 'bcg', expected blit, .* or bgc\+cutout: did you mean bg or bgc\?"
    with pytest.raises(UserError, match=expected):
        schema.validate(augmented(tiny_config, **{"augmentation.groups": "bcg"}))
