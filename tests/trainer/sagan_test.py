"""SAGAN in the trainer: which passes move what, on any number of devices, and what is refused."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer import dry_run, state, steps
from dualcontrast.trainer.config import config_flags, schema
from dualcontrast.trainer.errors import UserError

TINY = {
    "generator.latent_size": 4,
    "generator.width": 2,
    "generator.attention_resolution": 8,
    "discriminator.width": 2,
    "discriminator.attention_resolution": 8,
    "training.batch_size": 4,
    "data.resolution": 32,
    "data.channels": 3,
}
IMAGES = np.random.default_rng(0).integers(0, 256, [4, 32, 32, 3]).astype(np.uint8)
LABELS = np.array([2, 0, 1, 2])
SEEN = tf.constant(0, tf.int64)


def tiny(changes=None, classes=3):
    config = schema.replace(config_flags.load("sagan_imagenet128"), TINY | (changes or {}))
    config = schema.replace(config, {"data.labels": bool(classes)})
    return schema.resolve(config, config.data.resolution, 3, classes)


@pytest.fixture(name="eagerly", autouse=True)
def _eagerly():
    """Compiling the steps would take several times as long."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def build(config):
    built = state.State(config)
    return built, steps.Steps(config, built, tf.distribute.get_strategy())


CONTRAST = {"loss": "dual_contrastive", "loss.warmup_images": 0}


def after_passes(conv, passes):
    """The power method by itself."""
    kernel, u = conv.layer.kernel.numpy(), conv.u.numpy()
    matrix = kernel.reshape(-1, kernel.shape[-1])
    for _ in range(passes):
        v = matrix @ u / np.linalg.norm(matrix @ u)
        u = matrix.T @ v / np.linalg.norm(matrix.T @ v)
    return u


@pytest.mark.parametrize(
    "changes, classes, phase, reals_of_generator",
    [
        ({}, 3, "train", 0),
        (CONTRAST | {"generator.attention_resolution": None}, 0, "contrast", 1),
    ],
    ids=["hinge", "dual contrastive, neither classes nor attention in G"],
)
def test_an_iteration_trains_every_variable_and_moves_u_as_the_program_does(
    changes, classes, phase, reals_of_generator
):
    built, trainer = build(tiny(changes, classes))
    for network in (built.generator, built.discriminator):
        for block in network.blocks:
            if block.attend is not None:  # else its kernels had no gradient yet
                block.attend.gamma.assign(0.5)
    before = {name: value.numpy() for name, value in built.named_variables().items()}
    labels = tf.constant(LABELS) if classes else None
    judge, maker = (net.blocks[1].convs[0] for net in (built.discriminator, built.generator))
    # In D every pass of reals moves u, in G every pass.
    for network, reals in ((steps.GENERATOR, reals_of_generator), (steps.DISCRIMINATOR, 1)):
        expected = after_passes(judge, reals), after_passes(maker, 1)
        step = trainer.compiled(steps.Step(network, phase))
        metrics = step(tf.constant(IMAGES), SEEN, labels=labels)
        assert np.isfinite([float(value) for value in metrics.values()]).all()
        np.testing.assert_allclose(judge.u, expected[0], atol=1e-5)
        np.testing.assert_allclose(maker.u, expected[1], atol=1e-5)
    after = built.named_variables()
    same = {name for name, old in before.items() if np.array_equal(old, after[name].numpy())}
    same = {name for name in same if not name.startswith(("average", "images_seen"))}
    # A bias before a normalisation by the batch has no gradient, nor has the contrastive logits'.
    # The only u of a kernel with one output is 1.
    free = ("bias", "learning_rate", "logit.u")
    assert {name for name in same if not any(word in name for word in free)} == set()


def test_reals_and_fakes_meet_the_same_kernels():
    built, _ = build(tiny())
    network = built.discriminator
    batch = steps.networks.Batch(
        tf.random.stateless_normal([4, 32, 32, 3], [0, 1]), tf.constant(LABELS)
    )
    reals, fakes = network.compare(batch, batch, None, judge_reals=True)
    np.testing.assert_array_equal(reals.logits, fakes.logits)


def test_a_label_decides_the_image_and_the_logit():
    built, _ = build(tiny())
    for norm in built.generator.blocks[0].norms:
        norm.gamma.assign(np.random.default_rng(0).standard_normal(norm.gamma.shape))
    z = tf.ones([3, 4])
    images = built.generator(z, tf.constant([0, 1, 1])).numpy()
    assert not np.allclose(images[0], images[1])
    np.testing.assert_allclose(images[1], images[2], atol=1e-6)
    same = tf.constant(images[:1].repeat(2, axis=0))
    one, other = built.discriminator(same, tf.constant([0, 1])).numpy()
    assert one != other


@pytest.mark.parametrize("network", [steps.GENERATOR, steps.DISCRIMINATOR])
def test_two_devices_make_the_step_of_one(network, first_step, assert_same_step):
    step = steps.Step(network, "train")
    one, two = (first_step(tiny(), step, replicas, IMAGES, LABELS) for replicas in (1, 2))
    assert_same_step(one, two)


def test_the_slope_of_a_penalty_reaches_every_kernel():
    config = tiny({"penalties.r1_gamma": 1.0, "penalties.r1_every": 1})
    built, trainer = build(config)
    for block in built.discriminator.blocks:
        if block.attend is not None:
            block.attend.gamma.assign(0.5)
    before = [v.numpy() for v in built.discriminator.trainable_variables]
    step = steps.Step(steps.DISCRIMINATOR, None, every=1)
    trainer.compiled(step)(tf.constant(IMAGES), SEEN, labels=tf.constant(LABELS))
    after = built.discriminator.trainable_variables
    still = [v.path for v, old in zip(after, before) if np.array_equal(v.numpy(), old)]
    assert [path for path in still if "bias" not in path] == []


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"data.resolution": 16}, "data.resolution: got 16, expected one of 32, 64, 128"),
        (
            {"discriminator.attention_resolution": 32},
            "discriminator.attention_resolution: got 32, expected one of 8, 16 or none",
        ),
        ({"training.accumulation": 2}, "accumulation=2 would take the moments .*accumulation=1"),
        ({"generator.architecture": "dcgan"}, "unknown config field generator.architecture in sag"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes, named):
    with pytest.raises(UserError, match=named) as caught:
        tiny(changes)
    assert len(str(caught.value).splitlines()) == 1


def test_the_dry_run_counts_every_variable():
    config = schema.resolve(config_flags.load("sagan_emoji32"), 32, 3, 3)
    config = schema.replace(config, {"generator.width": 4, "discriminator.width": 4})
    for network, rows in (
        (state.make_generator(config), dry_run.generator_rows),
        (state.make_discriminator(config), dry_run.discriminator_rows),
    ):
        table = [*rows(network)]
        expected = sum(v.numpy().size for v in network.trainable_variables)
        assert sum(row.parameters for row in table) == expected
        # Of 16x16 maps, to keys pooled to 8x8.
        assert sum(row.attention_weights for row in table) == 16 * 16 * 8 * 8
