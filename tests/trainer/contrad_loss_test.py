"""ContraD's step of the discriminator: what it computes, and however its batch is shared."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.losses import contrad, non_saturating
from dualcontrast.trainer import contrad_loss, draws, state, steps, terms
from dualcontrast.trainer.config import loss_sections, schema
from dualcontrast.trainer.errors import UserError

IMAGES = np.random.default_rng(0).integers(0, 256, [8, 8, 8, 3]).astype(np.uint8)
CONTRAD = {
    "loss": "contrad",
    "augmentation": "diffaugment",
    "discriminator.head": "mlp",
    "discriminator.head_width": 6,
    "discriminator.projection_size": 5,
    "discriminator.minibatch_stddev_group": 2,
    "penalties.r1_every": None,
}
D_STEP = steps.Step(steps.DISCRIMINATOR, "train")


@pytest.fixture(name="contrad_config")
def _contrad_config(tiny_config) -> schema.Config:
    config = schema.replace(tiny_config, CONTRAD)
    schema.validate(config)
    return config


def test_two_devices_derive_what_one_does(strategy_of):
    # The loss of a whole batch is shared: all that its derivatives need is gathered.
    drawn = np.random.default_rng(3).normal(size=[5, 4, 6]).astype(np.float32)
    outputs = [*map(tf.constant, drawn), *tf.unstack(tf.constant(drawn[:2, :, 0]))]
    term = contrad_loss.ContraDLoss(loss_sections.ContraD(), non_saturating.discriminator_loss)

    def slopes(found, gather, replicas):
        with tf.GradientTape() as tape:
            tape.watch(found)
            value, _ = term.loss(found, gather)
            shared = value / replicas
        return tape.gradient(shared, found), value

    expected, whole = slopes(outputs, lambda x: x, 1)
    strategy = strategy_of(2)

    @tf.function
    def run():
        def replica():
            context = tf.distribute.get_replica_context()
            mine = [draws.share(x, context.replica_id_in_sync_group, 2) for x in outputs]
            return slopes(mine, lambda x: context.all_gather(x, axis=0), 2)

        return strategy.run(replica)

    found, values = run()
    assert [float(x) for x in strategy.experimental_local_results(values)] == [
        pytest.approx(float(whole), rel=1e-5)
    ] * 2
    for slope, wanted in zip(found, expected):
        parts = strategy.experimental_local_results(slope)
        for replica, part in enumerate(parts):
            np.testing.assert_allclose(part, wanted[replica::2], rtol=1e-4, atol=1e-7)


@pytest.mark.usefixtures("eagerly")
def test_two_parts_make_the_step_of_one_with_r1_in_it(contrad_config, first_step, assert_same_step):
    # Groups of two share a deviation: in one pass, of views and fakes, and the parts keep them.
    parts = schema.replace(contrad_config, {"training.accumulation": 2})
    whole = first_step(contrad_config, D_STEP, 1, IMAGES)
    assert_same_step(whole, first_step(parts, D_STEP, 1, IMAGES))


class Flat(networks.Discriminator):
    """Features are the pixels; heads are products with fixed matrices."""

    resolution, channels = 2, 1

    def __init__(self):
        super().__init__()
        drawn = np.random.default_rng(1).normal(size=[3, 4, 3]).astype(np.float32)
        self.scale = tf.Variable(1.0)
        self.matrices = [tf.constant(x) for x in drawn]

    @property
    def projections(self):
        return [lambda x, k=k: x @ self.matrices[k] for k in (0, 1)]

    def features(self, images):
        return self.scale * tf.reshape(images, [-1, 4]) ** 3

    def logits_of(self, features, labels=None):
        return tf.reduce_sum(features @ self.matrices[2], axis=-1)


class Brighter(terms.Augmentation):
    """Adds another number to every image, by its name."""

    def __call__(self, images, draws):
        return images + draws.uniform("brightness")[:, None, None, None]


class Grey(networks.Generator):
    latent_size = 1

    def call(self, z):
        return tf.tanh(tf.reshape(z, [-1, 1, 1, 1]) * tf.ones([1, 2, 2, 1]))


@pytest.mark.parametrize("d_batching", ["joint", "separate"])
def test_the_loss_is_that_of_the_views_and_the_adversarial_one_leaves_the_features(d_batching):
    section = loss_sections.ContraD(0.5, 0.3, 2.0, d_batching=d_batching)
    term = contrad_loss.ContraDLoss(section, non_saturating.discriminator_loss)
    reals = tf.constant(np.random.default_rng(2).normal(size=[4, 2, 2, 1]), tf.float32)
    drawn = draws.Draws(0, 0, draws.Purpose.DISCRIMINATOR, 4)
    network = Flat()
    part = terms.Part(Grey(), network, networks.Batch(reals), None, drawn, Brighter())

    def features(images, name):
        bright = drawn.named(name).uniform("brightness")[:, None, None, None]
        return tf.reshape(images + bright, [-1, 4]) ** 3

    one, two = features(reals, "reals"), features(reals, "second views")
    fakes = features(Grey()(drawn.latents(1)), "fakes")
    by_reals, by_fakes, judge = network.matrices
    of_reals = contrad.nt_xent(one @ by_reals, two @ by_reals, 0.5)
    views = tf.concat([one, two], axis=0)
    of_fakes = contrad.fake_contrast(views @ by_fakes, fakes @ by_fakes, 0.5)
    logits = [tf.reduce_sum(x @ judge, axis=-1) for x in (one, fakes)]
    expected = of_reals + 0.3 * of_fakes + 2 * non_saturating.discriminator_loss(*logits)

    with tf.GradientTape(persistent=True) as tape:
        outputs = term.outputs(part)
        value, metrics = term.loss(outputs, lambda x: x)
    assert len(outputs) == term.numbers and set(metrics) == set(term.metrics)
    assert float(value) == pytest.approx(float(expected), rel=1e-5)
    assert float(metrics["logits/fake"]) == pytest.approx(float(tf.reduce_mean(logits[1])), 1e-5)
    # Cosines do not know the features' scale, and the logits' features are constants.
    assert all(tape.gradient(x, network.scale) is None for x in outputs[5:])
    assert all(tape.gradient(x, network.scale) is not None for x in outputs[:5])


@pytest.mark.usefixtures("eagerly")
def test_simclr_alone_leaves_the_logits_untaught(contrad_config, first_step):
    changes = {"loss.lambda_con": 0.0, "loss.lambda_dis": 0.0, "penalties.r1_gamma": 0.0}
    found = first_step(schema.replace(contrad_config, changes), D_STEP, 1, IMAGES)
    for name, value in found.items():
        if name.startswith("discriminator_optimizer/") and name.endswith("velocity"):
            untaught = "logit" in name or "projection_of_fakes" in name
            assert np.any(value) != untaught, name


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"discriminator.projection_size": 0}, "--config.discriminator.head=mlp"),
        ({"discriminator.head": "linear"}, "discriminator.projection_size=5 needs"),
        ({"training.batch_size": 1}, "expected 2 or more"),
        ({"augmentation": "ada", "loss.lambda_dis": 0.0}, "ada follows the logits of reals"),
        (
            {"discriminator.attention.pairing": "reference", "loss.d_batching": "separate"},
            "--config.loss.d_batching=joint",
        ),
    ],
)
def test_what_cannot_be_contrasted_is_refused(contrad_config, changes, expected):
    with pytest.raises(UserError) as caught:
        schema.validate(schema.replace(contrad_config, changes))
    assert expected in str(caught.value) and len(str(caught.value).splitlines()) <= 2


@pytest.mark.usefixtures("eagerly")
def test_references_are_shown_to_both_views_and_to_fakes(contrad_config):
    changes = {
        "discriminator.attention.pairing": "reference",
        "discriminator.attention.san.patch_size": 3,
        "penalties.r1_gamma": 0.0,
    }
    config = schema.replace(contrad_config, changes)
    built = state.State(config)
    trainer = steps.Steps(config, built, tf.distribute.get_strategy())
    metrics = trainer.compiled(D_STEP)(
        tf.constant(IMAGES), tf.constant(0, tf.int64), tf.constant(IMAGES[::-1].copy())
    )
    assert np.isfinite(list(map(float, metrics.values()))).all()
