"""Attention in the place of a modulated convolution."""

import keras
import tensorflow as tf

from dualcontrast.custom_ops import upfirdn2d
from dualcontrast.layers import equalized_dense
from dualcontrast.layers.attention import serialised_layer


@keras.saving.register_keras_serializable("dualcontrast")
class ModulatedAttention(keras.layers.Layer):
    """Attention to an input whose channels are scaled by a style, without noise or activation.

    Yu et al. 2021, section 3.3: the layer stands for the output of a StyleGAN2 convolution, so that
    the modulation before it and the noise, bias and activation after it stay as they are. There is
    no kernel to demodulate. `normalize` divides by the root mean square of the style instead, which
    is what demodulation does to a kernel that passes every channel on, and keeps the style's size
    from leaking through the residual; the paper does not say what it does.

    With `upsample`, the maps are doubled by the [1, 3, 3, 1] filter before.

    >>> layer = ModulatedAttention(san.SAN(patch_size=3), upsample=True)
    >>> layer(tf.zeros([2, 8, 8, 16]), tf.zeros([2, 32])).shape
    TensorShape([2, 16, 16, 16])

    Args:
      attention: a layer of `layers.attention`, or its serialised form; it is copied.
      upsample: double height and width.
      normalize: divide by the root mean square of the style.
    """

    def __init__(self, attention, upsample: bool = False, normalize: bool = True, **kwargs):
        # Keras would round w to the compute type before the style layer sees it.
        super().__init__(autocast=False, **kwargs)
        self.upsample = upsample
        self.normalize = normalize
        self.attention = serialised_layer.of(attention)
        self.lowpass = upfirdn2d.lowpass()

    def build(self, x_shape, w_shape):
        self.attend = serialised_layer.make(self.attention, "attend", self.dtype_policy)
        self.attend.build(self.compute_output_shape(x_shape, w_shape))
        # Styles keep the variables' precision: bfloat16 has three digits.
        self.style = equalized_dense.EqualizedDense(
            int(x_shape[-1]), name="style", dtype=self.variable_dtype
        )
        self.style.build(w_shape)

    def call(self, x, w, gain: float = 1.0):
        """Returns the attended `x` times `gain`.

        Args:
          x: [batch, height, width, channels].
          w: [batch, w_size], the layer's disentangled latents.
          gain: a factor on the output.
        """
        x = tf.cast(x, self.compute_dtype)
        style = self.style(w) + 1.0
        x = x * tf.cast(style[:, None, None, :], x.dtype)
        if self.upsample:
            x = upfirdn2d.upsample_2d(x, self.lowpass)
        x = self.attend(x)
        if not self.normalize:
            return x * gain
        energy = tf.reduce_mean(tf.square(style), axis=1)
        scale = tf.math.rsqrt(energy + 1e-8) * gain
        return x * tf.cast(scale[:, None, None, None], x.dtype)

    def compute_output_shape(self, x_shape, w_shape):
        batch, height, width, channels = x_shape
        factor = 2 if self.upsample else 1
        return (batch, height * factor, width * factor, channels)

    def get_config(self):
        return {
            **super().get_config(),
            "attention": self.attention,
            "upsample": self.upsample,
            "normalize": self.normalize,
        }
