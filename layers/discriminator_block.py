"""One resolution of the discriminator."""

import math

import keras

from dualcontrast.layers import equalized_conv2d


@keras.saving.register_keras_serializable("dualcontrast")
class DiscriminatorBlock(keras.layers.Layer):
    """Residual block that halves its input: (convolutions + 1x1 skip) / sqrt(2).

    Karras et al. 2020, figure 7c (right).

    >>> DiscriminatorBlock(8)(tf.zeros([2, 16, 16, 4])).shape
    TensorShape([2, 8, 8, 8])

    Args:
      filters: output channels, at least 1.
    """

    def __init__(self, filters: int, **kwargs):
        super().__init__(**kwargs)
        if filters < 1:
            raise ValueError(f"DiscriminatorBlock: filters must be >= 1, got {filters}")
        self.filters = filters

    def build(self, input_shape):
        convolution = equalized_conv2d.EqualizedConv2D
        policy = self.dtype_policy
        self.same = convolution(input_shape[-1], 3, name="same", dtype=policy)
        self.down = convolution(self.filters, 3, downsample=True, name="down", dtype=policy)
        self.skip = convolution(
            self.filters,
            1,
            downsample=True,
            activation="linear",
            use_bias=False,
            name="skip",
            dtype=policy,
        )
        for layer in (self.same, self.down, self.skip):
            layer.build(input_shape)

    def call(self, x):
        return (self.down(self.same(x)) + self.skip(x)) * (1 / math.sqrt(2))

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return (batch, height // 2, width // 2, self.filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}
