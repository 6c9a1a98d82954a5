"""The floors of all systems count the convolutions that their compiled steps hold, one for one."""

import pytest
import tensorflow as tf

from dualcontrast.custom_ops import implementation
from dualcontrast.tools.benchmarks import graph_convolutions, system_speed, training_iteration
from dualcontrast.tools.benchmarks.convolutions import FORWARD, Call, Calls, Convolution
from dualcontrast.trainer import state, steps
from dualcontrast.trainer.config import config_flags, schema

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
    again = Calls()
    if request.param in NORMALISED:
        z = tf.TensorSpec([4, run.generator.latent_size])
        layers = graph_convolutions.layers(run.generator, z, 3)
        # A pass that keeps the moments of the batch; the images themselves are not asked for.
        again = graph_convolutions.forward(layers, 4)
        again = Calls({call: n for call, n in again.items() if call.convolution.filters != 3})
    expected = {name: counted + again for name, counted in expected.items()}
    if request.param == "r3gan":
        # Its penalties, of reals and of fakes in every step, judge the images again; of the last
        # layer's output, which is linear, no slope depends.
        images, last = tf.TensorSpec([4, 32, 32, 3]), Convolution(4, 64, 32, 1)
        layers = graph_convolutions.layers(run.discriminator, images, 3)
        expected["D"] += graph_convolutions.forward(layers * 2, 4)
        expected["D"] -= Calls({Call(last, FORWARD, 4): 2})
    return found, expected


def test_a_step_convolves_as_often_as_it_must(traced):
    found, expected = traced
    assert found == expected


@pytest.mark.parametrize("side, fraction, code", [(64, 0.79, 1), (64, 0.81, 0), (32, 0.2, 0)])
def test_networks_as_wide_as_published_have_a_target(capsys, side, fraction, code):
    assert system_speed.report("sngan", fraction, 3.21, 1.5, side) == code
    said = capsys.readouterr().out
    assert said.startswith(
        f"sngan: 3.21 images/s in training, 1.50 GB, {fraction:.2f} of the floor"
    )
    assert ("MISSED" in said) == bool(code) and ("target" in said) == (side == 64)
