"""R3GAN in the trainer: its pairs on all devices and in parts, its penalties, its classes."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers.networks import Batch
from dualcontrast.trainer import draws, dry_run, state, steps
from dualcontrast.trainer.config import config_flags, schema
from dualcontrast.trainer.errors import UserError

TINY = {
    f"{network}.{name}": value
    for network in ("generator", "discriminator")
    for name, value in {"fmap_base": 16, "fmap_max": 4, "blocks": 1, "group_width": 4}.items()
} | {
    "generator.latent_size": 4,
    "data.resolution": None,
    "training.batch_size": 8,
    "augmentation": "none",
    "schedule.burn_in.augmentation": 1.0,
}
IMAGES = np.random.default_rng(0).integers(0, 256, [8, 8, 8, 3]).astype(np.uint8)
LABELS = np.array([2, 0, 1, 2, 2, 1, 0, 0])
SEEN = tf.constant(0, tf.int64)


def tiny(changes=None, classes=3):
    config = schema.replace(config_flags.load("r3gan:32"), TINY | {"data.labels": bool(classes)})
    return schema.resolve(schema.replace(config, changes or {}), 8, 3, classes)


@pytest.fixture(autouse=True)
def _eagerly(eagerly):
    """Compiling the steps would take several times as long."""


def build(config):
    built = state.State(config)
    for network in (built.generator, built.discriminator):
        for layer in network.trunk:
            for conv in getattr(layer, "convs", []):  # or blocks would be the identity
                conv.kernel.assign(tf.random.stateless_normal(conv.kernel.shape, [0, 1]) / 2)
    return built, steps.Steps(config, built, tf.distribute.get_strategy())


@pytest.mark.parametrize("classes", [0, 3])
def test_an_iteration_trains_every_variable(classes):
    built, trainer = build(tiny(classes=classes))
    before = {name: value.numpy() for name, value in built.named_variables().items()}
    labels = tf.constant(LABELS) if classes else None
    metrics = trainer.iterate([steps.Shown(tf.constant(IMAGES), None, labels)], 0)
    assert set(metrics) == {"loss/G", "loss/D", "logits/real", "logits/fake", "r1", "r2"}
    assert np.isfinite([float(value) for value in metrics.values()]).all()
    after = built.named_variables()
    same = {name for name, old in before.items() if np.array_equal(old, after[name].numpy())}
    assert {name for name in same if name.startswith(("generator/", "discriminator/"))} == set()


@pytest.mark.parametrize("network", [steps.GENERATOR, steps.DISCRIMINATOR])
def test_two_parts_on_each_of_two_devices_make_the_step_of_one(
    network, first_step, assert_same_step
):
    step = steps.Step(network, "train")
    whole = first_step(tiny(), step, 1, IMAGES, LABELS)
    parts = tiny({"training.accumulation": 2})
    assert_same_step(whole, first_step(parts, step, 2, IMAGES, LABELS))


def heard(config):
    """What D is shown in its step: reals, and the fakes that they are paired with."""
    built, trainer = build(config)
    judged, compare = [], built.discriminator.compare
    built.discriminator.compare = lambda *given: judged.append(given) or compare(*given)
    step = steps.Step(steps.DISCRIMINATOR, "train")
    trainer.compiled(step)(tf.constant(IMAGES), SEEN, labels=tf.constant(LABELS))
    return judged


def test_a_fake_has_the_class_of_its_real():
    ((reals, fakes, *_),) = heard(tiny())
    np.testing.assert_array_equal(reals.labels, LABELS)
    np.testing.assert_array_equal(fakes.labels, LABELS)


def test_in_parts_too():
    labels = [fakes.labels for _, fakes, *_ in heard(tiny({"training.accumulation": 2}))]
    np.testing.assert_array_equal(labels, [LABELS[::2], LABELS[1::2]])


def test_a_fake_may_have_a_class_of_its_own():
    ((_, fakes, *_),) = heard(tiny({"generator.fake_labels": "uniform"}))
    drawn = draws.Draws(0, 0, draws.Purpose.DISCRIMINATOR, 8).labels(3)
    np.testing.assert_array_equal(fakes.labels, drawn)
    assert not np.array_equal(drawn, LABELS)


def test_the_discriminators_loss_has_the_published_terms():
    config = tiny({"schedule.burn_in.penalties": 1.0, "penalties.r1_gamma": 0.5})
    config = schema.replace(config, {"penalties.r2_gamma": 0.25})
    built, trainer = build(config)
    labels = tf.constant(LABELS)
    z = draws.Draws(0, 0, draws.Purpose.DISCRIMINATOR, 8).latents(4)
    reals = tf.constant(IMAGES, tf.float32) / 127.5 - 1
    fakes = built.generator(z, labels)
    logits, slopes = [], []
    for images in (reals, fakes):
        with tf.GradientTape() as tape:
            tape.watch(images)
            found = built.discriminator(images, labels)
        logits.append(found.numpy())
        slopes.append(np.mean(np.sum(tape.gradient(found, images) ** 2, axis=(1, 2, 3))))
    expected = np.mean(np.log1p(np.exp(logits[1] - logits[0])))
    expected += 0.25 * slopes[0] + 0.125 * slopes[1]
    step = steps.Step(steps.DISCRIMINATOR, "train")
    metrics = trainer.compiled(step)(tf.constant(IMAGES), SEEN, labels=labels)
    np.testing.assert_allclose(metrics["loss/D"], expected, rtol=1e-5)
    np.testing.assert_allclose([metrics["r1"], metrics["r2"]], slopes, rtol=1e-5)


def test_the_slope_of_r1_is_that_of_differences():
    built, _ = build(tiny())
    network = built.discriminator.from_config(
        built.discriminator.get_config() | {"dtype": "float64"}
    )
    network.build()
    for variable, value in zip(network.variables, built.discriminator.variables):
        variable.assign(value.numpy().astype(np.float64))
    images = tf.constant(IMAGES[:2] / 127.5 - 1)
    labels = tf.constant(LABELS[:2])

    def r1():
        with tf.GradientTape() as tape:
            tape.watch(images)
            logits = network.outputs(Batch(images, labels)).logits
        return tf.reduce_sum(tape.gradient(logits, images) ** 2)

    variables = network.trainable_variables
    with tf.GradientTape() as tape:
        value = r1()
    gradients = tape.gradient(value, [v.value for v in variables], unconnected_gradients="zero")
    draw = np.random.default_rng(1)
    ways = [draw.standard_normal(v.shape) for v in variables]
    slope = sum(np.sum(g * way) for g, way in zip(gradients, ways))
    ends, values = [], [v.numpy() for v in variables]
    for step in (1e-6, -1e-6):
        for variable, old, way in zip(variables, values, ways):
            variable.assign(old + step * way)
        ends.append(float(r1()))
    np.testing.assert_allclose(slope, (ends[0] - ends[1]) / 2e-6, rtol=1e-5)


@pytest.mark.parametrize("precision", ["mixed_bfloat16"])
def test_low_precision_trains(precision):
    _, trainer = build(tiny({"training.precision": precision}))
    metrics = trainer.iterate([steps.Shown(tf.constant(IMAGES), None, tf.constant(LABELS))], 0)
    assert np.isfinite([float(value) for value in metrics.values()]).all()


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"generator.group_width": 3}, "group_width=3 does not divide the 8 .*group_width=1$"),
        ({"discriminator.fmap_base": 2}, "discriminator.fmap_base: 2 leaves no feature map"),
        ({"schedule.generator_batch_size": 16}, "loss=relativistic needs a real for every fake"),
        (
            {"loss": "hinge", "schedule.generator_batch_size": 16},
            "generator.fake_labels=reals needs a real for every fake",
        ),
        ({"generator.width": 4}, "unknown config field generator.width in r3gan"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes, named):
    with pytest.raises(UserError, match=named) as caught:
        tiny(changes)
    assert len(str(caught.value).splitlines()) == 1


def test_sides_that_are_no_powers_of_two_are_refused():
    with pytest.raises(UserError, match="data.resolution: got 24, expected a power of two"):
        schema.resolve(schema.replace(config_flags.load("r3gan:32"), TINY), 24, 3, 3)


def test_the_dry_run_counts_every_variable():
    config = tiny()
    for network, rows in (
        (state.make_generator(config), dry_run.generator_rows),
        (state.make_discriminator(config), dry_run.discriminator_rows),
    ):
        table = [*rows(network)]
        expected = sum(int(np.prod(v.shape)) for v in network.trainable_variables)
        assert sum(row.parameters for row in table) == expected
