"""What a run would be, before it starts: its configuration, its layers, its memory and its disk."""

import contextlib
import functools
import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import keras
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.layers.stylegan import generator as stylegan_generators
from dualcontrast.layers.stylegan2 import discriminator as discriminators
from dualcontrast.layers.stylegan2 import generator as generators
from dualcontrast.layers.stylegan2 import mapping_network, modulated_attention
from dualcontrast.layers.unet import stylegan2_discriminator as unet_discriminators
from dualcontrast.trainer import grids as picture_grids
from dualcontrast.trainer import state
from dualcontrast.trainer.config import schema, serialisation
from dualcontrast.trainer.replaced_call import replaced_call

# Fitted to the peak resident memory of one process on a CPU, to 3 %: config E's widths at 64x64 and
# 128x128 with batch 8, and narrow networks at 32x32 with batch 16.
_RUNTIME = 0.8e9  # Python, TensorFlow, and the four compiled steps.
_WEIGHT_COPIES = 4  # Of one network: its gradients, its scaled kernels, their derivatives.
_VALUE_COPIES = 6.6  # Of what the discriminator's layers put out, in R1: derivatives to the second.
# Of the references' values and of the weights of D's attention; of the weights of G's, in path
# length steps: fitted to config E at 64x64 with attention at 8x8 and 32x32 in D, at 32x32 in G.
_REFERENCE_COPIES, _GENERATOR_WEIGHT_COPIES = 3.6, 2.2
_WORK = "multiply-adds an image"
# Bytes of a PNG for every byte of pixels: photographs. Drawings are smaller.
_PNG = 0.6


class Row(NamedTuple):
    """A layer: its name, its output for one image, its trained parameters, its multiply-adds.

    Only convolutions and matrix products are counted: filters are 1 % and pointwise work is less.
    Attention also has weights, as many for one image as the last number says.
    """

    name: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    attention_weights: int = 0


class Memory(NamedTuple):
    """Estimated bytes at the peak of training, on each device; `runtime` is the process's own."""

    weights: float
    activations: float
    runtime: float


class Disk(NamedTuple):
    """Estimated bytes that a whole run leaves: checkpoints, grids, and one export."""

    checkpoints: float
    grids: float
    export: float


def describe(config: schema.Config, replicas: int) -> str:
    """Returns the text of `--dry_run`.

    Args:
      config: resolved.
      replicas: devices that share the batch.
    """
    generator, discriminator = state.make_generator(config), state.make_discriminator(config)
    parts = [
        serialisation.as_yaml(config),
        layer_table(generator, discriminator),
        _describe_memory(memory_estimate(config, generator, discriminator, replicas), replicas),
        _describe_disk(disk_estimate(config, generator, discriminator)),
    ]
    return "\n".join(parts)


def layer_table(generator: networks.Generator, discriminator: networks.Discriminator) -> str:
    """Returns the layers of both networks as a table, with totals."""
    tables = {
        "generator": list(generator_rows(generator)),
        "discriminator": list(discriminator_rows(discriminator)),
    }
    width = max(len(row.name) for rows in tables.values() for row in rows)
    lines = []
    for title, rows in tables.items():
        head = f"{title:{width}}  {'output':>15}  {'parameters':>11}  {_WORK:>22}"
        totals = sum(row.parameters for row in rows), sum(row.multiply_adds for row in rows)
        lines += [head, *(_line(row, width) for row in [*rows, Row("total", (), *totals)]), ""]
    return "\n".join(lines)


def _line(row: Row, width: int) -> str:
    shape = " x ".join(str(side) for side in row.shape)
    work = f"{row.multiply_adds / 1e6:,.1f} M"
    return f"{row.name:{width}}  {shape:>15}  {row.parameters:>11,}  {work:>{len(_WORK)}}"


@functools.singledispatch
def generator_rows(generator: networks.Generator) -> Iterator[Row]:
    """Yields the layers in the order in which they run."""
    return _rows_of_a_pass(generator, (1, generator.latent_size), generator.classes)


@functools.singledispatch
def discriminator_rows(discriminator: networks.Discriminator) -> Iterator[Row]:
    """Yields the layers in the order in which they run."""
    side = discriminator.resolution
    shape = (1, side, side, discriminator.channels)
    yield from _rows_of_a_pass(discriminator, shape, discriminator.classes)
    yield from _head_rows(discriminator.projections)


def _rows_of_a_pass(network: keras.Model, shape: tuple[int, ...], classes: int) -> Iterator[Row]:
    """Yields attention, and the layers without layers inside, as a pass meets them."""
    heard = []

    def listen(layer):
        original = layer.call

        def call(x, *others, **how):
            out = original(x, *others, **how)
            heard.append((layer, x.shape, out.shape))
            return out

        return replaced_call(layer, call)

    with contextlib.ExitStack() as stack:
        for layer in _units(network):
            stack.enter_context(listen(layer))
        how = {"labels": tf.zeros([1], tf.int64)} if classes else {}
        network(tf.zeros(shape), **how)
    for layer, before, after in heard:
        name = _name(layer)
        # A transposed convolution meets its kernel once for every pixel of its input.
        met = min(before, after, key=lambda shape: math.prod(shape[1:-1]))
        if _attends(layer):
            side = after[1:3]
            work, weights = layer.multiply_adds(*side), layer.count_weights(*side)
            yield Row(name, tuple(after[1:]), _trained(layer), work, weights)
            continue
        kernel = [v for v in layer.trainable_variables if v.name == "kernel"]
        yield Row(name, tuple(after[1:]), _trained(layer), _size(kernel) * math.prod(met[1:-1]))


def _units(layer: keras.Layer) -> Iterator[keras.Layer]:
    """Yields the layers that a table names, of those in a layer."""
    inner = list(layer._flatten_layers(include_self=False, recursive=False))
    if not inner or _attends(layer):
        yield layer
        return
    for part in inner:
        yield from _units(part)


def _name(layer: keras.Layer) -> str:
    """Returns the layer's name in its network, without that of what normalises it."""
    return layer.path.split("/", 1)[1].removesuffix("/layer")


def _attends(layer: keras.Layer) -> bool:
    return hasattr(layer, "count_weights")


@generator_rows.register
def _stylegan2_generator_rows(generator: generators.Generator) -> Iterator[Row]:
    yield from _mapping_rows(generator.mapping)
    synthesis = generator.synthesis
    shape = tuple(synthesis.constant.shape)
    yield Row("constant", shape[1:], math.prod(shape), 0)
    w_shape = (1, generator.mapping.w_size)
    for index, layer in enumerate(synthesis.layers):
        # A transposed convolution meets its kernel once for every pixel of its input.
        yield _modulated_row(layer, shape, w_shape)
        shape = layer.compute_output_shape(shape, w_shape)
        if index % 2 == 0:  # the last layer of its resolution
            yield _modulated_row(synthesis.to_rgb[index // 2], shape, w_shape)


@generator_rows.register
def _stylegan_generator_rows(generator: stylegan_generators.Generator) -> Iterator[Row]:
    yield from _mapping_rows(generator.mapping)
    synthesis = generator.synthesis
    shape = tuple(synthesis.constant.shape)
    yield Row("constant", shape[1:], math.prod(shape), 0)
    missing = len(synthesis.resolutions) - len(synthesis.to_rgb)
    outputs = [None] * missing + synthesis.to_rgb
    for index, layer in enumerate(synthesis.layers):
        work = math.prod(layer.adain.style.kernel.shape)
        if layer.source != "input":
            work += math.prod(layer.convolution.kernel.shape) * math.prod(shape[1:3])
        shape = layer.compute_output_shape(shape, None)
        yield Row(layer.name, shape[1:], _trained(layer), work)
        image = outputs[index // 2]
        if index % 2 and image is not None:  # the last layer of its resolution
            yield _convolution_row(image.name, image, shape)


@discriminator_rows.register
def _stylegan2_discriminator_rows(discriminator: discriminators.Discriminator) -> Iterator[Row]:
    shape = (1, discriminator.resolution, discriminator.resolution, discriminator.channels)
    yield _convolution_row("from_rgb", discriminator.from_rgb, shape)
    shape = discriminator.from_rgb.compute_output_shape(shape)
    for block in discriminator.blocks:
        if block.attention is None:
            yield _convolution_row(f"{block.name}/{block.same.name}", block.same, shape)
        else:
            parameters = _trained(block.same) + _size([block.bias])
            work, weights = block.same.multiply_adds(*shape[1:3]), block.same.count_weights(
                *shape[1:3]
            )
            yield Row(f"{block.name}/{block.same.name}", shape[1:], parameters, work, weights)
        for layer in (block.down, block.skip):
            yield _convolution_row(f"{block.name}/{layer.name}", layer, shape)
        shape = block.compute_output_shape(shape)
    shape = discriminator.minibatch_stddev.compute_output_shape(shape)
    yield Row(discriminator.minibatch_stddev.name, shape[1:], 0, 0)
    yield _convolution_row(discriminator.last_conv.name, discriminator.last_conv, shape)
    if discriminator.last_dense is None:
        yield from _head_rows([discriminator.logit, *discriminator.projections])
        return
    yield _dense_row(discriminator.last_dense.name, discriminator.last_dense)
    yield _dense_row(discriminator.logit.name, discriminator.logit)
    if discriminator.classes:
        yield from _mapping_rows(discriminator.label_mapping)


@discriminator_rows.register
def _unet_discriminator_rows(
    discriminator: unet_discriminators.StyleGAN2Discriminator,
) -> Iterator[Row]:
    yield from _stylegan2_discriminator_rows(discriminator)
    shape: tuple[int, ...] = (1, 4, 4, discriminator.last_conv.filters)
    for block in discriminator.decoder:
        shape = block.compute_output_shape(shape, None)
        for layer in (*block.convs, block.skip):
            yield _convolution_row(f"{block.name}/{layer.name}", layer, shape)
    yield _convolution_row(discriminator.pixel_logit.name, discriminator.pixel_logit, shape)
    if discriminator.classes:
        yield from _mapping_rows(discriminator.pixel_label_mapping)


def _head_rows(heads: list[keras.Layer]) -> Iterator[Row]:
    """Yields the dense layers of heads, of which those besides the logit's no pass meets."""
    for head in heads:
        for layer in _units(head):
            yield _dense_row(_name(layer), layer)


def _mapping_rows(mapping: mapping_network.MappingNetwork) -> Iterator[Row]:
    layers = [mapping.embedding] if mapping.classes else []
    for dense in [*layers, *mapping.dense]:
        yield _dense_row(f"{mapping.name}/{dense.name}", dense)


def _dense_row(name: str, layer) -> Row:
    return Row(name, (layer.units,), _trained(layer), math.prod(layer.kernel.shape))


def _convolution_row(name: str, layer, shape: tuple[int, ...]) -> Row:
    shape = layer.compute_output_shape(shape)
    work = math.prod(layer.kernel.shape) * math.prod(shape[1:3])
    return Row(name, shape[1:], _trained(layer), work)


def _modulated_row(layer, shape: tuple[int, ...], w_shape: tuple[int, ...]) -> Row:
    convolution, out = layer.convolution, layer.compute_output_shape(shape, w_shape)
    if isinstance(convolution, modulated_attention.ModulatedAttention):
        work = convolution.attend.multiply_adds(*out[1:3])
        work += math.prod(convolution.style.kernel.shape)
        weights = convolution.attend.count_weights(*out[1:3])
        return Row(layer.name, out[1:], _trained(layer), work, weights)
    work = math.prod(convolution.kernel.shape) * math.prod(shape[1:3])
    work += math.prod(convolution.style.kernel.shape)
    return Row(layer.name, out[1:], _trained(layer), work)


def _trained(layer) -> int:
    return _size(layer.trainable_variables)


def _size(variables) -> int:
    """Returns how many numbers there are in `variables`."""
    return sum(math.prod(variable.shape) for variable in variables)


def memory_estimate(
    config: schema.Config,
    generator: networks.Generator,
    discriminator: networks.Discriminator,
    replicas: int,
) -> Memory:
    """Returns the estimated peak of training, within a third of what was measured on a CPU.

    It was fitted to StyleGAN2 with R1; nothing else was measured.

    Args:
      config: resolved.
      generator, discriminator: the networks that it describes.
      replicas: devices that share the batch.
    """
    trained = [_size(network.trainable_variables) for network in (generator, discriminator)]
    values = _values_of_an_image(config, generator, discriminator)
    images = config.training.batch_size / replicas / config.training.accumulation
    width = 4 if config.training.precision == "float32" else 2
    return Memory(
        weights=state_bytes(generator, discriminator) + _WEIGHT_COPIES * 4 * max(trained),
        activations=width * images * values,
        runtime=_RUNTIME,
    )


def _values_of_an_image(config: schema.Config, generator, discriminator) -> float:
    """Returns how many values there are at once for every image, estimated."""
    rows = list(discriminator_rows(discriminator))
    references = sum(row.attention_weights for row in rows)
    if config.discriminator.reads_references:
        encoder = itertools.takewhile(lambda row: not row.attention_weights, rows)
        references += sum(math.prod(row.shape) for row in encoder)
    of_generator = sum(row.attention_weights for row in generator_rows(generator))
    values = sum(math.prod(row.shape) for row in rows)
    return (
        _VALUE_COPIES * values
        + _REFERENCE_COPIES * references
        + _GENERATOR_WEIGHT_COPIES * of_generator
    )


def disk_estimate(
    config: schema.Config,
    generator: networks.Generator,
    discriminator: networks.Discriminator,
) -> Disk:
    """Returns what a whole run leaves on disk; the networks are those that `config` describes."""
    training, data = config.training, config.data
    # The oldest checkpoint is deleted after the newest is complete.
    checkpoints = min(
        training.keep_checkpoints + 1,
        -(-training.total_images // training.checkpoint_every_images),
    )
    if config.evaluation.every_images:
        checkpoints += 2  # the best one, and the one that takes its place
    grids = -(-training.total_images // training.grid_every_images) + 2  # the first, and the reals
    pixels = picture_grids.ROWS * picture_grids.COLUMNS * data.resolution**2 * data.channels
    return Disk(
        checkpoints=checkpoints * state_bytes(generator, discriminator),
        grids=grids * pixels * _PNG * 2,  # as a file, and in TensorBoard's
        export=2 * 4 * _size(generator.variables),  # SavedModel and Keras weights
    )


def state_bytes(generator, discriminator) -> int:
    """Returns the bytes of `state.State`: two generators, one discriminator, Adam's two slots."""
    numbers = 2 * _size(generator.variables) + _size(discriminator.variables)
    slots = 2 * _size(generator.trainable_variables + discriminator.trainable_variables)
    return 4 * (numbers + slots)


def _describe_memory(memory: Memory, replicas: int) -> str:
    devices = "" if replicas == 1 else f" on each of {replicas} devices"
    return (
        f"memory, estimated within a third: {_giga(memory.weights + memory.activations)}{devices}"
        f" ({_giga(memory.weights)} weights, averages, gradients and Adam's state,"
        f" {_giga(memory.activations)} activations), and {_giga(memory.runtime)} for TensorFlow"
    )


def _describe_disk(disk: Disk) -> str:
    return (
        f"disk, estimated: {_giga(sum(disk))} ({_giga(disk.checkpoints)} checkpoints,"
        f" {_giga(disk.grids)} grids, {_giga(disk.export)} an export)"
    )


def _giga(count: float) -> str:
    return f"{count / 1e9:.2f} GB"
