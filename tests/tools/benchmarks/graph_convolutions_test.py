"""The floors of all systems count the convolutions that their compiled steps hold, one for one."""

import pytest
import tensorflow as tf

from dualcontrast.custom_ops import implementation
from dualcontrast.tools.benchmarks import graph_convolutions, system_speed, training_iteration
from dualcontrast.trainer import state, steps
from dualcontrast.trainer.config import config_flags, schema

# They keep the moments of batches, by a pass of the generator besides in each step.
NORMALISED = {"sngan", "sagan", "biggan", "unetgan"}


@pytest.fixture(name="traced", scope="module", params=sorted(system_speed.PUBLISHED))
def _traced(request):
    changes = {"training.batch_size": 4}
    config = schema.replace(config_flags.load(f"systems:{request.param}"), changes)
    config = schema.resolve(config, 32, 3)
    run = state.State(config)
    expected = graph_convolutions.steps(config, run.generator, run.discriminator)
    trainer = steps.Steps(config, run, tf.distribute.get_strategy())
    arguments = tf.zeros([4, 32, 32, 3], tf.uint8), tf.constant(0, tf.int64)
    found = {}
    with implementation.using("ref"):
        for name in expected:
            step = trainer.compiled(training_iteration.steps_of(config)[name])
            operations = graph_convolutions.needed_operations(
                step.get_concrete_function(*arguments).graph
            )
            found[name] = graph_convolutions.calls(operations, 3)
    if request.param in NORMALISED:
        z = tf.TensorSpec([4, run.generator.latent_size])
        forward = graph_convolutions.forward(graph_convolutions.layers(run.generator, z, 3), 4)
        expected = {name: counted + forward for name, counted in expected.items()}
    return found, expected


def test_a_step_convolves_as_often_as_it_must(traced):
    found, expected = traced
    assert found == expected
