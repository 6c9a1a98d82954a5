"""ADA's controller: where the probability goes, how fast, and that it survives whatever a run does."""

import shutil

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer import (
    adaptive_augmentation,
    augmentations,
    draws,
    loop,
    progress,
    state,
    steps,
)
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import augmentation_sections, schema
from dualcontrast.trainer.errors import UserError

IMAGES = np.random.default_rng(0).integers(0, 256, [3, 8, 8, 8, 3]).astype(np.uint8)
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
    """A configuration with ADA, whose probability moves by 0.4 in a step, and changes of it."""
    ada = {"augmentation": "ada", "augmentation.every": 1, "augmentation.speed_images": 20}
    ada |= {"generator.path_length_weight": 0.0, "penalties.r1_gamma": 0.0}
    return schema.replace(config, ada | {"loss": "non_saturating"} | changes)


def three_steps(config, strategy) -> tuple[state.State, list[dict[str, float]]]:
    """Takes steps of D from a probability of a half; returns the state, and what they report."""
    replicas = strategy.num_replicas_in_sync
    with strategy.scope():
        built = state.State(config)
        built.augmentation.terms()[0].probability.assign(0.5)
    trainer, rows = steps.Steps(config, built, strategy), []
    for number, images in enumerate(IMAGES):
        shared = strategy.experimental_distribute_values_from_function(
            lambda context: draws.share(
                tf.constant(images), context.replica_id_in_sync_group, replicas
            )
        )
        rows.append(trainer.compiled(D_STEP)(shared, tf.constant(8 * number, tf.int64)))
    return built, [{name: float(value) for name, value in row.items()} for row in rows]


def test_two_devices_that_cut_their_shares_in_parts_have_the_probability_of_one(
    tiny_config, strategy_of
):
    changes = {"augmentation.groups": "blit", "augmentation.every": 2}
    config = augmented(tiny_config, **changes, **{"discriminator.minibatch_stddev_group": 2})
    _, expected = three_steps(config, strategy_of(1))
    probabilities = [row["ada/p"] for row in expected]
    assert probabilities[0] == 0.5 and abs(probabilities[1] - 0.5) == 0.5  # 16 images of 20
    in_parts = schema.replace(config, {"training.accumulation": 2})
    built, found = three_steps(in_parts, strategy_of(2))
    for name in ("ada/p", "ada/r_t"):
        assert [row[name] for row in found] == [row[name] for row in expected]
    (controlled,) = built.augmentation.terms()
    kept = {name: float(value) for name, value in controlled.variables().items()}
    assert kept == {
        "ada_probability": found[2]["ada/p"],
        "ada_sign_sum": found[2]["ada/r_t"],
        "ada_sign_count": 1,
    }


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


def test_an_unknown_text_is_refused_with_those_that_there_are(tiny_config):
    with pytest.raises(UserError, match="groups: got 'bcg', expected blit, .* or bgcfnc"):
        schema.validate(augmented(tiny_config, **{"augmentation.groups": "bcg"}))


# A change every two steps of 8 images, a checkpoint after three: between two changes.
RUN = {
    "augmentation.groups": "blit",
    "augmentation.every": 2,
    "augmentation.speed_images": 100,
    "training.total_images": 56,
    "training.log_every_images": 8,
    "training.checkpoint_every_images": 24,
}


def test_a_resumed_run_has_the_probability_of_one_that_was_not_stopped(
    tiny_config, dataset, strategy_of, tmp_path, capsys
):
    config = augmented(tiny_config, **RUN)
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    loop.train(config, dataset, whole, strategy_of(1))
    shutil.copytree(whole, resumed)
    for path in (resumed / checkpoint.FOLDER).iterdir():
        if path.name.startswith(("images-48", "images-56")):
            path.unlink()
    assert capsys.readouterr().out.count(" r_t ") == 7
    loop.train(config, dataset, resumed, strategy_of(1))
    assert "resuming at 24 images" in capsys.readouterr().out
    expected, found = (
        [(row["ada/p"], row["ada/r_t"]) for row in progress.rows(folder)]
        for folder in (whole, resumed)
    )
    assert found == expected and len(found) == 7
    # After the second, fourth and sixth step.
    assert [b[0] != a[0] for a, b in zip(found, found[1:])] == [True, False] * 3
    readers = [
        tf.train.load_checkpoint(str(folder / checkpoint.FOLDER / "images-56"))
        for folder in (whole, resumed)
    ]
    names = [name for name in readers[0].get_variable_to_shape_map() if name.startswith("ada_")]
    assert len(names) == 3
    for name in names:
        one, other = (reader.get_tensor(name) for reader in readers)
        np.testing.assert_array_equal(one, other)
