"""Langevin dynamics against NumPy, and the sampler as seed_pictures calls it."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.tools.sampling import self_conditional
from dualcontrast.trainer.evaluation.linear_head import LinearHead

DRAWN = np.random.default_rng(0)
MIX = DRAWN.normal(size=[2, 4]).astype(np.float32)  # from z to four pixels
LOGIT, CLASS = DRAWN.normal(size=[2, 4]).astype(np.float32)  # upon the squares of the pixels


class Generator(networks.Generator):
    resolution, channels, latent_size = 2, 1, 2

    def call(self, z):
        return tf.reshape(z @ MIX, [-1, 2, 2, 1])


class Discriminator(networks.Discriminator):
    def features(self, images):
        return tf.reshape(images, [-1, 4]) ** 2

    def logits_of(self, features, labels=None):
        return tf.linalg.matvec(features, LOGIT)


def stepped(z, eta, noise_of_z, noise_of_eta):
    """A step in NumPy: E = -sum((a + w) x^2) - b + |z|^2 / 2 + |eta|^2 / 2, x = z M + 0.02 eta."""
    x = z @ MIX + 0.02 * eta
    slope = -2 * (LOGIT + CLASS) * x
    return (
        z - 0.005 * (slope @ MIX.T + z) + 0.01 * noise_of_z,
        eta - 0.005 * (0.02 * slope + eta) + 0.01 * noise_of_eta,
    )


def test_a_step_is_that_of_numpy():
    z, noise_of_z = DRAWN.normal(size=[2, 3, 2]).astype(np.float32)
    eta, noise_of_eta = DRAWN.normal(size=[2, 3, 4]).astype(np.float32)

    def judge(images):
        features = Discriminator().features(images)
        return tf.linalg.matvec(features, LOGIT + CLASS) + 0.7

    as_images = [tf.reshape(x, [3, 2, 2, 1]) for x in (eta, noise_of_eta)]
    drawn = tf.constant(noise_of_z), as_images[1]
    found = self_conditional.step(Generator(), judge, tf.constant(z), as_images[0], drawn)
    expected = stepped(z, eta, noise_of_z, noise_of_eta)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(tf.reshape(found[1], [3, 4]), expected[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("steps", [1, 4])
def test_the_sampler_takes_its_steps_from_the_seeds_latents(steps):
    head = LinearHead(
        np.stack([np.zeros(4, np.float32), CLASS], axis=1),
        np.float32([0, 0.7]),
        "trunk",
        {"classes": ["none", "some"]},
    )
    sampler = self_conditional.SelfConditionalSampler(
        Generator(), Discriminator(), head, label=1, steps=steps
    )
    seeds = [3, 8]
    random = [np.random.default_rng([seed, 1]) for seed in seeds]

    def normal(*shape):
        return np.stack([one.standard_normal(shape, np.float32) for one in random])

    z, eta = sampler.latents(seeds), normal(2, 2, 1).reshape(2, 4)
    for _ in range(steps):
        z, eta = stepped(z, eta, normal(2), normal(2, 2, 1).reshape(2, 4))
    expected = np.clip(np.round((z @ MIX + 0.02 * eta + 1) * 127.5), 0, 255)
    found = np.stack(list(sampler.from_seeds(seeds)))
    np.testing.assert_allclose(found.reshape(2, 4), expected, atol=1)
    assert list(sampler.labels(seeds)) == [1, 1]
