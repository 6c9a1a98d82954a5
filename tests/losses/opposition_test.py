"""Generator and discriminator pull the gap between reals and fakes in opposite directions."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers.stylegan2 import discriminator, generator
from dualcontrast.losses import (
    dual_contrastive,
    hinge,
    non_saturating,
    relativistic,
    saturating,
    wasserstein,
)

Z = tf.random.stateless_normal([4, 8], [0, 1])
REALS = tf.random.stateless_uniform([4, 8, 8, 3], [0, 2], -1, 1)


@pytest.fixture(name="networks")
def _networks():
    keras.utils.set_random_seed(7)
    g = generator.Generator(8, latent_size=8, w_size=8, mapping_layers=2, fmap_base=32, fmap_max=8)
    d = discriminator.Discriminator(8, fmap_base=32, fmap_max=8)
    g.build()
    d.build()
    return g, d


def _gap_after_a_step(networks, loss, stepped) -> tuple[float, float]:
    """The gap mean(real logits) - mean(fake logits) before and after one small step of SGD."""
    g, d = networks

    def gap():
        return float(tf.reduce_mean(d(REALS)) - tf.reduce_mean(d(g(Z))))

    before = gap()
    with tf.GradientTape() as tape:
        value = loss(d(REALS), d(g(Z)))
    gradients = tape.gradient(value, stepped.trainable_variables)
    length = float(tf.linalg.global_norm(gradients))
    keras.optimizers.SGD(0.01 / length).apply(gradients, stepped.trainable_variables)
    return before, gap()


@pytest.mark.parametrize(
    "loss",
    [
        dual_contrastive.discriminator_loss,
        non_saturating.discriminator_loss,
        wasserstein.discriminator_loss,
        hinge.discriminator_loss,
        relativistic.discriminator_loss,
    ],
)
def test_a_step_of_the_discriminator_widens_the_gap(networks, loss):
    before, after = _gap_after_a_step(networks, loss, networks[1])
    assert after > before + 1e-4


@pytest.mark.parametrize(
    "loss",
    [
        dual_contrastive.minimax_generator_loss,
        dual_contrastive.swapped_generator_loss,
        lambda reals, fakes: non_saturating.generator_loss(fakes),
        lambda reals, fakes: saturating.generator_loss(fakes),
        lambda reals, fakes: wasserstein.generator_loss(fakes),
        relativistic.generator_loss,
    ],
    ids=["minimax", "swapped", "non_saturating", "saturating", "wasserstein", "relativistic"],
)
def test_a_step_of_the_generator_narrows_the_gap(networks, loss):
    before, after = _gap_after_a_step(networks, loss, networks[0])
    assert after < before - 1e-4


def test_a_generator_that_minimised_the_discriminators_loss_would_be_noticed(networks):
    # What a public port does: both then widen the gap, and the test above would fail.
    before, after = _gap_after_a_step(networks, dual_contrastive.discriminator_loss, networks[0])
    assert after > before + 1e-4


def test_the_discriminators_last_bias_is_not_moved_by_the_dual_contrastive_loss(networks):
    g, d = networks
    with tf.GradientTape() as tape:
        value = dual_contrastive.discriminator_loss(d(REALS), d(g(Z)))
    gradients = tape.gradient(value, d.trainable_variables)
    of_bias = gradients[[v is d.logit.bias for v in d.trainable_variables].index(True)]
    assert np.abs(of_bias).max() < 1e-6 * float(tf.linalg.global_norm(gradients)) + 1e-7


def test_all_trainables_of_both_networks_learn(networks):
    g, d = networks
    variables = [*g.trainable_variables, *d.trainable_variables]
    with tf.GradientTape() as tape:
        value = non_saturating.discriminator_loss(d(REALS), d(g(Z)))
    for variable, gradient in zip(variables, tape.gradient(value, variables)):
        assert gradient is not None and np.any(gradient), variable.path
