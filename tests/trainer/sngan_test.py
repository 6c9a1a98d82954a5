"""SNGAN in the trainer: its steps, what its statistics follow, and what it refuses."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.tools.sampling import sampler as samplers
from dualcontrast.trainer import draws, dry_run, state, steps
from dualcontrast.trainer.config import config_flags, schema
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import generated

TINY = {
    "generator.architecture": "dcgan",
    "generator.latent_size": 4,
    "generator.width": 2,
    "discriminator.architecture": "dcgan",
    "discriminator.width": 2,
    "training.batch_size": 4,
    "schedule.generator_batch_size": 8,
    "schedule.discriminator_steps": 2,
    "data.resolution": 8,
    "data.channels": 3,
}
IMAGES = np.random.default_rng(0).integers(0, 256, [2, 4, 8, 8, 3]).astype(np.uint8)
SEEN = tf.constant(0, tf.int64)


def tiny(row="sngan_adv", changes=None):
    contrast = {"loss.warmup_images": 0} if row == "sngan_contr" else {}
    config = schema.replace(config_flags.load(row), TINY | contrast | (changes or {}))
    schema.validate(config)
    return config


def build(config):
    built = state.State(config)
    return built, steps.Steps(config, built, tf.distribute.get_strategy())


@pytest.mark.parametrize("row", ["sngan_adv", "sngan_contr"])
@pytest.mark.usefixtures("eagerly")
def test_both_losses_train_every_variable(row):
    built, trainer = build(tiny(row))
    before = {name: value.numpy() for name, value in built.named_variables().items()}
    batches = [(tf.constant(images), None) for images in IMAGES]
    for iteration in range(2):
        metrics = trainer.iterate(batches, 8 * iteration)
        assert np.isfinite([float(value) for value in metrics.values()]).all()
    after = built.named_variables()
    same = [name for name, old in before.items() if np.array_equal(old, after[name].numpy())]
    # A bias before a normalisation by the batch has no gradient, nor has the contrastive logits'.
    assert [x for x in same if "bias" not in x and "learning_rate" not in x] == []
    weights = zip(built.average.trainable_variables, built.generator.trainable_variables)
    for averaged, own in weights:  # there is no average: it is a copy
        np.testing.assert_array_equal(averaged.numpy(), own.numpy())


def after_passes(kernel, u, passes):
    """The power method by itself."""
    matrix = kernel.reshape(-1, kernel.shape[-1])
    for _ in range(passes):
        v = matrix @ u / np.linalg.norm(matrix @ u)
        u = matrix.T @ v / np.linalg.norm(matrix.T @ v)
    return u


@pytest.mark.parametrize(
    "row, phase, network, passes",
    [
        ("sngan_adv", "train", steps.GENERATOR, 1),
        ("sngan_adv", "train", steps.DISCRIMINATOR, 2),
        ("sngan_contr", "contrast", steps.GENERATOR, 2),
    ],
)
@pytest.mark.usefixtures("eagerly")
def test_u_moves_once_for_every_batch_that_is_judged(row, phase, network, passes):
    built, trainer = build(tiny(row))
    conv = built.discriminator.convs[3]
    kernel, u = conv.layer.kernel.numpy(), conv.u.numpy()
    trainer.compiled(steps.Step(network, phase))(tf.constant(IMAGES[0]), SEEN)
    np.testing.assert_allclose(conv.u, after_passes(kernel, u, passes), atol=1e-5)


@pytest.mark.parametrize("iterations, stays", [(0, 0.0), (9, 0.5), (200, 0.9)])
@pytest.mark.parametrize("network", [steps.GENERATOR, steps.DISCRIMINATOR])
@pytest.mark.usefixtures("eagerly")
def test_the_moments_follow_the_batch_of_every_step(network, iterations, stays):
    config = tiny()
    built, trainer = build(config)
    seen = iterations * config.iteration_images
    purpose = getattr(draws.Purpose, network.upper())
    count = {steps.GENERATOR: 8, steps.DISCRIMINATOR: 4}[network]
    z = draws.Draws(0, seen, purpose, count).latents(4)
    units = built.generator.dense(z).numpy()
    step = trainer.compiled(steps.Step(network, "train"))
    step(tf.constant(IMAGES[0]), tf.constant(seen, tf.int64))
    kept = built.generator.norms[0]
    np.testing.assert_allclose(kept.mean, (1 - stays) * units.mean(axis=0), atol=1e-6)
    variance = stays + (1 - stays) * units.var(axis=0)
    np.testing.assert_allclose(kept.variance, variance, rtol=1e-5)


@pytest.mark.usefixtures("eagerly")
def test_evaluation_is_by_the_kept_moments():
    built, _ = build(tiny())
    z = tf.random.stateless_normal([4, 4], [0, 1])
    alone = [built.average(one[None])[0] for one in z]
    np.testing.assert_allclose(built.average(z), alone, atol=1e-6)


@pytest.mark.usefixtures("eagerly")
def test_two_devices_make_the_step_of_one(first_step, assert_same_step):
    config = tiny(changes={"schedule.generator_batch_size": 4})
    step = steps.Step(steps.GENERATOR, "train")
    one, two = (first_step(config, step, replicas, IMAGES[0]) for replicas in (1, 2))
    assert_same_step(one, two)


def test_what_the_statistics_are_is_in_checkpoints():
    built = state.State(tiny())
    assert {"conv0.u", "logit.u"} <= set(state.variables_of(built.discriminator))
    assert {"norm0.mean", "norm3.variance"} <= set(state.variables_of(built.average))


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"training.accumulation": 2}, "accumulation=2 would take the moments .*accumulation=1"),
        ({"generator.architecture": "resnet"}, "got 8, expected one of 32, 64, 128, 256 with gen"),
        ({"data.resolution": 12}, "got 12, expected a multiple of 8 with generator"),
        ({"generator.fmap_max": 8}, "unknown config field generator.fmap_max in sngan"),
        ({"data.classes": 3}, "data.labels=true, and generator.architecture=dcgan has no form wi"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes, named):
    with pytest.raises(UserError, match=named):
        tiny(changes=changes)


def test_the_dry_run_tells_the_layers_as_a_pass_meets_them():
    built = state.State(tiny())
    rows = [*dry_run.generator_rows(built.generator)]
    assert [row.name for row in rows[:4]] == ["dense", "norm0", "conv0", "norm1"]
    # A transposed convolution of 16 maps of 1x1 to 8 of 2x2: 4x4 taps for each pixel it gets.
    assert rows[2][1:4] == ((2, 2, 8), 4 * 4 * 16 * 8 + 8, 4 * 4 * 16 * 8)
    last = [*dry_run.discriminator_rows(built.discriminator)][-1]
    assert last[:4] == ("logit", (1,), 16 + 1, 16)


def test_samples_are_of_z_where_there_is_no_mapping():
    built = state.State(tiny())
    sampler = samplers.Sampler(built.average, 1.0, random_noise=True)
    (image,) = sampler.from_seeds([3])
    z = sampler.latents([3])
    expected = np.round(np.clip(built.average(z)[0] * 127.5 + 127.5, 0, 255))
    assert np.abs(image.astype(int) - expected).max() <= 1
    with pytest.raises(UserError, match="--truncation_psi=0.5: this generator has no mapping"):
        generated.check_truncation(built.average, 0.5)
