"""SAGAN's self-attention in its own networks."""

import keras

from dualcontrast.layers.attention import sagan
from dualcontrast.layers.sagan import normalised


@keras.saving.register_keras_serializable("dualcontrast")
class SelfAttention(sagan.SAGAN):
    """x + gamma * attention(x), spectrally normalised: the form of the authors' program.

    >>> SelfAttention()(tf.zeros([2, 8, 8, 16])).shape
    TensorShape([2, 8, 8, 16])
    """

    def _projection(self, name: str, inputs: int, outputs: int):
        dense = keras.layers.Dense(outputs, use_bias=False)
        layer = normalised.normalised(dense, name, self.dtype_policy)
        layer.build((None, inputs))
        return layer

    def call(self, x, return_weights: bool = False, iterations: int = 1):
        """Returns [batch, height, width, channels], and the weights if asked for.

        Args:
          x: [batch, height, width, channels].
          return_weights: see `SAGAN`.
          iterations: see `SpectralNormalization`.
        """

        def project(flat, projection):
            return projection(flat, iterations=iterations)

        return self._attended(x, project, return_weights)
