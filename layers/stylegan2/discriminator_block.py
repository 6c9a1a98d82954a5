"""One resolution of the discriminator."""

import math

import keras

from dualcontrast.layers import activation as activations
from dualcontrast.layers import equalized_conv2d
from dualcontrast.layers.attention import serialised_layer


@keras.saving.register_keras_serializable("dualcontrast")
class DiscriminatorBlock(keras.layers.Layer):
    """Residual block that halves its input: (convolutions + 1x1 skip) / sqrt(2).

    Karras et al. 2020, figure 7c (right). An attention layer stands for the output of the first
    convolution (Yu et al. 2021, section 3.4): bias and activation follow it.

    >>> DiscriminatorBlock(8)(tf.zeros([2, 16, 16, 4])).shape
    TensorShape([2, 8, 8, 8])

    Args:
      filters: output channels, at least 1.
      attention: a layer of `layers.attention` to take the first convolution's place, or its
        serialised form; None for none.
      clamp: what the output of both convolutions is clipped to; None for no clipping.
    """

    def __init__(self, filters: int, attention=None, clamp: float | None = None, **kwargs):
        super().__init__(**kwargs)
        if filters < 1:
            raise ValueError(f"DiscriminatorBlock: filters must be >= 1, got {filters}")
        self.filters = filters
        self.attention = serialised_layer.of(attention)
        self.activation = activations.Activation("leaky_relu", clamp)

    def build(self, input_shape):
        convolution = equalized_conv2d.EqualizedConv2D
        policy, clamp = self.dtype_policy, self.activation.clamp
        if self.attention is None:
            self.same = convolution(input_shape[-1], 3, clamp=clamp, name="same", dtype=policy)
        else:
            self.same = serialised_layer.make(self.attention, "attend", policy)
            self.bias = self.add_weight(
                name="bias", shape=(input_shape[-1],), initializer="zeros", autocast=False
            )
        self.down = convolution(
            self.filters, 3, downsample=True, clamp=clamp, name="down", dtype=policy
        )
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

    def call(self, x, reference=None):
        """Returns [batch, height / 2, width / 2, filters].

        Args:
          x: [batch, height, width, channels].
          reference: what `prepare` returned, with reference attention.
        """
        y = self.same(x) if reference is None else self.same.compare(x, reference)
        if self.attention is not None:
            gain = self.activation.gain
            y = self.activation(y * gain, self.bias.value * gain)
        return (self.down(y) + self.skip(x)) * (1 / math.sqrt(2))

    def prepare(self, reference):
        """Returns what maps of references, of the shape of `x`, contribute to `call`."""
        return self.same.prepare(reference)

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return (batch, height // 2, width // 2, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "attention": self.attention,
            "clamp": self.activation.clamp,
        }
