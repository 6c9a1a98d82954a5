"""SAGAN's self-attention in BigGAN's networks."""

import keras

from dualcontrast.layers.biggan import normalised
from dualcontrast.layers.sagan import self_attention


@keras.saving.register_keras_serializable("dualcontrast", "BigGANSelfAttention")
class SelfAttention(self_attention.SelfAttention):
    """SAGAN's, with BigGAN's initialisation and spectral normalisation.

    >>> SelfAttention()(tf.zeros([2, 8, 8, 16])).shape
    TensorShape([2, 8, 8, 16])
    """

    def _projection(self, name: str, inputs: int, outputs: int):
        layer = normalised.dense(outputs, name, self.dtype_policy, use_bias=False)
        layer.build((None, inputs))
        return layer
