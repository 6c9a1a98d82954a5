"""Predicts how long config E would train on GPUs, from its convolutions and passes over memory.

  python -m dualcontrast.tools.benchmarks.iteration_model

A prediction that nobody has measured. Every kernel takes

    max(operations / (share of the rate), bytes / (share of the bandwidth))

seconds, one after the other, with the makers' figures for the GPUs; `text` says what would have to
be true for that. `kernel_model` predicts the project's own kernels one by one.
"""

import collections
import dataclasses
import enum
from collections.abc import Iterator

from dualcontrast.tools.benchmarks import convolutions, kernel_model
from dualcontrast.tools.benchmarks.convolutions import Call, Discriminator, Generator
from dualcontrast.trainer import errors
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.families import stylegan2

RESOLUTION = 256
SHARE_OF_RATE = 0.5  # that convolutions reach
SHARE_OF_BANDWIDTH = 0.8  # that passes over memory reach
# Over the weights of a network, with Keras's Adam as it runs, an operation after the other.
PASSES_OF_ADAM, PASSES_OF_AVERAGE = 30, 10


class Way(enum.Enum):
    """How the operations between convolutions run."""

    OP_BY_OP = "op by op"  # TensorFlow's, `ref`
    COMPILED = "compiled operations"  # the project's own: `cuda`
    JOINED = "all joined"  # what lies between two convolutions is a kernel, as XLA means to


@dataclasses.dataclass(frozen=True)
class Passes:
    """How often a way reads or writes a map that a layer has made, forward and backward.

    Attributes:
      noisy, plain: bias and activation, with noise (G) and without (D).
      scale: a map times a number a channel, and the derivatives of both.
      branches: the sum of a block's two branches, forward over its output.
      parted, merged: the derivative of that sum, over the block's output and over its input.
    """

    noisy: tuple[int, int]
    plain: tuple[int, int]
    scale: tuple[int, int]
    branches: int
    parted: int
    merged: int


# Op by op each addition reads and writes (2); the slope's derivative reads two and writes one (3);
# a sum reads (1), and where it is of a product reads both (2). Compiled, bias_act reads and writes
# (2), backward reads two and writes one (3). Joined, a layer of G reads its convolution, writes its
# output, and writes it scaled for the next one (3); backward it also reads what was convolved (4);
# the scales are in these passes, and a second branch is read once more (1).
PASSES = {
    Way.OP_BY_OP: Passes((6, 5), (4, 4), (2, 4), branches=5, parted=2, merged=3),
    Way.COMPILED: Passes((2, 3), (2, 3), (2, 4), branches=5, parted=2, merged=3),
    Way.JOINED: Passes((3, 4), (2, 3), (0, 0), branches=1, parted=0, merged=1),
}


@dataclasses.dataclass(frozen=True)
class Kernel:
    """Work that is done at once.

    Attributes:
      kind: "convolutions", "filters", "pointwise" or "weights".
      moved: bytes read and written.
      operations: additions and multiplications of a convolution; of all else they cost nothing.
    """

    kind: str
    moved: float
    operations: float = 0.0

    def seconds(self, gpu: kernel_model.Gpu, rate: float) -> float:
        """Returns the time at the assumed shares of the GPU's bandwidth and of `rate`."""
        return max(
            self.moved / (gpu.bandwidth * SHARE_OF_BANDWIDTH),
            self.operations / (rate * SHARE_OF_RATE),
        )


def convolution(call: Call, width: int) -> Kernel:
    """Returns one pass of a convolution, which moves its three tensors once.

    Args:
      call: the pass.
      width: bytes of a number.
    """
    c = call.convolution
    maps = c.side**2 * c.channels + c.out_side**2 * c.filters
    moved = width * (call.batch * maps + c.taps**2 * c.channels * c.filters)
    return Kernel("convolutions", moved, 2.0 * call.multiplications)


def generator_passes(
    network: Generator, batch: int, width: int, way: Way, backward: bool
) -> Iterator[Kernel]:
    """Yields all but the convolutions of the synthesis network, in one direction.

    Args:
      network: the generator.
      batch: images.
      width: bytes of a number.
      way: that it runs in.
      backward: the derivative; else the images.
    """
    passes = PASSES[way]
    for layer in network.features:
        c = layer.convolution
        before, after = (c.side, c.channels), (c.side, c.filters)
        if layer.transposed:
            before, after = (c.out_side, c.filters), (c.side - 1, c.channels)
            yield _filter(batch, c.side, c.channels, 1, 1, (1, 1), width, way)
        yield _over(before, passes.scale[backward], batch, width)  # the style
        yield _over(after, passes.scale[backward], batch, width)  # the demodulation
        yield _over(after, passes.noisy[backward], batch, width)
    for layer in network.to_rgb:
        style = (
            passes.scale[backward] or 1 + backward
        )  # joined: it writes, or adds to what is there
        yield _over((layer.convolution.side, layer.convolution.channels), style, batch, width)


def discriminator_passes(
    network: Discriminator, batch: int, width: int, way: Way, backward: bool
) -> Iterator[Kernel]:
    """Yields all but the convolutions of the discriminator; arguments as of the generator's."""
    passes = PASSES[way]
    activated = [network.from_rgb.convolution, network.last.convolution]
    for same, down, _ in zip(*[iter(network.blocks)] * 3):
        activated += [same.convolution, down.convolution]
        side, channels = same.convolution.side, same.convolution.channels
        yield _filter(batch, side, channels, 1, 1, (2, 2), width, way)
        if backward:
            yield _filter(batch, side // 2, channels, 2, 1, (2, 1), width, way)
        else:
            yield _filter(batch, side, channels, 1, 2, (1, 1), width, way)
        out = (side // 2, down.convolution.filters)
        yield _over(out, passes.parted if backward else passes.branches, batch, width)
        yield _over((side, channels), passes.merged if backward else 0, batch, width)
    for c in activated:
        yield _over((c.out_side, c.filters), passes.plain[backward], batch, width)


def _filter(batch, side, channels, up, down, around, width, way: Way) -> Kernel:
    work = kernel_model.resampling("", batch, side, channels, up, down, around, width)
    return Kernel("filters", work.moved if way is Way.COMPILED else work.composition)


def _over(shape: tuple[int, int], passes: int, batch: int, width: int) -> Kernel:
    side, channels = shape
    return Kernel("pointwise", passes * batch * side**2 * channels * width)


def steps(config: schema.Config, width: int, way: Way) -> dict[str, list[Kernel]]:
    """Returns the kernels of every step: "G", "path_length", "D" and "R1".

    Args:
      config: resolved, of StyleGAN2 with the non-saturating loss.
      width: bytes of a number of the maps.
      way: in which all but the convolutions runs.
    """
    data, g = config.data, stylegan2.Generator.expect(config.generator)
    d = stylegan2.Discriminator.expect(config.discriminator)
    generator = Generator(data.resolution, data.channels, g.fmap_base, g.fmap_max)
    discriminator = Discriminator(data.resolution, data.channels, d.fmap_base, d.fmap_max)
    batch = config.training.batch_size

    def of_g(backward: bool, images: int = batch) -> list[Kernel]:
        return list(generator_passes(generator, images, width, way, backward))

    def of_d(backward: bool) -> list[Kernel]:
        return list(discriminator_passes(discriminator, batch, width, way, backward))

    shrunk = batch // g.path_length_batch_shrink
    layers = [*discriminator.blocks, discriminator.from_rgb, discriminator.last]
    adam_of_g = _adam(generator.features + generator.to_rgb)
    adam_of_d = _adam(layers)
    average = Kernel("weights", adam_of_g.moved * PASSES_OF_AVERAGE / PASSES_OF_ADAM)
    # A derivative of a derivative has the passes of both directions again, as of convolutions.
    between = {
        "G": of_g(False) + of_g(True) + of_d(False) + of_d(True) + [adam_of_g, average],
        "path_length": 2 * (of_g(False, shrunk) + of_g(True, shrunk)) + [adam_of_g],
        "D": of_g(False) + 2 * (of_d(False) + of_d(True)) + [adam_of_d],
        "R1": 2 * (of_d(False) + of_d(True)) + [adam_of_d],
    }
    convolved = convolutions.steps(config)
    return {
        name: kernels + [convolution(call, width) for call in convolved[name].elements()]
        for name, kernels in between.items()
    }


def _adam(layers: list[convolutions.Layer]) -> Kernel:
    shapes = [layer.convolution for layer in layers]
    numbers = sum(c.taps**2 * c.channels * c.filters for c in shapes)
    return Kernel("weights", PASSES_OF_ADAM * 4 * numbers)


def seconds(
    config: schema.Config, gpu: kernel_model.Gpu, arithmetic: str, way: Way
) -> dict[str, float]:
    """Returns the predicted seconds of a thousand images, by the kind of kernel.

    Args:
      config: as of `steps`.
      gpu: the one GPU that trains.
      arithmetic: "float32", "TF32" or "bfloat16".
      way: in which all but the convolutions runs.
    """
    rate = {"float32": gpu.rate, "TF32": gpu.tf32, "bfloat16": gpu.bfloat16}[arithmetic]
    g = stylegan2.Generator.expect(config.generator)
    every = {"G": 1, "D": 1, "R1": config.penalties.r1_every, "path_length": g.path_length_every}
    found: dict[str, float] = collections.defaultdict(float)
    for name, kernels in steps(config, 2 if arithmetic == "bfloat16" else 4, way).items():
        for kernel in kernels:
            iterations = 1000 / config.training.batch_size / (every[name] or 1)
            found[kernel.kind] += kernel.seconds(gpu, rate) * iterations
    return dict(found)


def config_e() -> schema.Config:
    """Returns config E at 256x256 as it comes, with the non-saturating loss."""
    return schema.resolve(
        schema.replace(schema.Config(), {"loss": "non_saturating"}), RESOLUTION, 3
    )


def table(config: schema.Config) -> str:
    """Returns the seconds of a thousand images as a table in Markdown."""
    heads = ["GPU", "arithmetic", "convolutions", *(way.value for way in Way)]
    lines = [heads, ["---"] * 2 + ["---:"] * (len(heads) - 2)]
    for gpu in kernel_model.GPUS:
        for arithmetic in ("float32", "TF32", "bfloat16"):
            found = [seconds(config, gpu, arithmetic, way) for way in Way]
            times = [found[0]["convolutions"], *(sum(kinds.values()) for kinds in found)]
            lines.append([gpu.name, arithmetic, *(f"{time:.1f}" for time in times)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def text() -> str:
    """Returns the table with its assumptions."""
    config = config_e()
    rate, bandwidth = f"{SHARE_OF_RATE:.0%}", f"{SHARE_OF_BANDWIDTH:.0%}"
    title = f"config E at {RESOLUTION}x{RESOLUTION}, batch {config.training.batch_size}, one GPU"
    return f"""\
Seconds a thousand images, a prediction that nobody has measured: {title}.

{table(config)}

What would have to be true: convolutions reach {rate} of the data sheet's rate in their arithmetic
(tensor cores but for float32, no sparsity, no Winograd) and move each tensor once; all else reaches
{bandwidth} of the bandwidth; kernels follow each other without a gap; nothing stays in caches;
derivatives of derivatives (R1, path length) have the passes of both directions twice. Left out:
mapping, dense layers, losses, RGB images, noise maps, data, other GPUs.
"""


def main(argv: list[str]) -> None:
    """Prints the table."""
    errors.no_arguments(argv)
    print(text(), end="")


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
