"""U-Net GAN in the trainer: losses of pixels, mixed images and when they come, several devices."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.augmentation import cutmix
from dualcontrast.trainer import cutmix_loss, draws, pixel_losses, state, steps, terms
from dualcontrast.trainer.config import config_flags, schema
from dualcontrast.trainer.config.cutmix_section import CutMixConfig
from dualcontrast.trainer.config.loss_sections import DualContrastive
from dualcontrast.trainer.errors import UserError

TINY = {
    "generator.latent_size": 8,
    "generator.width": 1,
    "discriminator.width": 1,
    "training.batch_size": 4,
}
IMAGES = np.random.default_rng(0).integers(0, 256, [4, 32, 32, 3]).astype(np.uint8)
LABELS = np.array([2, 0, 1, 2])
SEEN = tf.constant(0, tf.int64)
MIXED = steps.Step(steps.DISCRIMINATOR, "train", mixed=True)


def tiny(changes=None, classes=0):
    config = schema.replace(config_flags.load("unetgan_scenes32"), TINY | (changes or {}))
    config = schema.replace(config, {"data.labels": bool(classes)})
    return schema.resolve(config, 32, 3, classes)


@pytest.fixture(autouse=True)
def _eagerly(eagerly):
    """Compiling the steps would take several times as long."""


class Judge:
    """A discriminator of images of 2x2 pixels and one channel, whose pixels are their logits."""

    takes_references = False

    def outputs(self, batch, references=None):
        pixels = batch.images[..., 0]
        logits = tf.reduce_sum(pixels, axis=[1, 2])
        return steps.networks.Outputs(logits, logits[:, None], 2 * pixels)

    def compare(self, reals, fakes, references, judge_reals):
        return self.outputs(reals) if judge_reals else None, self.outputs(fakes)


def part_of(reals, fakes):
    class Maker:
        def draw(self, _):
            return {}

        def images(self, _):
            return tf.constant(fakes, tf.float32)

    chance = draws.Draws(0, 0, draws.Purpose.DISCRIMINATOR, len(reals))
    batch = steps.networks.Batch(tf.constant(reals, tf.float32))
    return terms.Part(Maker(), Judge(), batch, None, chance)


REALS, FAKES = np.random.default_rng(3).standard_normal([2, 3, 2, 2, 1])


def softplus(x):
    return np.logaddexp(0, x)


def logits_and_pixels(images):
    return images.sum(axis=(1, 2, 3)), 2 * images[..., 0]


@pytest.mark.parametrize(
    "loss, of_images, of_pixels",
    [
        (
            "non_saturating",
            lambda r, f: softplus(-r).mean() + softplus(f).mean(),
            lambda r, f: softplus(-r).mean() + softplus(f).mean(),
        ),
        (
            "hinge",
            lambda r, f: np.maximum(0, 1 - r).mean() + np.maximum(0, 1 + f).mean(),
            lambda r, f: np.maximum(0, 1 - r).mean() + np.maximum(0, 1 + f).mean(),
        ),
        (
            "relativistic",
            lambda r, f: softplus(f - r).mean(),
            lambda r, f: softplus(f - r).mean(),
        ),
        (
            "dual_contrastive",
            lambda r, f: (
                np.log(1 + np.exp(f).sum() * np.exp(-r)).mean()
                + np.log(1 + np.exp(-r).sum() * np.exp(f)).mean()
            ),
            lambda r, f: softplus(-r).mean() + softplus(f).mean(),
        ),
    ],
)
def test_a_loss_is_one_half_of_images_and_one_half_of_pixels(loss, of_images, of_pixels):
    section = schema.replace(schema.Config(), {"loss": loss}).loss
    phase = "contrast" if loss == "dual_contrastive" else "train"
    both = pixel_losses.terms(section, phase)
    part = part_of(REALS, FAKES)
    (r, pixels_r), (f, pixels_f) = logits_and_pixels(REALS), logits_and_pixels(FAKES)
    outputs = both.discriminator.outputs(part)
    assert len(outputs) == both.discriminator.numbers
    found, metrics = both.discriminator.loss(outputs, lambda x: x)
    expected = (of_images(r, f) + of_pixels(pixels_r, pixels_f)) / 2
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert tuple(metrics) == both.discriminator.metrics
    np.testing.assert_allclose(metrics["pixel_logits/fake"], pixels_f.mean(), rtol=1e-5)
    # That of the generator: where it sees reals, beside them.
    outputs = both.generator.outputs(part)
    assert len(outputs) == both.generator.numbers
    found, _ = both.generator.loss(outputs, lambda x: x)
    if loss == "non_saturating":
        expected = (softplus(-f).mean() + softplus(-pixels_f).mean()) / 2
    elif loss == "hinge":
        expected = -(f.mean() + pixels_f.mean()) / 2
    elif loss == "relativistic":
        expected = (softplus(r - f).mean() + softplus(pixels_r - pixels_f).mean()) / 2
    else:
        expected = (-of_images(r, f) + softplus(-pixels_f).mean()) / 2
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_loss_of_mixed_images():
    section = CutMixConfig(consistency_weight=3.0)
    term = cutmix_loss.MixedImages(section, 0.5, alone=True)
    part = part_of(REALS, FAKES)
    mask = cutmix.masks(2, part.draws.named("cutmix")).numpy()
    assert 0 < mask.mean() < 1
    mixed = mask[..., None] * REALS + (1 - mask[..., None]) * FAKES
    logits, pixels = logits_and_pixels(mixed)
    of_pixels = np.where(mask, softplus(-pixels), softplus(pixels)).mean()
    value, metrics = term.loss(term.outputs(part), None)
    # These logits are linear in the images, hence consistent.
    np.testing.assert_allclose(metrics["cutmix/consistency"], 0, atol=1e-12)
    np.testing.assert_allclose(value, 0.5 * (softplus(logits).mean() + of_pixels), rtol=1e-5)
    value, _ = term.loss([tf.zeros([3]), tf.zeros([3]), tf.ones([3])], None)
    np.testing.assert_allclose(value, 0.5 * 3)
    assert (term.passes, cutmix_loss.MixedImages(section, 0.5).passes) == (3, 1)


def test_the_probability_and_the_weight_rise_along_a_line():
    schedule = cutmix_loss.Schedule(CutMixConfig(probability=0.5, weight=2, warmup_images=8_000))
    for seen, share in ((0, 0), (2_000, 0.25), (8_000, 1), (9_000, 1)):
        schedule.advance(seen)
        assert float(schedule.factor) == share == schedule.risen(seen)
        assert schedule.probability_at(seen) == 0.5 * share
    # Without a weight there is nothing to be assigned.
    assert cutmix_loss.Schedule(CutMixConfig(probability=0.5, warmup_images=8)).factor == 1.0


def test_the_coin_of_a_step_is_that_of_its_images_and_falls_as_often_as_it_should():
    config = tiny({"cutmix.warmup_images": 0})
    trainer = steps.Steps(config, state.State(config), tf.distribute.get_strategy())
    step = steps.Step(steps.DISCRIMINATOR, "train")
    first, again = ([trainer._mixes(step, 4 * k) for k in range(200)] for _ in range(2))
    assert first == again
    assert abs(np.mean(first) - 0.5) <= 4 * np.sqrt(0.25 / 200)


def test_an_iteration_has_mixed_images_in_place_of_the_loss_or_beside_it():
    config = tiny({"cutmix.warmup_images": 0, "cutmix.probability": 1.0}, classes=3)
    built = state.State(config)
    trainer = steps.Steps(config, built, tf.distribute.get_strategy())
    before = {name: value.numpy() for name, value in built.named_variables().items()}
    shown = steps.Shown(tf.constant(IMAGES), None, tf.constant(LABELS))
    metrics = trainer.iterate([shown], 0)
    assert {"cutmix/image", "cutmix/pixels", "cutmix/consistency", "loss/G"} <= set(metrics)
    assert not {"loss/D", "logits/real"} & set(metrics)
    after = built.named_variables()
    same = {name for name, old in before.items() if np.array_equal(old, after[name].numpy())}
    same = {name for name in same if not name.startswith(("average", "images_seen"))}
    # A bias before a normalisation by the batch has no gradient. The only u of a kernel with one
    # output is 1.
    free = ("bias", "learning_rate", "logit.u", "to_rgb", "dense.u")
    assert {name for name in same if not any(word in name for word in free)} == set()

    config = schema.replace(config, {"cutmix.probability": 0.0, "cutmix.weight": 1.0})
    built = state.State(config)
    trainer = steps.Steps(config, built, tf.distribute.get_strategy())
    metrics = trainer.compiled(steps.Step(steps.DISCRIMINATOR, "train"))(
        tf.constant(IMAGES), SEEN, labels=tf.constant(LABELS)
    )
    assert {"cutmix/image", "loss/D", "logits/real", "pixel_logits/real"} <= set(metrics)


def test_two_devices_make_the_step_of_one_on_mixed_images(first_step, assert_same_step):
    one, two = (first_step(tiny(), MIXED, replicas, IMAGES) for replicas in (1, 2))
    assert_same_step(one, two)


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_two_devices_contrast_all_images_and_average_their_pixels(network, strategy_of):
    # Only traced functions can gather.
    tf.config.run_functions_eagerly(False)
    term = getattr(pixel_losses.terms(DualContrastive(), "contrast"), network)
    draw = np.random.default_rng(0)
    shapes = [(4,), (4,), (4, 2, 2), (4, 2, 2)]
    outputs = [tf.constant(draw.standard_normal(shape), tf.float32) for shape in shapes]
    strategy = strategy_of(2)

    def slopes(given, gather, replicas):
        with tf.GradientTape() as tape:
            tape.watch(given)
            value, _ = term.loss(given, gather)
            scaled = value / replicas
        how = tf.UnconnectedGradients.ZERO
        return tape.gradient(scaled, given, unconnected_gradients=how)

    @tf.function(autograph=False)
    def on_two():
        def on_one():
            context = tf.distribute.get_replica_context()
            index = context.replica_id_in_sync_group
            mine = [draws.share(x, index, 2) for x in outputs]
            return slopes(mine, lambda x: context.all_gather(x, axis=0), 2)

        return [strategy.experimental_local_results(x) for x in strategy.run(on_one)]

    for found, expected in zip(on_two(), slopes(outputs, lambda x: x, 1), strict=True):
        for index, share in enumerate(found):
            np.testing.assert_allclose(share, expected[index::2], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "changes, named",
    [
        (
            {"cutmix.probability": 0.5},
            "cutmix.probability=0.5 needs logits of pixels, and the stylegan2",
        ),
        ({"cutmix.weight": 1.0}, "cutmix.weight=1.0 needs .*--config.cutmix.weight=0"),
    ],
)
def test_mixed_images_need_a_judge_of_pixels(changes, named):
    with pytest.raises(UserError, match=named):
        schema.resolve(schema.replace(schema.Config(), changes), 32, 3)


@pytest.mark.parametrize(
    "changes, side, named",
    [
        ({"adversarial_features.real_gamma": 0.1}, 32, "those of pixels are made of others"),
        ({}, 16, "data.resolution: got 16, expected one of 32, 64, 128, 256"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes, side, named):
    with pytest.raises(UserError, match=named) as caught:
        schema.resolve(schema.replace(config_flags.load("unetgan_scenes32"), changes), side, 3)
    assert len(str(caught.value).splitlines()) == 1
