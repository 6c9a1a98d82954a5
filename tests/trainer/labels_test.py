"""Classes in the trainer: who is given which labels, on any number of devices and in parts."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer import draws, dry_run, state, steps
from dualcontrast.trainer.config import schema, serialisation
from dualcontrast.trainer.errors import UserError

IMAGES = np.random.default_rng(0).integers(0, 256, [8, 8, 8, 3]).astype(np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 0, 0, 0])
COUNTS = (6, 1, 1)
SEEN = tf.constant(0, tf.int64)


@pytest.fixture(name="config")
def _config(tiny_config):
    changes = {
        "data.labels": True,
        "loss": "non_saturating",
        "generator.fmap_max": 4,
        "discriminator.fmap_max": 4,
        "discriminator.minibatch_stddev_group": 2,
    }
    return schema.resolve(schema.replace(tiny_config, changes), 8, 3, 3)


@pytest.fixture(name="eagerly", autouse=True)
def _eagerly():
    """Compiling the steps would take several times as long."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_two_parts_on_each_of_two_devices_make_the_step_of_one(
    config, network, first_step, assert_same_step
):
    step = steps.Step(network, "train")
    whole = first_step(config, step, 1, IMAGES, LABELS, COUNTS)
    of_labels = [name for name in whole if name.startswith(f"{network}_opt") and "embed" in name]
    assert any(np.any(whole[name]) for name in of_labels if name.endswith("velocity"))
    parts = schema.replace(config, {"training.accumulation": 2})
    assert_same_step(whole, first_step(parts, step, 2, IMAGES, LABELS, COUNTS))


@pytest.mark.parametrize("fake_labels", ["data", "uniform"])
def test_fakes_have_the_labels_of_the_data_or_uniform_ones(config, fake_labels, strategy_of):
    config = schema.replace(config, {"generator.fake_labels": fake_labels})
    with strategy_of(1).scope():
        built = state.State(config)
    found, judged = [], []
    images, compare = built.generator.images, built.discriminator.compare
    built.generator.images = lambda inputs: found.append(inputs["labels"]) or images(inputs)
    built.discriminator.compare = lambda *given: judged.append(given) or compare(*given)
    trainer = steps.Steps(config, built, strategy_of(1), COUNTS)
    step = steps.Step(steps.DISCRIMINATOR, "train")
    trainer.compiled(step)(tf.constant(IMAGES), SEEN, labels=tf.constant(LABELS))
    counts = COUNTS if fake_labels == "data" else None
    drawn = draws.Draws(0, 0, draws.Purpose.DISCRIMINATOR, 8, class_counts=counts).labels(3)
    np.testing.assert_array_equal(found[0], drawn)
    ((reals, fakes, *_),) = judged
    np.testing.assert_array_equal(reals.labels, LABELS)
    np.testing.assert_array_equal(fakes.labels, drawn)


def test_a_run_without_labels_is_what_it_was(config, tiny_config):
    plain, labelled = state.State(tiny_config), state.State(config)
    added = labelled.named_variables().keys() - plain.named_variables().keys()
    assert added and all("label_mapping" in name or "embedding" in name for name in added)


def test_labels_are_refused_where_the_dataset_has_none(tiny_config):
    asked = schema.replace(tiny_config, {"data.labels": True})
    with pytest.raises(UserError, match="no labels: convert them with labels .*--labels=folders"):
        schema.resolve(asked, 8, 3)


def test_classes_that_the_dataset_does_not_have_are_refused(config):
    with pytest.raises(UserError, match="data.classes=3 contradicts the dataset, which has 4"):
        schema.resolve(config, 8, 3, 4)


def test_the_classes_are_in_the_kept_configuration(config):
    again = serialisation.from_json(serialisation.to_json(config))
    assert again == config and again.images.classes == 3


def test_the_dry_run_counts_every_variable(config):
    built = state.State(config)
    for rows, network in (
        (dry_run.generator_rows(built.generator), built.generator),
        (dry_run.discriminator_rows(built.discriminator), built.discriminator),
    ):
        expected = sum(int(np.prod(v.shape)) for v in network.trainable_variables)
        assert sum(row.parameters for row in rows) == expected
