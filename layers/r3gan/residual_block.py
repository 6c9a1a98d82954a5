"""R3GAN's residual block, of either network."""

import keras

from dualcontrast.layers.r3gan import convolution


@keras.saving.register_keras_serializable("dualcontrast", "R3GANResidualBlock")
class ResidualBlock(keras.layers.Layer):
    """x + project(act(grouped(act(expand(x))))), the identity at first (Huang et al. 2024).

    1x1 to `expansion` times as many channels, 3x3 in groups, 1x1 back: an inverted bottleneck of
    ResNeXt's. In place of normalisation, Fix-up's first weights (Zhang et al. 2019): the last
    convolution begins as zeros, the others have He's variance times depth^(-1 / (2 m - 2)) under
    the root, with m = 3 convolutions a block.

    >>> ResidualBlock(groups=2, depth=8)(tf.zeros([2, 16, 16, 4])).shape
    TensorShape([2, 16, 16, 4])

    Args:
      groups: of the 3x3 convolution, its cardinality; they divide the expanded channels.
      depth: residual blocks of the whole network.
      expansion: the expanded channels, in units of the input's.
    """

    def __init__(self, groups: int, depth: int, expansion: int = 2, **kwargs):
        super().__init__(**kwargs)
        if min(groups, depth, expansion) < 1:
            raise ValueError(
                "ResidualBlock: groups, depth and expansion must be >= 1, got"
                f" {groups}, {depth} and {expansion}"
            )
        self.groups = groups
        self.depth = depth
        self.expansion = expansion

    def build(self, input_shape):
        channels = int(input_shape[-1])
        expanded = self.expansion * channels
        gain = convolution.LEAKY_RELU_GAIN * self.depth**-0.25
        how = {"activated": True, "gain": gain, "dtype": self.dtype_policy}
        self.convs = [
            convolution.Convolution(expanded, 1, name="expand", **how),
            convolution.Convolution(expanded, 3, self.groups, name="grouped", **how),
            convolution.Convolution(channels, 1, gain=0.0, name="project", dtype=self.dtype_policy),
        ]
        shape = input_shape
        for conv in self.convs:
            conv.build(shape)
            shape = conv.compute_output_shape(shape)

    def call(self, x):
        """Returns the shape of `x`.

        Args:
          x: [batch, height, width, channels].
        """
        residual = x
        for conv in self.convs:
            residual = conv(residual)
        return x + residual

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "groups": self.groups,
            "depth": self.depth,
            "expansion": self.expansion,
        }
