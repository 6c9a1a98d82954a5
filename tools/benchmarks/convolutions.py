"""Every convolution that an iteration of training needs: shapes, passes, and how often.

Written down from the architecture, not read from the compiled steps, so that a step which convolves
more than it must falls short of its floor. docs/performance.md explains the counts.
"""

import collections
import dataclasses
import enum

from dualcontrast.layers.stylegan2 import feature_maps
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.families import stylegan2


@dataclasses.dataclass(frozen=True)
class Convolution:
    """A convolution of square images; a transposed one is described by the one it transposes.

    Attributes:
      side: of the input, after padding where `stride` is 2.
      channels, filters: of the input and the output.
      taps: side of the kernel.
      stride: 1 (zeros around keep the side) or 2 (no zeros around).
    """

    side: int
    channels: int
    filters: int
    taps: int
    stride: int = 1

    @property
    def out_side(self) -> int:
        return self.side if self.stride == 1 else (self.side - self.taps) // self.stride + 1

    @property
    def multiplications(self) -> int:
        """Of one image; every pass has as many."""
        return self.out_side**2 * self.taps**2 * self.channels * self.filters


class Pass(enum.Enum):
    """What a call computes: the output, or the gradient of one of the two inputs."""

    FORWARD = "forward"
    INPUT_GRADIENT = "input gradient"
    FILTER_GRADIENT = "filter gradient"


FORWARD, INPUT_GRADIENT, FILTER_GRADIENT = Pass


@dataclasses.dataclass(frozen=True)
class Call:
    """One pass of one convolution over `batch` images."""

    convolution: Convolution
    kind: Pass
    batch: int

    @property
    def multiplications(self) -> int:
        return self.batch * self.convolution.multiplications


Calls = collections.Counter[Call]


@dataclasses.dataclass(frozen=True)
class Layer:
    """A convolution in its network, and whether the network runs it transposed."""

    convolution: Convolution
    transposed: bool = False

    def calls(
        self, batch: int, forward: int = 0, input_gradient: int = 0, filter_gradient: int = 0
    ):
        """Returns that many calls of each pass of the layer; transposing swaps two of them."""
        there, back = FORWARD, INPUT_GRADIENT
        if self.transposed:
            there, back = back, there
        counts = {there: forward, back: input_gradient, FILTER_GRADIENT: filter_gradient}
        return +Calls({Call(self.convolution, kind, batch): n for kind, n in counts.items()})


class Generator:
    """The convolutions of the synthesis network: `features`, and `to_rgb`, one a resolution."""

    def __init__(self, resolution: int, channels: int, fmap_base: int, fmap_max: int):
        sides = feature_maps.resolutions(resolution)
        maps = [feature_maps.feature_maps(side, fmap_base, fmap_max) for side in sides]
        self.features = [Layer(Convolution(4, maps[0], maps[0], 3))]
        for side, before, after in zip(sides[1:], maps, maps[1:]):
            # Transposed, from the half side to side + 1, which the low-pass filter cuts to side.
            up = Convolution(side + 1, after, before, 3, stride=2)
            self.features += [Layer(up, transposed=True), Layer(Convolution(side, after, after, 3))]
        self.to_rgb = [Layer(Convolution(*ends, channels, 1)) for ends in zip(sides, maps)]

    def forward(self, batch: int) -> Calls:
        """Returns the calls that make `batch` images."""
        return _sum(layer.calls(batch, forward=1) for layer in self.features + self.to_rgb)

    def backward(self, batch: int) -> Calls:
        """Returns the calls of a gradient; the first input is the trained constant, modulated."""
        layers = self.features + self.to_rgb
        return _sum(layer.calls(batch, input_gradient=1, filter_gradient=1) for layer in layers)

    def path_length(self, batch: int) -> Calls:
        """Returns the calls of the gradient of a function of the gradient by w.

        The images themselves are not asked for, and nothing but their fixed projection depends on
        them, which spares ToRGB all but the gradient by w and that one's gradient by the kernel.
        """
        features = [layer.calls(batch, 2, 2, 2) for layer in self.features]
        return _sum([*features, *(layer.calls(batch, 0, 1, 1) for layer in self.to_rgb)])


class Discriminator:
    """The convolutions of the discriminator: `from_rgb`, `blocks` and `last`, at 4x4."""

    def __init__(self, resolution: int, channels: int, fmap_base: int, fmap_max: int):
        sides = feature_maps.resolutions(resolution)[::-1]
        maps = [feature_maps.feature_maps(side, fmap_base, fmap_max) for side in sides]
        self.from_rgb = Layer(Convolution(resolution, channels, maps[0], 1))
        self.blocks = []
        for side, before, after in zip(sides, maps, maps[1:]):
            self.blocks += [
                Layer(Convolution(side, before, before, 3)),
                # The low-pass filter leaves side + 1 pixels.
                Layer(Convolution(side + 1, before, after, 3, stride=2)),
                Layer(Convolution(side // 2, before, after, 1)),
            ]
        # One channel more: the minibatch standard deviation.
        self.last = Layer(Convolution(4, maps[-1] + 1, maps[-1], 3))

    @property
    def _layers(self) -> list[Layer]:
        return [self.from_rgb, *self.blocks, self.last]

    def forward(self, batch: int) -> Calls:
        """Returns the calls that judge `batch` images."""
        return _sum(layer.calls(batch, forward=1) for layer in self._layers)

    def image_gradient(self, batch: int) -> Calls:
        """Returns the calls of the gradient by the images."""
        return _sum(layer.calls(batch, input_gradient=1) for layer in self._layers)

    def weight_gradient(self, batch: int) -> Calls:
        """Returns the calls of the gradient by the weights; none by the images is asked for."""
        later = [layer.calls(batch, 0, 1, 1) for layer in self.blocks + [self.last]]
        return _sum([self.from_rgb.calls(batch, filter_gradient=1), *later])

    def r1(self, batch: int) -> Calls:
        """Returns the calls of the gradient by the weights of the norm of the image gradient.

        The gradient of every input gradient is a forward pass and a filter gradient. Beyond the
        minibatch standard deviation all is piecewise linear, so only what comes before it has a
        share through the activations themselves.
        """
        linear = self.last.calls(batch, forward=2, input_gradient=1, filter_gradient=1)
        curved = [layer.calls(batch, 2, 2, 2) for layer in self.blocks]
        return _sum([self.from_rgb.calls(batch, 2, 1, 2), *curved, linear])


def steps(config: schema.Config, generator_sees_reals: bool = False) -> dict[str, Calls]:
    """Returns the calls of each of the four steps, by the names of trainer.steps.

    Args:
      config: resolved.
      generator_sees_reals: whether the generator's loss takes the logits of reals, as the dual
        contrastive loss does.
    """
    data, g = config.data, stylegan2.Generator.expect(config.generator)
    d = stylegan2.Discriminator.expect(config.discriminator)
    generator = Generator(data.resolution, data.channels, g.fmap_base, g.fmap_max)
    discriminator = Discriminator(data.resolution, data.channels, d.fmap_base, d.fmap_max)
    batch = config.training.batch_size
    judge, make = discriminator.forward(batch), generator.forward(batch)
    learn_to_make = discriminator.image_gradient(batch) + generator.backward(batch)
    reals = judge if generator_sees_reals else Calls()
    return {
        "G": make + judge + reals + learn_to_make,
        "path_length": generator.path_length(batch // g.path_length_batch_shrink),
        "D": make + _sum(2 * [judge, discriminator.weight_gradient(batch)]),
        "R1": discriminator.r1(batch),
    }


def inference(config: schema.Config) -> Calls:
    """Returns the calls of the generator alone on one batch."""
    data, g = config.data, stylegan2.Generator.expect(config.generator)
    generator = Generator(data.resolution, data.channels, g.fmap_base, g.fmap_max)
    return generator.forward(config.training.batch_size)


def _sum(calls) -> Calls:
    return sum(calls, Calls())
