"""Dynamic local filters: every pixel is filtered by a filter computed from that pixel."""

import keras

from dualcontrast.custom_ops import local_aggregation
from dualcontrast.layers import equalized_conv2d
from dualcontrast.layers.attention import attention_window


@keras.saving.register_keras_serializable("dualcontrast")
class DFN(keras.layers.Layer):
    """Filters the map with a filter of every pixel's own, made from it by two 1x1 convolutions.

    De Brabandere et al. 2016, "Dynamic filter networks", the local filtering layer, of feature maps
    and without softmax. No residual: it takes a convolution's place. The gain 1 / patch_size of the
    filters keeps the variance of the input.

    >>> DFN(hidden=8)(tf.zeros([2, 8, 8, 16])).shape
    TensorShape([2, 8, 8, 16])

    Args:
      patch_size: side of the filters, odd, at most 31.
      hidden: units between the two convolutions.
      sharing: channels that are filtered alike; channel c has filter c modulo channels / sharing.
      border: outside of the map, "reflect" or "zero".
    """

    def __init__(
        self,
        patch_size: int = 3,
        hidden: int = 512,
        sharing: int = 1,
        border: str = "reflect",
        **kwargs,
    ):
        super().__init__(**kwargs)
        attention_window.check("DFN", patch_size, border)
        if min(hidden, sharing) < 1:
            raise ValueError(f"DFN: hidden and sharing must be >= 1, got {hidden}, {sharing}")
        self.patch_size = patch_size
        self.hidden = hidden
        self.sharing = sharing
        self.border = border

    def build(self, input_shape):
        _, height, width, self.channels = input_shape
        attention_window.check_map("DFN", self.patch_size, self.border, (height, width))
        self.maps = attention_window.groups("DFN", self.channels, self.sharing)
        convolution, policy = equalized_conv2d.EqualizedConv2D, self.dtype_policy
        self.to_hidden = convolution(self.hidden, 1, name="hidden", dtype=policy)
        self.to_filters = convolution(
            self.patch_size**2 * self.maps, 1, activation="linear", name="filters", dtype=policy
        )
        self.to_hidden.build(input_shape)
        self.to_filters.build((*input_shape[:3], self.hidden))

    def call(self, x, return_weights: bool = False):
        """Returns [batch, height, width, channels], and the filters if asked for.

        Args:
          x: [batch, height, width, channels].
          return_weights: also return [batch, height, width, patch_size^2, channels / sharing].
        """
        filters = self.to_filters(self.to_hidden(x), gain=1 / self.patch_size)
        filters = attention_window.split_maps(filters, self.patch_size**2, self.maps)
        padded = attention_window.pad(x, self.patch_size, self.border)
        out = local_aggregation.local_aggregation(filters, padded)
        return (out, filters) if return_weights else out

    def multiply_adds(self, height: int, width: int) -> int:
        """Returns the multiply-adds of one map of these sides."""
        dense = self.hidden * (self.channels + self.patch_size**2 * self.maps)
        return height * width * (dense + self.patch_size**2 * self.channels)

    def count_weights(self, height: int, width: int) -> int:
        """Returns how many weights there are for one map of these sides."""
        return height * width * self.patch_size**2 * self.maps

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "patch_size": self.patch_size,
            "hidden": self.hidden,
            "sharing": self.sharing,
            "border": self.border,
        }
