"""The convolutions of steps of any system, from those of its networks' forward passes.

A forward pass is read off its traced graph; what a step needs of each convolution follows from what
it differentiates, so that a step which convolves more than it must falls short of its floor.
"""

from collections.abc import Callable, Iterable

import tensorflow as tf

from dualcontrast.custom_ops import conv2d_forms
from dualcontrast.layers import networks
from dualcontrast.tools.benchmarks import convolutions
from dualcontrast.tools.benchmarks.convolutions import Call, Calls, Convolution, Layer
from dualcontrast.trainer import objective
from dualcontrast.trainer.config import schema

# Types of operations, and where among their inputs and outputs the image and the kernel are.
_PLACES = {
    "Conv2D": (0, 1, convolutions.FORWARD),
    "DualContrastConv2D": (0, 1, convolutions.FORWARD),
    "Conv2DBackpropInput": (3, 1, convolutions.INPUT_GRADIENT),
    "DualContrastConv2DInput": (2, 0, convolutions.INPUT_GRADIENT),
    "Conv2DBackpropFilter": (0, 3, convolutions.FILTER_GRADIENT),
    "DualContrastConv2DKernel": (0, 2, convolutions.FILTER_GRADIENT),
}
# They read the shape of their input, which is known while tracing, and not its value.
_SHAPE_ONLY = {"Shape", "ShapeN", "Size", "Rank", "ZerosLike"}


def needed_operations(graph) -> set[tf.Operation]:
    """Returns the operations on which the results or the side effects of a graph depend."""
    found: set[tf.Operation] = set()
    waiting = [x.op for x in graph.outputs] + list(graph.control_outputs)
    while waiting:
        operation = waiting.pop()
        if operation not in found:
            found.add(operation)
            if operation.type not in _SHAPE_ONLY:
                waiting += [x.op for x in operation.inputs] + list(operation.control_inputs)
    return found


def calls(operations: Iterable[tf.Operation], image_channels: int) -> Calls:
    """Counts the convolutions of a graph; those of the low-pass filter are not the networks'."""
    counted = Calls()
    for operation in operations:
        if operation.type not in _PLACES:
            continue
        image, weights, kind = _PLACES[operation.type]
        tensors = list(operation.inputs) + list(operation.outputs)
        x, kernel = tensors[image], tensors[weights]
        if kernel.shape[2:] == (image_channels, 4 * image_channels):
            continue  # the upsampling of the RGB skips, by phases
        ours = operation.type.startswith("DualContrast")
        stride = operation.get_attr("stride") if ours else operation.get_attr("strides")[1]
        taps, _, channels, filters = kernel.shape
        shape = Convolution(x.shape[1], channels, filters, taps, stride)
        counted[Call(shape, kind, x.shape[0])] += 1
    return counted


def steps(
    config: schema.Config, generator: networks.Generator, discriminator: networks.Discriminator
) -> dict[str, Calls]:
    """Returns the calls of the steps D and G, and of R1 where it is a step of its own.

    The adversarial loss is that of the start of training. What batch normalisation does beside it,
    a pass of the generator to keep its moments, is not counted.

    Args:
      config: resolved, without classes.
      generator, discriminator: of this configuration.
    """
    batch, penalties = config.training.batch_size, config.penalties
    data, z = config.data, tf.TensorSpec([batch, generator.latent_size])
    images = tf.TensorSpec([batch, data.resolution, data.resolution, data.channels])
    g = layers(generator, z, data.channels)
    d = layers(lambda x: discriminator.outputs(networks.Batch(x)), images, data.channels)
    make, judge = forward(g, batch), forward(d, batch)
    phase = objective.phase_at(config.loss, 0)
    again = judge if objective.of_phase(config.loss, phase).generator_sees_reals else Calls()
    of_reals, of_fakes = (
        (
            _penalised(d, batch, data.channels)
            if gamma and every is None
            else _judged(d, batch, data.channels)
        )
        for gamma, every in (
            (penalties.r1_gamma, penalties.r1_every),
            (penalties.r2_gamma, penalties.r2_every),
        )
    )
    found = {
        "G": make + _passes(g, batch, 0, 1, 1) + _passes(d, batch, 1, 1, 0) + again,
        "D": make + of_reals + of_fakes,
    }
    if penalties.r1_gamma and penalties.r1_every:
        found["R1"] = _lazy_penalty(d, batch, data.channels)
    return found


def layers(network: Callable, inputs: tf.TensorSpec, image_channels: int) -> list[Layer]:
    """Returns the convolutions of a forward pass, one for each time that it runs."""
    with conv2d_forms.all_tensorflow_s():
        graph = tf.function(network, autograph=False).get_concrete_function(inputs).graph
    return [
        Layer(call.convolution, transposed=call.kind is convolutions.INPUT_GRADIENT)
        for call in calls(needed_operations(graph), image_channels).elements()
    ]


def forward(layers: list[Layer], batch: int) -> Calls:
    """Returns the calls of a forward pass over `batch` images."""
    return _passes(layers, batch, 1, 0, 0)


def _passes(layers: list[Layer], batch: int, forward: int, inputs: int, kernels: int) -> Calls:
    return sum((layer.calls(batch, forward, inputs, kernels) for layer in layers), Calls())


def _judged(layers: list[Layer], batch: int, image_channels: int) -> Calls:
    """Returns the calls of the gradient by the weights of a loss of logits."""
    first, later = _split(layers, image_channels)
    # None by the images.
    return _passes(first, batch, 1, 0, 1) + _passes(later, batch, 1, 1, 1)


def _penalised(layers: list[Layer], batch: int, image_channels: int) -> Calls:
    """Returns those of a loss that has a penalty on the gradient by the images besides.

    That gradient comes before, and is derived by the weights and by the gradients that it is made
    of.
    """
    first, later = _split(layers, image_channels)
    return _passes(first, batch, 2, 1, 2) + _passes(later, batch, 2, 2, 2)


def _lazy_penalty(layers: list[Layer], batch: int, image_channels: int) -> Calls:
    """Returns those of the penalty alone.

    All but the minibatch standard deviation is piecewise linear, so that what comes behind it, and
    has its channel more, has no share through the activations themselves.
    """
    _, later = _split(layers, image_channels)
    behind = [layer for layer in later if layer.convolution.channels % 2]
    before = [layer for layer in layers if layer not in behind]
    return _penalised(before, batch, image_channels) + _passes(behind, batch, 2, 1, 1)


def _split(layers: list[Layer], image_channels: int) -> tuple[list[Layer], list[Layer]]:
    """Returns the layers that read images, and the others."""
    first = [layer for layer in layers if layer.convolution.channels == image_channels]
    return first, [layer for layer in layers if layer not in first]
