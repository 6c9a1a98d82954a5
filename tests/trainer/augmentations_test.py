"""Where augmentations act: on whose steps, on what, and where slopes are taken."""

import dataclasses
import functools

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.augmentation.simclr.color_jitter import color_jitter
from dualcontrast.augmentation.simclr.cutout import cutout
from dualcontrast.augmentation.simclr.gaussian_blur import gaussian_blur
from dualcontrast.augmentation.simclr.grayscale import grayscale
from dualcontrast.augmentation.simclr.random_resized_crop import random_resized_crop
from dualcontrast.layers import networks
from dualcontrast.trainer import augmentations, draws, penalties, steps, terms
from dualcontrast.trainer.config import augmentation_sections, schema
from tests.trainer.square import Square

IMAGES = np.random.default_rng(0).integers(0, 256, [8, 8, 8, 3]).astype(np.uint8)
D_STEP = steps.Step(steps.DISCRIMINATOR, "contrast")
G_STEP = steps.Step(steps.GENERATOR, "contrast")


def augmented(config: schema.Config, **changes) -> schema.Config:
    """A configuration with DiffAugment, and changes of it."""
    return schema.replace(config, {"augmentation": "diffaugment", **changes})


@pytest.mark.parametrize(
    "kind, step, replicas, parts",
    [("diffaugment", D_STEP, 2, 1), ("simclr", G_STEP, 1, 2)],
    ids=["the discriminator's, by two devices", "the generator's, in two parts"],
)
def test_an_augmented_step_is_the_same_however_its_batch_is_shared(
    tiny_config, first_step, assert_same_step, kind, step, replicas, parts
):
    config = schema.replace(tiny_config, {"augmentation": kind})
    shared = schema.replace(config, {"training.accumulation": parts})
    whole = first_step(config, step, 1, IMAGES)
    assert_same_step(whole, first_step(shared, step, replicas, IMAGES))


def test_an_augmentation_of_the_discriminator_alone_leaves_the_generator_its_own_step(
    tiny_config, first_step
):
    alone = augmented(tiny_config, **{"augmentation.networks": "discriminator"})
    plain = first_step(tiny_config, G_STEP, 1, IMAGES)
    found = first_step(alone, G_STEP, 1, IMAGES)
    for name, value in plain.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


class Twice(terms.Augmentation):
    """Images twice as bright."""

    def __call__(self, images, draws):
        return 2 * images


@pytest.mark.parametrize("after, slope", [(True, 2.0), (False, 4.0)])
def test_slopes_are_taken_after_the_augmentation_or_before_it(after, slope):
    augmentation = Twice()
    augmentation.slopes_after = after
    part = terms.Part(
        networks.Generator(),
        Square(),
        networks.Batch(tf.ones([3, 2, 2, 1])),
        None,
        draws.Draws(0, 0, draws.Purpose.GRADIENT_PENALTY, 3),
        augmentation,
    )
    # D(2x) = 2 x^2: its slope at 2x is 2x, and at x it is 4x; four pixels of 1.
    (found,) = penalties.R1(1.0, None).outputs(part)
    np.testing.assert_allclose(found, [4 * slope**2] * 3, rtol=1e-6)


class Difference(Square):
    """How much brighter images are than their references."""

    takes_references = True

    def build(self, input_shape=None):
        self.built = True

    def features(self, images, references):
        return tf.reduce_sum(images - references, [2, 3])


def test_references_are_augmented_as_images_of_their_own(tiny_config):
    ones = tf.ones([4, 2, 2, 1])
    section = augmented(tiny_config).augmentation
    color = dataclasses.replace(section, cutout=False, translation=False)
    augmentation = augmentations.of(color, batch_size=4)
    drawn = draws.Draws(0, 0, draws.Purpose.DISCRIMINATOR, 4)
    part = terms.Part(_Ones(), Difference(), networks.Batch(ones), ones, drawn, augmentation)
    reals, fakes = part.outputs_of_both
    brightness = {
        name: drawn.named(name).named("color").uniform("brightness").numpy()
        for name in ("reals", "fakes", "references")
    }
    for found, name in ((reals, "reals"), (fakes, "fakes")):
        expected = 4 * (brightness[name] - brightness["references"])
        np.testing.assert_allclose(found.logits, expected, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_simclrs_changes_are_those_of_images_from_zero_to_one(channels):
    images = np.random.default_rng(1).uniform(0, 1, [6, 32, 32, channels]).astype(np.float32)
    drawn = draws.Draws(0, 0, draws.Purpose.DISCRIMINATOR, 6)
    every = augmentation_sections.SimCLR(
        least_area=0.5, jitter=0.8, hue=0.2, hsv_gradient="exact", blur=True, cutout=True
    )
    found = augmentations.of(every, 4)(tf.constant(2 * images - 1), drawn)
    expected = tf.constant(images)
    for name, change in {
        "random_resized_crop": functools.partial(random_resized_crop, least_area=0.5),
        "color_jitter": functools.partial(
            color_jitter, strength=0.8, hue=0.2, straight_through=False
        ),
        "grayscale": grayscale,
        "gaussian_blur": gaussian_blur,
        "cutout": cutout,
    }.items():
        expected = change(expected, drawn.named(name))
    np.testing.assert_allclose(found, 2 * expected - 1, atol=1e-5)
    # CIFAR's have no blur and no cutout.
    assert [*augmentations.of(augmentation_sections.SimCLR(), 4).changes] == [
        "random_resized_crop",
        "color_jitter",
        "grayscale",
    ]


def test_a_flip_and_shift_is_by_the_fields_share_of_the_side():
    shifted = augmentations.of(augmentation_sections.FlipShift(shift=0.0), 4)
    images = np.random.default_rng(1).normal(size=[64, 8, 8, 1]).astype(np.float32)
    shown = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(shown)
        found = shifted(shown, draws.Draws(0, 0, draws.Purpose.DISCRIMINATOR, 64))
    # Every pixel of an image is one of the other's.
    np.testing.assert_array_equal(tape.gradient(found, shown), np.ones_like(images))
    found = found.numpy()
    same = (found == images).all((1, 2, 3))
    mirrored = (found == images[:, :, ::-1]).all((1, 2, 3))
    assert (same | mirrored).all() and same.any() and mirrored.any()


class _Ones(networks.Generator):
    latent_size = 2

    def call(self, z):
        return tf.ones([z.shape[0], 2, 2, 1])
