"""One layer of StyleGAN's synthesis network: convolution, noise, bias, activation, style."""

import keras
import tensorflow as tf

from dualcontrast.layers import activation as activations
from dualcontrast.layers.stylegan import adaptive_instance_normalisation, convolution

SOURCES = ("input", "same", "up")


@keras.saving.register_keras_serializable("dualcontrast", "StyleGANSynthesisLayer")
class SynthesisLayer(keras.layers.Layer):
    """AdaIN(leaky_relu(convolution(x) + noise * strength + bias), w).

    Karras et al. 2019, figure 1b. The strength is one trained number a channel, zero at first.
    Without given noise, the layer adds its own fixed map, drawn once when it was built.

    >>> SynthesisLayer(8, "up")(tf.zeros([2, 16, 16, 4]), tf.zeros([2, 32])).shape
    TensorShape([2, 32, 32, 8])

    Args:
      filters: output channels, at least 1.
      source: what the noise is added to: "input", which has `filters` channels already, or its
        convolution, "same" or "up", which doubles height and width.
    """

    def __init__(self, filters: int, source: str = "same", **kwargs):
        # No autocast: it would round w.
        super().__init__(autocast=False, **kwargs)
        if filters < 1:
            raise ValueError(f"SynthesisLayer: filters must be >= 1, got {filters}")
        if source not in SOURCES:
            raise ValueError(f"SynthesisLayer: source must be one of {SOURCES}, got {source!r}")
        self.filters = filters
        self.source = source
        self.activation = activations.Activation("leaky_relu")

    def build(self, x_shape, w_shape):
        policy = self.dtype_policy
        if self.source == "input" and x_shape[-1] != self.filters:
            raise ValueError(
                f"SynthesisLayer: an input of {x_shape[-1]} channels cannot have {self.filters}"
                " filters without a convolution"
            )
        if self.source != "input":
            self.convolution = convolution.Convolution(
                self.filters,
                3,
                resampling="up" if self.source == "up" else "none",
                use_bias=False,
                activation="linear",
                name="convolution",
                dtype=policy,
            )
            self.convolution.build(x_shape)
        shape = self.compute_output_shape(x_shape, w_shape)
        self.noise = self.add_weight(
            name="noise",
            shape=(1, *shape[1:3], 1),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )
        self.strength, self.bias = (
            self.add_weight(name=name, shape=(self.filters,), initializer="zeros", autocast=False)
            for name in ("strength", "bias")
        )
        self.adain = adaptive_instance_normalisation.AdaptiveInstanceNormalization(
            name="adain", dtype=policy
        )
        self.adain.build(shape, w_shape)

    def call(self, x, w, noise=None):
        """Returns [batch, height, width, filters].

        Args:
          x: [batch, height, width, channels].
          w: [batch, w_size].
          noise: [batch, out_height, out_width, 1] float32, or None for the fixed map.
        """
        x = tf.cast(x, self.compute_dtype)
        if self.source != "input":
            x = self.convolution(x)
        noise = self.noise.value if noise is None else noise
        # In the variables' type: the normalisation after it magnifies what was rounded before.
        x = tf.cast(x, self.variable_dtype) + noise * self.strength.value
        return self.adain(self.activation(x, self.bias.value), w)

    def compute_output_shape(self, x_shape, w_shape):
        batch, height, width, _ = x_shape
        factor = 2 if self.source == "up" else 1
        return (batch, height * factor, width * factor, self.filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "source": self.source}
