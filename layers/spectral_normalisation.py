"""Spectral normalisation: a layer's kernel divided by its largest singular value."""

import keras
import tensorflow as tf

from dualcontrast.layers import class_table
from dualcontrast.layers.attention import serialised_layer

_KINDS = (
    keras.layers.Dense,
    keras.layers.Conv2D,
    keras.layers.Conv2DTranspose,
    class_table.ClassTable,
)
_EPSILON = 1e-12


@keras.saving.register_keras_serializable("dualcontrast")
class SpectralNormalization(keras.layers.Layer):
    """A layer that computes with W / sigma(W) in place of its kernel W (Miyato et al. 2018).

    W as a matrix has a column for every output channel, that of a table one for every class. An
    iteration of the power method is v = W u / |W u|, u = W' v / |W' v|; then sigma = v' W u, of
    which u and v are constants to every derivative. W itself is what is trained, and is never
    assigned.

    A call has no side effects: what training passes do to u is `update_statistics`. In the passes
    of one update the first has one iteration from the kept u, the second two, and so on, as if each
    had left its own behind.

    Departs from keras.layers.SpectralNormalization, which assigns W / sigma to W, so that its
    gradient lacks the term of sigma and its evaluation is of another kernel. Departs from Miyato's
    program, whose dense layers move u in evaluation too.

    >>> layer = SpectralNormalization(keras.layers.Conv2D(8, 3, padding="same"))
    >>> layer(tf.zeros([2, 16, 16, 4])).shape
    TensorShape([2, 16, 16, 8])

    Args:
      layer: `Dense`, `Conv2D` or `Conv2DTranspose` of Keras, a `ClassTable`, or its serialised
        form; a new one of its kind is made.
      as_in_sagan: u and v are no constants to a derivative, and the first u has no element beyond
        2 (Zhang et al. 2019, their program). Where the method has converged the derivatives of u
        and v add nothing.
    """

    def __init__(self, layer, as_in_sagan: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.as_in_sagan = as_in_sagan
        self.blueprint = serialised_layer.of(layer)
        self.layer = serialised_layer.make(self.blueprint, "layer", self.dtype_policy)
        if not isinstance(self.layer, _KINDS):
            names = ", ".join(kind.__name__ for kind in _KINDS)
            raise ValueError(
                f"SpectralNormalization: layer must be one of {names}, got "
                f"{type(self.layer).__name__}"
            )

    def build(self, input_shape):
        self.layer.build(input_shape)
        normal = keras.initializers.RandomNormal
        if self.as_in_sagan:
            normal = keras.initializers.TruncatedNormal
        self.u = self.add_weight(
            name="u",
            shape=(self._matrix().shape[-1],),
            initializer=normal(stddev=1.0),
            trainable=False,
            autocast=False,
            # Every replica has the same W, hence the same u.
            aggregation="mean",
        )

    def call(self, x, iterations: int = 1):
        """Returns what the layer makes of `x` with the normalised kernel.

        Args:
          x: the layer's input.
          iterations: of the power method, from the kept u on; which pass of an update it is.
        """
        kernel = self.layer.kernel
        normalised = self._kernel() / self.spectral_norm(iterations)
        with keras.StatelessScope(state_mapping=[(kernel, normalised)]):
            return self.layer(x)

    def spectral_norm(self, iterations: int = 1) -> tf.Tensor:
        """Returns sigma, a scalar of the kernel's type, after iterations from the kept u on."""
        matrix = self._matrix()
        u, v = self._iterate(matrix, iterations)
        if not self.as_in_sagan:
            u, v = tf.stop_gradient(u), tf.stop_gradient(v)
        return tf.tensordot(v, tf.linalg.matvec(matrix, u), 1)

    def update_statistics(self, passes: int) -> None:
        """Keeps the u that `passes` training passes leave, an iteration each."""
        if passes:
            self.u.assign(self._iterate(self._matrix(), passes)[0])

    def _kernel(self) -> tf.Tensor:
        """Returns W."""
        # Not `value`, which mixed precision rounds before it can be divided.
        return tf.convert_to_tensor(self.layer.kernel._value)

    def _matrix(self) -> tf.Tensor:
        """Returns W with a column for every output channel, or class."""
        kernel = self._kernel()
        if isinstance(self.layer, class_table.ClassTable):
            kernel = tf.transpose(kernel)
        if isinstance(self.layer, keras.layers.Conv2DTranspose):
            kernel = tf.transpose(kernel, [0, 1, 3, 2])
        return tf.reshape(kernel, [-1, kernel.shape[-1]])

    def _iterate(self, matrix: tf.Tensor, iterations: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns u and v, [columns] and [rows], after one iteration or more."""
        u = tf.convert_to_tensor(self.u.value)
        for _ in range(iterations):
            v = _unit(tf.linalg.matvec(matrix, u))
            u = _unit(tf.linalg.matvec(matrix, v, transpose_a=True))
        return u, v

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def get_config(self):
        return {**super().get_config(), "layer": self.blueprint, "as_in_sagan": self.as_in_sagan}


def update_statistics(network: keras.Model, passes: int) -> None:
    """Moves every u in a network by an iteration for each of `passes`."""
    for layer in network._flatten_layers():
        if isinstance(layer, SpectralNormalization):
            layer.update_statistics(passes)


def _unit(x: tf.Tensor) -> tf.Tensor:
    return x / (tf.norm(x) + _EPSILON)
