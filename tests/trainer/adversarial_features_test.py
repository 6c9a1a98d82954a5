"""AdvAug: where features are moved to, and what is made of both losses."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.trainer import adversarial_features, draws, objective, terms
from dualcontrast.trainer.config import loss_sections, schema
from dualcontrast.trainer.config.adversarial_features_section import AdversarialFeaturesConfig
from dualcontrast.trainer.errors import UserError

WEIGHTS = np.array([2.0, -1.0, 0.5, -3.0], np.float32)


class Linear(networks.Discriminator):
    """The pixels times a scale are the features, and a plane makes logits of them."""

    resolution, channels = 2, 1

    def __init__(self):
        super().__init__()
        self.scale = tf.Variable(1.5)

    def features(self, images):
        return tf.reshape(images, [-1, 4]) * self.scale

    def logits_of(self, features, labels=None):
        return tf.linalg.matvec(features, WEIGHTS)


class Flat(networks.Generator):
    """Images that hold the first latent everywhere."""

    latent_size = 2

    def call(self, z):
        return tf.ones([z.shape[0], 2, 2, 1]) * z[:, :1, None, None]


@pytest.fixture(name="part")
def _part() -> terms.Part:
    reals = np.random.default_rng(0).uniform(-1, 1, [4, 2, 2, 1]).astype(np.float32)
    drawn = draws.Draws(0, 0, draws.Purpose.DISCRIMINATOR, 4)
    return terms.Part(Flat(), Linear(), networks.Batch(tf.constant(reals)), None, drawn)


def clean_loss(name: str) -> terms.Term:
    return objective.of_phase(loss_sections.LOSSES[name](), "contrast").terms().discriminator


# Of sign(WEIGHTS) @ WEIGHTS = 6.5: a step of 0.1 moves a logit by 0.65, one of 0.01 by 0.065.
@pytest.mark.parametrize("sign, real, fake", [("paper", -0.65, 0.065), ("code", 0.65, 0.065)])
@pytest.mark.parametrize("name", ["hinge", "dual_contrastive"])
def test_half_of_the_loss_is_of_features_moved_by_the_sign_of_the_slope(
    part, name, sign, real, fake
):
    section = AdversarialFeaturesConfig(real_gamma=0.1, fake_gamma=0.01, sign=sign)
    term = adversarial_features.of_discriminator(clean_loss(name), section)
    outputs = term.outputs(part)
    assert len(outputs) == term.numbers == 4 and term.passes == 2
    reals, fakes, moved_reals, moved_fakes = (x.numpy() for x in outputs)
    of_reals = 1.5 * part.reals.images.numpy().reshape(4, 4) @ WEIGHTS
    np.testing.assert_allclose(reals, of_reals, rtol=1e-5)
    np.testing.assert_allclose(moved_reals, reals + real, rtol=1e-4)
    np.testing.assert_allclose(moved_fakes, fakes + fake, rtol=1e-4)
    both = [_LOSSES[name](*pair) for pair in ((reals, fakes), (moved_reals, moved_fakes))]
    loss, metrics = term.loss(outputs, lambda x: x)
    assert float(loss) == pytest.approx(np.mean(both), rel=1e-4)
    assert float(metrics["logits/real"]) == pytest.approx(reals.mean(), rel=1e-4)


def _hinge(reals, fakes):
    return np.maximum(0, 1 - reals).mean() + np.maximum(0, 1 + fakes).mean()


def _dual_contrastive(reals, fakes):
    pairs = np.exp(fakes[None] - reals[:, None])
    return sum(np.log1p(pairs.sum(axis)).mean() for axis in (0, 1))


_LOSSES = {"hinge": _hinge, "dual_contrastive": _dual_contrastive}


def test_the_gradient_goes_through_the_features_and_not_through_the_way_they_move(part):
    section = AdversarialFeaturesConfig(real_gamma=0.1)
    term = adversarial_features.of_discriminator(clean_loss("hinge"), section)
    with tf.GradientTape() as tape:
        moved = tf.reduce_sum(term.outputs(part)[2])
    slope = float(tape.gradient(moved, part.discriminator.scale))
    pixels = part.reals.images.numpy().reshape(4, 4)
    assert slope == pytest.approx((pixels @ WEIGHTS).sum(), rel=1e-5)


def test_contrad_whose_features_are_constant_is_refused():
    changes = {"loss": "contrad", "adversarial_features.real_gamma": 0.1}
    changes |= {"discriminator.head": "mlp", "discriminator.projection_size": 8}
    with pytest.raises(UserError, match="adversarial_features move the features"):
        schema.validate(schema.replace(schema.Config(), changes))


def test_it_is_off_unless_it_is_asked_for():
    loss = clean_loss("hinge")
    assert adversarial_features.of_discriminator(loss, AdversarialFeaturesConfig()) is loss
