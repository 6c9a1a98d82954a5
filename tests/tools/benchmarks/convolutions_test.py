"""The convolutions that the floor counts are those that the compiled steps hold, one for one."""

import pytest
import tensorflow as tf

from dualcontrast.custom_ops import implementation, library
from dualcontrast.tools.benchmarks import convolutions, training_iteration
from dualcontrast.trainer import state, steps
from dualcontrast.trainer.config import schema

# They read the shape of their input, which is known while tracing, and not its value.
SHAPE_ONLY = {"Shape", "ShapeN", "Size", "Rank", "ZerosLike"}


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


def needed_operations(graph):
    """The operations on which the results or the side effects of a graph depend."""
    found, waiting = set(), [x.op for x in graph.outputs] + list(graph.control_outputs)
    while waiting:
        operation = waiting.pop()
        if operation not in found:
            found.add(operation)
            if operation.type not in SHAPE_ONLY:
                waiting += [x.op for x in operation.inputs] + list(operation.control_inputs)
    return found


def calls(operations, image_channels):
    """Counts the convolutions as the floor does; the low-pass filter's are not the network's."""
    counted = convolutions.Calls()
    for operation in operations:
        tensors = list(operation.inputs) + list(operation.outputs)
        if operation.type in ("Conv2D", "DualContrastConv2D"):
            x, kernel, kind = tensors[0], tensors[1], convolutions.FORWARD
        elif operation.type == "Conv2DBackpropInput":
            x, kernel, kind = tensors[3], tensors[1], convolutions.INPUT_GRADIENT
        elif operation.type == "DualContrastConv2DInput":
            x, kernel, kind = tensors[2], tensors[0], convolutions.INPUT_GRADIENT
        elif operation.type == "Conv2DBackpropFilter":
            x, kernel, kind = tensors[0], tensors[3], convolutions.FILTER_GRADIENT
        elif operation.type == "DualContrastConv2DKernel":
            x, kernel, kind = tensors[0], tensors[2], convolutions.FILTER_GRADIENT
        else:
            continue
        if kernel.shape[2:] == (image_channels, 4 * image_channels):
            continue  # the upsampling of the RGB skips, by phases
        ours = operation.type.startswith("DualContrast")
        stride = operation.get_attr("stride") if ours else operation.get_attr("strides")[1]
        shape = convolutions.Convolution(x.shape[1], *kernel.shape[2:], kernel.shape[0], stride)
        counted[convolutions.Call(shape, kind, x.shape[0])] += 1
    return counted


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
            operations[name] = needed_operations(compiled.get_concrete_function(*arguments).graph)
    return operations, expected


@pytest.mark.parametrize("step", ["G", "path_length", "D", "R1"])
def test_a_step_convolves_exactly_as_often_as_it_must(traced, step):
    operations, expected = traced
    assert calls(operations[step], image_channels=3) == expected[step]


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
        operations[impl] = needed_operations(graph)
    assert any(op.type == "DualContrastBiasAct" for op in operations["cpu"])
    counted = {impl: calls(needed, image_channels=3) for impl, needed in operations.items()}
    assert counted["cpu"] == counted["ref"]
