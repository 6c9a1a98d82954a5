"""Consistency regularisation: what is compared with what, whom it teaches, and however shared."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.augmentation import flip_shift
from dualcontrast.layers import networks
from dualcontrast.trainer import consistency, draws, state, steps, terms
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.consistency_section import ConsistencyConfig

IMAGES = np.random.default_rng(0).integers(0, 256, [8, 8, 8, 3]).astype(np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 1])


class Corner(networks.Discriminator):
    """The upper left pixel times a number, and how often images were judged."""

    resolution, channels = 8, 1

    def __init__(self):
        super().__init__()
        self.scale = tf.Variable(3.0)
        self.judged = 0

    def outputs(self, batch, references=None, **how):
        self.judged += 1
        return _Outputs(batch.images[:, 0, 0, 0] * self.scale)


class _Outputs:
    def __init__(self, logits):
        self.logits = logits


class Ramp(networks.Generator):
    """The same ramp for every latent, as bright as its first number."""

    latent_size = 2

    def call(self, z):
        return z[:, :1, None, None] * tf.reshape(tf.range(64.0), [1, 8, 8, 1])


@pytest.fixture(name="part")
def _part() -> terms.Part:
    """Four random reals of 8x8 pixels."""
    reals = np.random.default_rng(1).uniform(-1, 1, [4, 8, 8, 1]).astype(np.float32)
    drawn = draws.Draws(0, 0, draws.Purpose.DISCRIMINATOR, 4)
    return terms.Part(Ramp(), Corner(), networks.Batch(tf.constant(reals)), None, drawn)


def moved(images: tf.Tensor, drawn: draws.Draws, name: str) -> np.ndarray:
    """Images as the term changes them."""
    return flip_shift.flip_shift(images, drawn.named("consistency").named(name)).numpy()


def test_the_logits_of_moved_images_are_held_to_those_of_the_images(part):
    term = consistency.ImageConsistency(10.0, 5.0, 0.125)
    outputs = term.outputs(part)
    expected = []
    for name, batch in (("reals", part.reals), ("fakes", part.fakes)):
        changed = moved(batch.images, part.draws, name)
        expected.append((3 * (batch.images[:, 0, 0, 0] - changed[:, 0, 0, 0])) ** 2)
    assert all(np.max(one) > 0.1 for one in expected)
    np.testing.assert_allclose(outputs, expected, rtol=1e-5)
    loss, means = term.loss(outputs, lambda x: x)
    reals, fakes = np.mean(expected, axis=1)
    assert float(loss) == pytest.approx(10 * reals + 5 * fakes)
    assert {name: float(mean) for name, mean in means.items()} == pytest.approx(
        {"consistency/real": reals, "consistency/fake": fakes}
    )
    # Clean ones once for all terms, and the moved ones.
    part.outputs_of_both
    assert part.discriminator.judged == 4 and term.passes == 2


def test_the_gradient_goes_through_both_logits(part):
    term = consistency.ImageConsistency(1.0, 0.0, 0.125)
    with tf.GradientTape() as tape:
        loss, _ = term.loss(term.outputs(part), lambda x: x)
    slope = float(tape.gradient(loss, part.discriminator.scale))
    # Of s^2 d^2 with s = 3: 2 s d^2. Through one of the two logits it would be s d a.
    assert slope == pytest.approx(2 * float(loss) / 3, rel=1e-5)
    assert term.numbers == term.passes == 1 and term.metrics == ("consistency/real",)


def test_neighbouring_latents_have_equal_logits_and_unequal_images(part):
    noise = 0.5 * part.draws.named("consistency").normal("latents", (2,))[:, 0]
    (logits,) = consistency.LatentConsistency(0.2, 0.5).outputs(part)
    # The upper left pixel of a ramp is 0: a shift of the ramp is what a logit would see.
    np.testing.assert_allclose(logits, 0, atol=1e-6)
    term = consistency.LatentDifference(0.02, 0.5)
    outputs = term.outputs(part)
    expected = noise**2 * np.mean(np.arange(64.0) ** 2)
    np.testing.assert_allclose(outputs, [expected], rtol=1e-4)
    loss, _ = term.loss(outputs, lambda x: x)
    assert float(loss) == pytest.approx(-0.02 * np.mean(expected), rel=1e-4)


class Mean(Corner):
    """The mean pixel times a number."""

    def outputs(self, batch, references=None, **how):
        return _Outputs(tf.reduce_mean(batch.images, [1, 2, 3]) * self.scale)


def test_the_logits_of_neighbouring_latents_are_compared(part):
    part = dataclasses.replace(part, discriminator=Mean())
    noise = 0.5 * part.draws.named("consistency").normal("latents", (2,))[:, 0]
    (found,) = consistency.LatentConsistency(0.2, 0.5).outputs(part)
    np.testing.assert_allclose(found, (3 * 31.5 * noise) ** 2, rtol=1e-3)


class Brighter(terms.Augmentation):
    """Images twice as bright."""

    networks = ("discriminator",)

    def __call__(self, images, draws):
        return 2 * images


class Difference(Corner):
    """How much brighter the upper left pixels of images are than those of their references."""

    takes_references = True

    def outputs(self, batch, references=None, **how):
        return _Outputs((batch.images - references)[:, 0, 0, 0])


def test_augmented_images_are_moved_and_references_stay_where_they_are(part):
    references = part.reals.images[::-1]
    part = dataclasses.replace(
        part, discriminator=Difference(), references=references, augmentation=Brighter()
    )
    (found,) = consistency.ImageConsistency(1.0, 0.0, 0.125).outputs(part)
    reals = 2 * part.reals.images
    changed = moved(reals, part.draws, "reals")
    np.testing.assert_allclose(found, (reals - changed)[:, 0, 0, 0] ** 2, rtol=1e-4)


def consistent(config: schema.Config, **changes) -> schema.Config:
    """A configuration with all four weights, and changes of it."""
    weights = {"real_weight": 10.0, "fake_weight": 10.0, "latent_weight": 0.2}
    of_section = {f"consistency.{name}": value for name, value in weights.items()}
    return schema.replace(config, of_section | {"consistency.generator_weight": 1.0} | changes)


def test_what_a_sample_contributes_is_the_same_in_every_share(part):
    found = [
        consistency.ImageConsistency(1.0, 1.0, 0.125),
        consistency.LatentConsistency(1.0, 0.1),
        consistency.LatentDifference(1.0, 0.1),
    ]
    for share in range(2):
        own = dataclasses.replace(
            part,
            reals=networks.Batch(part.reals.images[share::2]),
            draws=part.draws.share(share, 2),
        )
        for term in found:
            for whole, half in zip(term.outputs(part), term.outputs(own), strict=True):
                np.testing.assert_allclose(half, whole[share::2], rtol=1e-4, atol=1e-6)


class OfAll(Ramp):
    """A ramp less the mean over all devices, for which they wait for each other."""

    def call(self, z):
        mean = tf.distribute.get_replica_context().all_reduce("MEAN", tf.reduce_mean(z[:, 0]))
        return super().call(z - mean)


def test_devices_may_wait_for_each_other_inside_of_what_is_computed_once(part, strategy_of):
    # With a lock around it, as functools.cached_property had before Python 3.12, it never ends.
    def contributed():
        own = dataclasses.replace(part, generator=OfAll())
        return consistency.ImageConsistency(1.0, 1.0, 0.125).outputs(own)

    one, two = strategy_of(2).experimental_local_results(
        tf.function(strategy_of(2).run, autograph=False)(contributed)
    )
    np.testing.assert_allclose(one, two)


@pytest.fixture(name="eagerly")
def _eagerly():
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.usefixtures("eagerly")
def test_it_goes_with_labels_and_references(tiny_config):
    changes = {
        "data.labels": True,
        "data.classes": 3,
        "discriminator.attention.pairing": "reference",
        "discriminator.attention.resolution": 8,
    }
    config = consistent(tiny_config, **changes)
    built = state.State(config)
    trainer = steps.Steps(config, built, tf.distribute.get_strategy())
    batch = steps.Shown(tf.constant(IMAGES), tf.constant(IMAGES[::-1]), tf.constant(LABELS))
    step = steps.Step(steps.DISCRIMINATOR, "contrast")
    metrics = trainer.compiled(step)(*batch[:1], tf.constant(0, tf.int64), *batch[1:])
    names = [f"consistency/{name}" for name in ("real", "fake", "latent")]
    assert all(metrics[name] > 0 for name in names)


def test_all_is_off_unless_it_is_asked_for():
    section = ConsistencyConfig()
    found = consistency.of_discriminator(section) + consistency.of_generator(section)
    assert [term.weight for term in found] == [0, 0, 0]
