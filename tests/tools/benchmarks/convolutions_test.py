"""The convolutions that the floor counts are those that the compiled steps hold, one for one."""

import pytest
import tensorflow as tf

from dualcontrast.custom_ops import implementation, library
from dualcontrast.tools.benchmarks import convolutions, graph_convolutions, training_iteration
from dualcontrast.trainer import state, steps
from dualcontrast.trainer.config import schema


def tiny(adversarial):
    changes = {
        "generator.latent_size": 8,
        "generator.w_size": 8,
        "generator.fmap_base": 64,
        "generator.fmap_max": 16,
        "discriminator.fmap_base": 64,
        "discriminator.fmap_max": 16,
        "loss": adversarial,
        "training.batch_size": 8,
    }
    if adversarial == "dual_contrastive":
        changes["loss.warmup_images"] = 0
    return schema.resolve(schema.replace(schema.Config(), changes), 16, 3)


@pytest.fixture(name="traced", scope="module", params=["non_saturating", "dual_contrastive"])
def _traced(request):
    config = tiny(request.param)
    trainer = steps.Steps(config, state.State(config), tf.distribute.get_strategy())
    expected = convolutions.steps(config, request.param == "dual_contrastive")
    arguments = tf.zeros([8, 16, 16, 3], tf.uint8), tf.constant(0, tf.int64)
    operations = {}
    with implementation.using("ref"):
        for name, step in training_iteration.steps_of(config).items():
            compiled = trainer.compiled(step)
            operations[name] = graph_convolutions.needed_operations(
                compiled.get_concrete_function(*arguments).graph
            )
    return operations, expected


@pytest.mark.parametrize("step", ["G", "path_length", "D", "R1"])
def test_a_step_convolves_exactly_as_often_as_it_must(traced, step):
    operations, expected = traced
    assert graph_convolutions.calls(operations[step], image_channels=3) == expected[step]


@pytest.mark.parametrize("step", ["G", "path_length", "D", "R1"])
def test_no_step_takes_tensorflows_gradient_of_the_filter(traced, step):
    types = {operation.type for operation in traced[0][step]}
    assert "DepthwiseConv2dNative" in types
    assert "DepthwiseConv2dNativeBackpropInput" not in types


def test_every_pass_of_a_convolution_has_as_many_multiplications():
    down = convolutions.Convolution(side=9, channels=2, filters=3, taps=3, stride=2)
    assert down.out_side == 4
    assert down.multiplications == 4 * 4 * 9 * 2 * 3
    assert convolutions.Convolution(8, 2, 3, 3).multiplications == 8 * 8 * 9 * 2 * 3


def test_a_transposed_convolution_swaps_the_forward_pass_and_the_input_gradient():
    shape = convolutions.Convolution(9, 2, 3, 3, stride=2)
    counted = convolutions.Layer(shape, transposed=True).calls(5, 1, 2, 3)
    assert counted == {
        convolutions.Call(shape, convolutions.INPUT_GRADIENT, 5): 1,
        convolutions.Call(shape, convolutions.FORWARD, 5): 2,
        convolutions.Call(shape, convolutions.FILTER_GRADIENT, 5): 3,
    }


def test_the_compiled_operations_need_no_other_convolution():
    if library.load() is None:
        pytest.skip(library.unavailable_because())
    config = tiny("non_saturating")
    arguments = tf.zeros([8, 16, 16, 3], tf.uint8), tf.constant(0, tf.int64)
    operations = {}
    for impl in ("cpu", "ref"):
        trainer = steps.Steps(config, state.State(config), tf.distribute.get_strategy())
        with implementation.using(impl):
            step = trainer.compiled(training_iteration.steps_of(config)["path_length"])
            graph = step.get_concrete_function(*arguments).graph
        operations[impl] = graph_convolutions.needed_operations(graph)
    assert any(op.type == "DualContrastBiasAct" for op in operations["cpu"])
    counted = {
        impl: graph_convolutions.calls(needed, image_channels=3)
        for impl, needed in operations.items()
    }
    assert counted["cpu"] == counted["ref"]
