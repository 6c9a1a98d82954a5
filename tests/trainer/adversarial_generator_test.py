"""AdvAug's generator: what is moved, and what the step makes of it."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.trainer import (
    accumulation,
    adversarial_features,
    draws,
    objective,
    state,
    steps,
    terms,
)
from dualcontrast.trainer.config import config_flags, loss_sections, schema
from dualcontrast.trainer.config.adversarial_features_section import AdversarialFeaturesConfig
from dualcontrast.trainer.errors import UserError

DRAWN = np.random.default_rng(3)
FIRST, REST = DRAWN.normal(size=(3, 5)), DRAWN.normal(size=(5, 4))
WEIGHTS = np.array([2.0, -1.0, 0.5, -3.0])
BATCH = 8


class Generator(networks.Generator):
    """A matrix makes features of z, and another one pixels of their power."""

    resolution, channels, latent_size = 2, 1, 3

    def __init__(self, power):
        super().__init__()
        self.power = power
        self.matrix = tf.Variable(FIRST.astype(np.float32))

    def features(self, inputs):
        return inputs["z"] @ self.matrix

    def images_of(self, features, inputs):
        return tf.reshape(features**self.power @ REST.astype(np.float32), [-1, 2, 2, 1])

    def images(self, inputs):
        return self.images_of(self.features(inputs), inputs)


class Discriminator(networks.Discriminator):
    """A plane in the space of the pixels."""

    resolution, channels = 2, 1

    def features(self, images):
        return tf.reshape(images, [-1, 4])

    def logits_of(self, features, labels=None):
        return tf.linalg.matvec(features, WEIGHTS.astype(np.float32))


def part_of(power, index=0, parts=1) -> terms.Part:
    reals = np.random.default_rng(0).uniform(-1, 1, [BATCH, 2, 2, 1]).astype(np.float32)
    drawn = draws.Draws(0, 0, draws.Purpose.GENERATOR, BATCH).share(index, parts)
    mine = draws.share(tf.constant(reals), index, parts)
    return terms.Part(Generator(power), Discriminator(), networks.Batch(mine), None, drawn)


def attacked(name, **fields) -> terms.Term:
    clean = objective.of_phase(loss_sections.LOSSES[name](), "contrast").terms().generator
    return adversarial_features.of_generator(clean, AdversarialFeaturesConfig(**fields))


# The same in NumPy, whose slope of the logit by the features is written out.


def logits(features, power):
    return features**power @ REST @ WEIGHTS


def way(features, power, size, count):
    """Where an attack takes features, less where they are."""
    at = features.copy()
    for _ in range(count):
        at += size * np.sign(power * at ** (power - 1) * (REST @ WEIGHTS))
    return at - features


def hinge(_, fakes):
    return -fakes.mean()


def non_saturating(_, fakes):
    return np.log1p(np.exp(-fakes)).mean()


def dual_contrastive(reals, fakes):
    pairs = np.exp(fakes[None] - reals[:, None])
    return -sum(np.log1p(pairs.sum(axis)).mean() for axis in (0, 1))


LOSSES = {f.__name__: f for f in (hinge, non_saturating, dual_contrastive)}


def loss_in_numpy(name, part, matrix, power, moved_by):
    """The mean of the losses of features and of moved ones."""
    features = part.generator.draw(part.draws)["z"].numpy() @ matrix
    reals = part.reals.images.numpy().reshape(-1, 4) @ WEIGHTS
    clean, moved = (logits(x, power) for x in (features, features + moved_by))
    return (LOSSES[name](reals, clean) + LOSSES[name](reals, moved)) / 2


CASES = pytest.mark.parametrize(
    "name, sign, power, count",
    [
        ("hinge", "code", 1, 1),
        ("non_saturating", "paper", 3, 1),
        ("dual_contrastive", "paper", 3, 4),
    ],
)
DIRECTIONS = {"code": 1, "paper": -1}


@CASES
def test_half_of_the_loss_is_of_images_whose_features_have_moved(name, sign, power, count):
    part = part_of(power)
    term = attacked(name, generator_gamma=0.05, steps=count, sign=sign)
    features = part.generator.features(part.generator.draw(part.draws)).numpy()
    moved_by = way(features, power, 0.05 * DIRECTIONS[sign], count)
    outputs = term.outputs(part)
    assert len(outputs) == term.numbers
    expected = logits(features + moved_by, power)
    np.testing.assert_allclose(outputs[-1], expected, rtol=1e-4, atol=1e-4)
    loss, _ = term.loss(outputs, lambda x: x)
    wanted = loss_in_numpy(name, part, FIRST, power, moved_by)
    assert float(loss) == pytest.approx(wanted, rel=1e-4)
    # Up the slope the fakes seem more real to the discriminator, down the slope less.
    change = outputs[-1] - part.outputs_of_fakes.logits
    assert np.all(DIRECTIONS[sign] * change > 0)


@CASES
def test_the_gradient_is_that_of_finite_differences_with_the_way_held(name, sign, power, count):
    part = part_of(power)
    term = attacked(name, generator_gamma=0.05, steps=count, sign=sign)
    with tf.GradientTape() as tape:
        loss, _ = term.loss(term.outputs(part), lambda x: x)
    found = tape.gradient(loss, part.generator.matrix).numpy()
    features = part.generator.draw(part.draws)["z"].numpy() @ FIRST
    held = way(features, power, 0.05 * DIRECTIONS[sign], count)
    direction = np.random.default_rng(1).normal(size=FIRST.shape)
    ends = [
        loss_in_numpy(name, part, FIRST + step * direction, power, held) for step in (1e-5, -1e-5)
    ]
    assert np.sum(found * direction) == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-3)


@pytest.mark.parametrize("name", ["hinge", "dual_contrastive"])
def test_four_parts_make_the_gradient_of_one(name):
    term = attacked(name, generator_gamma=0.05, steps=2)
    weights = Generator(3).matrix

    def gradient(parts):
        def outputs(index):
            part = part_of(3, index, parts)
            part.generator.matrix = weights
            return term.outputs(part)

        return accumulation.gradients(
            outputs,
            lambda *found: term.loss(list(found), lambda x: x),
            [weights],
            numbers=term.numbers,
            parts=parts,
            couples=term.couples,
            named=term.metrics,
            replicas=1,
        )

    (whole,), loss, _ = gradient(1)
    (found,), again, _ = gradient(4)
    np.testing.assert_allclose(found, whole, rtol=1e-3, atol=1e-5)
    assert float(again) == pytest.approx(float(loss), rel=1e-5)


def test_it_is_off_unless_it_is_asked_for():
    clean = objective.of_phase(loss_sections.Hinge(), "train").terms().generator
    section = AdversarialFeaturesConfig(real_gamma=0.1, fake_gamma=0.1)
    assert adversarial_features.of_generator(clean, section) is clean


TINY = {
    "generator.architecture": "dcgan",
    "generator.latent_size": 4,
    "generator.width": 2,
    "discriminator.architecture": "dcgan",
    "discriminator.width": 2,
    "training.batch_size": 4,
    "schedule.generator_batch_size": 4,
    "data.resolution": 8,
    "data.channels": 3,
    "adversarial_features.generator_gamma": 0.1,
}
IMAGES = np.random.default_rng(0).integers(0, 256, [4, 8, 8, 3]).astype(np.uint8)


def tiny(row="sngan_adv", changes=None):
    contrast = {"loss.warmup_images": 0} if row == "sngan_contr" else {}
    config = schema.replace(config_flags.load(row), TINY | contrast | (changes or {}))
    schema.validate(config)
    return config


@pytest.mark.parametrize(
    "row, phase, passes", [("sngan_adv", "train", 2), ("sngan_contr", "contrast", 3)]
)
@pytest.mark.usefixtures("eagerly")
def test_statistics_follow_the_clean_fakes_and_what_is_judged(row, phase, passes):
    built = state.State(tiny(row))
    conv, generator = built.discriminator.convs[3], built.generator
    kernel, u = conv.layer.kernel.numpy(), conv.u.numpy()
    seen = 81 * tiny(row).iteration_images  # From then on nine tenths of the moments stay.
    units = generator.dense(draws.Draws(0, seen, draws.Purpose.GENERATOR, 4).latents(4)).numpy()
    trainer = steps.Steps(tiny(row), built, tf.distribute.get_strategy())
    step = steps.Step(steps.GENERATOR, phase)
    trainer.compiled(step)(tf.constant(IMAGES), tf.constant(seen, tf.int64))
    # The moments move once, by z's features as they were.
    np.testing.assert_allclose(generator.norms[0].mean, 0.1 * units.mean(axis=0), atol=1e-6)
    matrix = kernel.reshape(-1, kernel.shape[-1])
    for _ in range(passes):
        v = matrix @ u / np.linalg.norm(matrix @ u)
        u = matrix.T @ v / np.linalg.norm(matrix.T @ v)
    np.testing.assert_allclose(conv.u, u, atol=1e-5)


@pytest.mark.usefixtures("eagerly")
def test_two_devices_make_the_step_of_one(first_step, assert_same_step):
    step = steps.Step(steps.GENERATOR, "train")
    one, two = (first_step(tiny(), step, replicas, IMAGES) for replicas in (1, 2))
    assert_same_step(one, two)


@pytest.mark.usefixtures("eagerly")
def test_the_generator_alone_is_attacked_in_its_own_step():
    off = {"adversarial_features.generator_gamma": 0.0}
    found = {}
    for name, changes in (("on", {}), ("off", off)):
        config = tiny(changes=changes)
        built = state.State(config)
        for one, variable in enumerate(built.generator.variables + built.discriminator.variables):
            values = np.random.default_rng(one).normal(size=variable.shape) / 4
            variable.assign(np.abs(values) if "variance" in variable.path else values)
        trainer = steps.Steps(config, built, tf.distribute.get_strategy())
        for network in (steps.DISCRIMINATOR, steps.GENERATOR):
            step = steps.Step(network, "train")
            metrics = trainer.compiled(step)(tf.constant(IMAGES), tf.constant(0, tf.int64))
            found[name, network] = float(metrics[f"loss/{network[0].upper()}"])
    assert found["on", steps.DISCRIMINATOR] == found["off", steps.DISCRIMINATOR]
    # Against the loss: it is larger.
    assert found["on", steps.GENERATOR] > found["off", steps.GENERATOR]


def test_a_generator_that_is_not_in_two_parts_is_refused_in_a_line():
    changes = {"adversarial_features.generator_gamma": 0.01}
    with pytest.raises(UserError, match="the stylegan2 generator has none: try") as caught:
        schema.validate(schema.replace(schema.Config(), changes))
    assert len(str(caught.value).splitlines()) == 1
