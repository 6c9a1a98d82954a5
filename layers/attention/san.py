"""Patch-wise self-attention: every pixel computes its own filter from the patch around it."""

import keras
import tensorflow as tf

from dualcontrast.custom_ops import bias_act, local_aggregation
from dualcontrast.layers import activation as activations
from dualcontrast.layers import equalized_conv2d
from dualcontrast.layers.attention import attention_window


@keras.saving.register_keras_serializable("dualcontrast")
class SAN(keras.layers.Layer):
    """x + the sum over the patch around every pixel of weights * values.

    Yu et al. 2021, section 3.3 (patch-wise SAN of Zhao et al. 2020, without normalisation). Keys,
    queries and values are 1x1 convolutions with leaky ReLU. The weights of a pixel are a function
    of the keys of its patch and of its own query, by two dense layers: one number for every tap and
    every `sharing` channels, signed and not normalised.

    The first dense layer is computed as a convolution of the keys plus one of the queries, which it
    is exactly, so no patches are made.

    Departs from Zhao et al., who have batch normalisation and ReLU where the paper has bias and
    leaky ReLU. Departs from the paper's text and keeps its equation, which leaves the weights
    linear. The gain 1 / patch_size of the weights keeps the sum over patch_size^2 taps as large as
    the input, which it would drown otherwise.

    >>> SAN(patch_size=3)(tf.zeros([2, 8, 8, 16])).shape
    TensorShape([2, 8, 8, 16])

    Args:
      patch_size: side of the patch, odd, at most 31.
      reduction: channels of the input for every channel of keys and queries.
      sharing: channels of the values that use the same weights; channel c uses map c modulo
        channels / sharing.
      form: "shared": the hidden layer is as wide as the keys; "literal": it has a unit for every
        weight, which with reduction 1 and sharing 1 is the paper's equation to the letter.
      border: outside of the map, "reflect" or "zero".
      weight_activation: of the weights, "linear" or "leaky_relu".
    """

    def __init__(
        self,
        patch_size: int = 7,
        reduction: int = 4,
        sharing: int = 4,
        form: str = "shared",
        border: str = "reflect",
        weight_activation: str = "linear",
        **kwargs,
    ):
        super().__init__(**kwargs)
        name = type(self).__name__
        attention_window.check(name, patch_size, border)
        if min(reduction, sharing) < 1:
            raise ValueError(f"{name}: reduction, sharing must be >= 1, got {reduction}, {sharing}")
        if form not in ("shared", "literal"):
            raise ValueError(f"{name}: form must be 'shared' or 'literal', got {form!r}")
        self.patch_size = patch_size
        self.reduction = reduction
        self.sharing = sharing
        self.form = form
        self.border = border
        self.weight_activation = activations.Activation(weight_activation).name
        self.activation = activations.Activation("leaky_relu")

    def build(self, input_shape):
        _, height, width, channels = input_shape
        name, taps = type(self).__name__, self.patch_size**2
        attention_window.check_map(name, self.patch_size, self.border, (height, width))
        self.maps = attention_window.groups(name, channels, self.sharing)
        keys = max(1, channels // self.reduction)
        hidden = keys if self.form == "shared" else taps * self.maps
        self.to_keys = self._pointwise(keys, "keys", input_shape)
        self.to_queries = self._pointwise(keys, "queries", input_shape)
        self.to_values = self._pointwise(channels, "values", input_shape)
        # Rows: the patch of keys, tap by tap, and then the query.
        self.hidden_kernel = self.add_weight(
            name="hidden_kernel",
            shape=((taps + 1) * keys, hidden),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            autocast=False,
        )
        self.hidden_bias = self.add_weight(
            name="hidden_bias", shape=(hidden,), initializer="zeros", autocast=False
        )
        self.to_weights = self._pointwise(
            taps * self.maps, "weights", (None, height, width, hidden), self.weight_activation
        )

    def _pointwise(self, filters: int, name: str, shape, activation: str = "leaky_relu"):
        layer = equalized_conv2d.EqualizedConv2D(
            filters, 1, activation=activation, name=name, dtype=self.dtype_policy
        )
        layer.build(shape)
        return layer

    def call(self, x, return_weights: bool = False):
        """Returns [batch, height, width, channels], and the weights if asked for.

        Args:
          x: [batch, height, width, channels].
          return_weights: also return [batch, height, width, patch_size^2, channels / sharing].
        """
        weights = self.tap_weights(self.hidden_of_keys(x), self.hidden_of_queries(x))
        out = self.aggregate(weights, self.padded_values(x)) + x
        return (out, weights) if return_weights else out

    def hidden_of_keys(self, x):
        """Returns the share of the patches of keys in the hidden layer."""
        kernel = self._hidden_rows()[: -self.to_keys.filters]
        side = self.patch_size
        kernel = tf.reshape(kernel, [side, side, self.to_keys.filters, -1])
        padded = attention_window.pad(self.to_keys(x), side, self.border)
        return tf.nn.conv2d(padded, tf.cast(kernel, padded.dtype), 1, "VALID")

    def hidden_of_queries(self, x):
        """Returns the share of the queries in the hidden layer."""
        kernel = self._hidden_rows()[-self.to_keys.filters :][None, None]
        queries = self.to_queries(x)
        return tf.nn.conv2d(queries, tf.cast(kernel, queries.dtype), 1, "VALID")

    def padded_values(self, x):
        """Returns the values with their border."""
        return attention_window.pad(self.to_values(x), self.patch_size, self.border)

    def tap_weights(self, keys, queries):
        """Returns [batch, height, width, taps, maps] of the two shares."""
        bias = self.hidden_bias.value * self.activation.gain
        hidden = bias_act.bias_act(
            keys + queries, bias, activation="lrelu", slope=activations.SLOPE
        )
        weights = self.to_weights(hidden, gain=1 / self.patch_size)
        return attention_window.split_maps(weights, self.patch_size**2, self.maps)

    def aggregate(self, weights, values):
        """Returns the weighted sum over every patch, [batch, height, width, channels]."""
        return local_aggregation.local_aggregation(weights, values)

    def _hidden_rows(self):
        # The activation's gain goes into the weights: the leaky ReLU is positively homogeneous.
        scale = self.activation.gain / self.hidden_kernel.shape[0] ** 0.5
        return self.hidden_kernel.value * scale

    def multiply_adds(self, height: int, width: int) -> int:
        """Returns the multiply-adds of one map of these sides."""
        kernels = [layer.kernel.shape for layer in (self.to_keys, self.to_queries, self.to_values)]
        kernels += [self.to_weights.kernel.shape, self.hidden_kernel.shape]
        dense = sum(shape[-1] * shape[-2] for shape in kernels)
        return height * width * (dense + self.patch_size**2 * self.to_values.filters)

    def count_weights(self, height: int, width: int) -> int:
        """Returns how many weights there are for one map of these sides."""
        return height * width * self.patch_size**2 * self.maps

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "patch_size": self.patch_size,
            "reduction": self.reduction,
            "sharing": self.sharing,
            "form": self.form,
            "border": self.border,
            "weight_activation": self.weight_activation,
        }
