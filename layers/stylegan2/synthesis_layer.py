"""One layer of the synthesis network: modulated convolution, noise, bias, activation."""

import keras

from dualcontrast.layers import activation as activations
from dualcontrast.layers.attention import serialised_layer
from dualcontrast.layers.stylegan2 import modulated_attention, modulated_conv2d


@keras.saving.register_keras_serializable("dualcontrast")
class SynthesisLayer(keras.layers.Layer):
    """leaky_relu(modulated_convolution(x, w) + noise * strength + bias) * sqrt(2).

    Karras et al. 2020, section 2. The strength is one trained number a layer, zero at first.
    Without given noise, the layer adds its own fixed map, drawn once when it was built.

    >>> SynthesisLayer(8)(tf.zeros([2, 16, 16, 4]), tf.zeros([2, 32])).shape
    TensorShape([2, 16, 16, 8])

    Args:
      filters: output channels, at least 1.
      upsample: double height and width.
      attention: a layer of `layers.attention` to take the convolution's place, or its serialised
        form; the input then has `filters` channels already.
      normalize_style: with attention, see `ModulatedAttention`.
      clamp: what the output is clipped to; None for no clipping.
    """

    def __init__(
        self,
        filters: int,
        upsample: bool = False,
        attention=None,
        normalize_style: bool = True,
        clamp: float | None = None,
        **kwargs,
    ):
        # No autocast: it would round w, see ModulatedConv2D.
        super().__init__(autocast=False, **kwargs)
        if filters < 1:
            raise ValueError(f"SynthesisLayer: filters must be >= 1, got {filters}")
        self.filters = filters
        self.upsample = upsample
        self.attention = serialised_layer.of(attention)
        self.normalize_style = normalize_style
        self.activation = activations.Activation("leaky_relu", clamp)

    def build(self, x_shape, w_shape):
        self.convolution = self._convolution(int(x_shape[-1]))
        self.convolution.build(x_shape, w_shape)
        _, height, width, _ = self.compute_output_shape(x_shape, w_shape)
        self.noise = self.add_weight(
            name="noise",
            shape=(1, height, width, 1),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )
        self.strength = self.add_weight(
            name="strength", shape=(), initializer="zeros", autocast=False
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.filters,), initializer="zeros", autocast=False
        )

    def _convolution(self, channels: int):
        if self.attention is None:
            return modulated_conv2d.ModulatedConv2D(
                self.filters, 3, self.upsample, name="convolution", dtype=self.dtype_policy
            )
        if channels != self.filters:
            raise ValueError(
                f"SynthesisLayer: attention keeps the channels, so a layer of {channels} channels "
                f"cannot have {self.filters} filters"
            )
        return modulated_attention.ModulatedAttention(
            self.attention,
            self.upsample,
            self.normalize_style,
            name="attention",
            dtype=self.dtype_policy,
        )

    def call(self, x, w, noise=None):
        """Returns [batch, height, width, filters].

        Args:
          x: [batch, height, width, channels].
          w: [batch, w_size].
          noise: [batch, out_height, out_width, 1] float32, or None for the fixed map.
        """
        # The activation's gain goes into its small operands: the leaky ReLU is homogeneous.
        gain = self.activation.gain
        x = self.convolution(x, w, gain=gain)
        noise = self.noise.value if noise is None else noise
        return self.activation(x, self.bias.value * gain, noise * (self.strength.value * gain))

    def compute_output_shape(self, x_shape, w_shape):
        batch, height, width, _ = x_shape
        factor = 2 if self.upsample else 1
        return (batch, height * factor, width * factor, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "upsample": self.upsample,
            "attention": self.attention,
            "normalize_style": self.normalize_style,
            "clamp": self.activation.clamp,
        }
