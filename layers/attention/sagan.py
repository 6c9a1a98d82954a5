"""SAGAN's self-attention: every pixel attends to all pixels."""

from collections.abc import Callable

import keras
import tensorflow as tf

from dualcontrast.layers.attention import pixel_differences


@keras.saving.register_keras_serializable("dualcontrast")
class SAGAN(keras.layers.Layer):
    """x + gamma * attention(x), with gamma trained from 0, so that the layer starts as identity.

    Zhang et al. 2019, "Self-attention generative adversarial networks", section 3. The default is
    the authors' code, which pools keys and values 2x2 and halves the channels of the values; the
    paper's text is pool=False and value_reduction=8.

    Departs from them in StyleGAN2's equalised learning rate, in place of spectral normalisation,
    which `layers.sagan.self_attention` has.

    >>> SAGAN()(tf.zeros([2, 8, 8, 16])).shape
    TensorShape([2, 8, 8, 16])

    Args:
      pool: whether keys and values are pooled (2x2, maximum); height and width are then even.
      value_reduction: channels of the input for every channel of the values.
    """

    def __init__(self, pool: bool = True, value_reduction: int = 2, **kwargs):
        super().__init__(**kwargs)
        if value_reduction < 1:
            raise ValueError(f"SAGAN: value_reduction must be >= 1, got {value_reduction}")
        self.pool = pool
        self.value_reduction = value_reduction

    def build(self, input_shape):
        _, height, width, channels = input_shape
        if self.pool and (height % 2 or width % 2):
            raise ValueError(f"SAGAN: pooled maps must have even sides, got {height}x{width}")
        keys, values = max(1, channels // 8), max(1, channels // self.value_reduction)
        self._channels, self._attending = channels, keys + values
        self.query = self._projection("query", channels, keys)
        self.key = self._projection("key", channels, keys)
        self.value = self._projection("value", channels, values)
        self.output_kernel = self._projection("output", values, channels)
        self.gamma = self.add_weight(name="gamma", shape=(), initializer="zeros", autocast=False)

    def _projection(self, name: str, inputs: int, outputs: int):
        """Returns the weights of a 1x1 convolution without bias."""
        normal = keras.initializers.RandomNormal(stddev=1.0)
        return self.add_weight(
            name=name, shape=(inputs, outputs), initializer=normal, autocast=False
        )

    def call(self, x, return_weights: bool = False):
        """Returns [batch, height, width, channels], and the weights if asked for.

        Args:
          x: [batch, height, width, channels].
          return_weights: also return [batch, height * width, pixels attended to], rows of sum 1.
        """
        return self._attended(x, pixel_differences.project, return_weights)

    def _attended(self, x: tf.Tensor, project: Callable, return_weights: bool):
        """Returns what `call` does; `project` applies what `_projection` has made to pixels."""
        flat = pixel_differences.flat(x)
        queries = project(flat, self.query)
        keys = self._pooled(project(flat, self.key), x.shape)
        values = self._pooled(project(flat, self.value), x.shape)
        logits = tf.matmul(queries, keys, transpose_b=True)
        weights = pixel_differences.softmax(logits, -1, self.variable_dtype)
        attended = project(tf.matmul(weights, values), self.output_kernel)
        out = x + tf.cast(self.gamma.value, x.dtype) * tf.reshape(attended, tf.shape(x))
        return (out, weights) if return_weights else out

    def _pooled(self, flat, shape):
        if not self.pool:
            return flat
        height, width, channels = shape[1], shape[2], flat.shape[2]
        cells = tf.reshape(flat, [-1, height // 2, 2, width // 2, 2, channels])
        return pixel_differences.flat(tf.reduce_max(cells, axis=[2, 4]))

    def multiply_adds(self, height: int, width: int) -> int:
        """Returns the multiply-adds of one map of these sides."""
        attended = height * width // (4 if self.pool else 1)
        return height * width * (2 * self._channels + attended) * self._attending

    def count_weights(self, height: int, width: int) -> int:
        """Returns how many weights there are for one map of these sides."""
        attended = height * width // (4 if self.pool else 1)
        return height * width * attended

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "pool": self.pool,
            "value_reduction": self.value_reduction,
        }
