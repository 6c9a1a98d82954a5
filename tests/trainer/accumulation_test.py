"""Steps in parts against the same steps at once, with every loss and with references."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer import accumulation, draws, errors, state, steps
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.families import stylegan2

IMAGES, REFERENCES = np.random.default_rng(0).integers(0, 256, [2, 8, 8, 8, 3]).astype(np.uint8)
# Groups of two, so that a part of two samples keeps its group.
BASE = {
    "discriminator.minibatch_stddev_group": 2,
    "discriminator.attention.san.patch_size": 3,
}
REFERENCE = {"discriminator.attention.pairing": "reference"}


@functools.cache
def iterate(config):
    """Runs the first iteration, with all steps that are on; returns the state and the metrics."""
    built = state.State(config)
    reads = config.discriminator.attention.reads_references
    references = tf.constant(REFERENCES) if reads else None
    trainer = steps.Steps(config, built, tf.distribute.get_strategy())
    return built, trainer.iterate([(tf.constant(IMAGES), references)], 0)


def assert_same(one, two):
    (expected, wanted), (found, got) = one, two
    for name, value in wanted.items():
        assert float(got[name]) == pytest.approx(float(value), rel=1e-4, abs=1e-6), name
    expected, found = expected.named_variables(), found.named_variables()
    moments = [name for name in expected if name.endswith("velocity")]
    assert all(np.any(expected[name].numpy()) for name in moments if "logit_bias" not in name)
    # Adam hides a wrong scale of the gradients from the weights; its second moments do not.
    for name in [*moments, "generator/w_mean", "path_length_mean"]:
        if "logit_bias" in name:  # its true gradient is zero: what there is, is rounding
            continue
        before = expected[name].numpy()
        scale = np.abs(before).max() + 1e-12
        np.testing.assert_allclose(
            found[name].numpy() / scale, before / scale, atol=2e-4, err_msg=name
        )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "loss": "wasserstein",
            "penalties.gradient_penalty_weight": 10.0,
            "generator.path_length_weight": 0.0,
        },
        REFERENCE | {"generator.path_length_weight": 0.0},
    ],
    ids=["minimax", "wasserstein", "reference"],
)
def test_four_parts_make_the_step_of_one(tiny_config, changes):
    if "loss" not in changes:
        changes = changes | {"loss.warmup_images": 0}
    config = schema.replace(tiny_config, BASE | changes)
    parts = schema.replace(config, {"training.accumulation": 4})
    schema.validate(parts)
    assert_same(iterate(config), iterate(parts))


def test_a_loss_that_couples_samples_is_exact():
    weight = tf.Variable(tf.random.stateless_normal([3], [0, 1]))
    x = tf.random.stateless_normal([6, 3], [0, 2])

    def loss(a, b):
        return tf.reduce_logsumexp(a) * tf.reduce_sum(b), {}

    def run(parts):
        def outputs(part):
            a = tf.linalg.matvec(draws.share(x, part, parts), weight)
            return [a, a**2]

        return accumulation.gradients(
            outputs, loss, [weight], numbers=2, parts=parts, couples=True, named=(), replicas=1
        )

    (whole,), value, _ = run(1)
    for parts in (2, 3, 6):
        (found,), again, _ = run(parts)
        np.testing.assert_allclose(found, whole, rtol=1e-5)
        np.testing.assert_allclose(again, value, rtol=1e-6)
    assert np.all(whole)


@pytest.mark.parametrize("couples", [False, True])
def test_the_rows_of_an_embedding_add_up(couples):
    table = tf.Variable(tf.random.stateless_normal([4], [0, 1]))
    rows = tf.constant([2, 0, 2, 3])

    def run(parts):
        return accumulation.gradients(
            lambda part: [tf.gather(table, draws.share(rows, part, parts)) ** 2],
            lambda squares: (tf.reduce_mean(squares), {}),
            [table],
            numbers=1,
            parts=parts,
            couples=couples,
            named=(),
            replicas=1,
        )[0]

    (expected,) = run(1)
    np.testing.assert_allclose(expected, table * [0.5, 0, 1, 0.5], rtol=1e-6)
    (found,) = run(2)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_mean_over_samples_computes_each_part_once():
    weight = tf.Variable(tf.random.stateless_normal([3], [0, 1]))
    x = tf.random.stateless_normal([6, 3], [0, 2])
    seen = []

    def outputs(part):
        tf.py_function(lambda index: seen.append(int(index)), [part], [])
        return [tf.linalg.matvec(draws.share(x, part, 3), weight) ** 2]

    def loss(squares):
        return tf.reduce_mean(squares), {"mean": tf.reduce_mean(squares)}

    @tf.function(autograph=False)
    def run():
        return accumulation.gradients(
            outputs,
            loss,
            [weight],
            numbers=1,
            parts=3,
            couples=False,
            named=("mean",),
            replicas=2,
        )

    (found,), value, extras = run()
    expected = 2 / 6 * tf.linalg.matvec(x, tf.linalg.matvec(x, weight), transpose_a=True)
    np.testing.assert_allclose(2 * found, expected, rtol=1e-5)
    np.testing.assert_allclose(value, tf.reduce_mean(tf.linalg.matvec(x, weight) ** 2), rtol=1e-5)
    assert float(extras["mean"]) == float(value)
    assert seen == [0, 1, 2]


def test_a_group_is_no_larger_than_the_images_however_large_it_may_be():
    """Such as a file of networks may say."""
    assert stylegan2.stddev_group(12, 2**62) == 12
    assert stylegan2.stddev_group(12, 5) == 4


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"training.accumulation": 3}, "does not divide the 8 images"),
        ({"training.accumulation": 4}, "leaves 2 images a part, too few for groups of 4"),
        (
            REFERENCE
            | {
                "training.accumulation": 2,
                "discriminator.attention.references": "rolled",
            },
            "rolled needs a device's 8 images at once",
        ),
        (
            REFERENCE
            | {
                "training.batch_size": 1,
                "discriminator.attention.references": "rolled",
            },
            "rolled needs a device's 1 images at once, two or more",
        ),
    ],
)
def test_parts_that_would_change_the_step_are_refused(tiny_config, changes, named):
    sized = {"discriminator.attention.san.patch_size": 3}
    with pytest.raises(errors.UserError, match=named):
        schema.validate(schema.replace(tiny_config, sized | changes))
