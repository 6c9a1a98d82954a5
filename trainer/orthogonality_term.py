"""BigGAN's orthogonal regularisation as a term of its generator."""

import tensorflow as tf

from dualcontrast.layers import class_table, networks
from dualcontrast.trainer.terms import Gather, Part, Term


class Orthogonality(Term):
    """Different output channels, different kernels (Brock et al. 2019, equation 3).

    The penalty of a kernel, as a matrix W with a column for every output channel, is the sum of the
    squares of W'W off its diagonal; embeddings of labels have none. Half of the sum over all
    kernels is weighted, so that the gradient is that of the authors' program, 2 W (W'W off the
    diagonal) times the weight.

    Args:
      weight: of the penalty.
    """

    metrics = ("orthogonality",)
    makes_fakes = False

    def __init__(self, weight: float):
        self.weight = weight

    def outputs(self, part: Part) -> list[tf.Tensor]:
        """Returns the penalty, which no sample changes, for each of them."""
        penalties = [_penalty(kernel) for kernel in kernels(part.generator)]
        return [tf.fill([tf.shape(part.reals.images)[0]], tf.add_n(penalties))]

    def loss(self, outputs: list[tf.Tensor], gather: Gather):
        """Returns the weighted penalty, and the penalty."""
        mean = tf.reduce_mean(outputs[0])
        return mean * (self.weight / 2), {self.metrics[0]: mean}


def kernels(network: networks.Generator) -> list[tf.Tensor]:
    """Returns the trained kernels of a network."""
    tables = {
        layer.kernel.path
        for layer in network._flatten_layers()
        if isinstance(layer, class_table.ClassTable)
    }
    found = [v for v in network.trainable_variables if len(v.shape) > 1 and v.path not in tables]
    return [tf.convert_to_tensor(variable.value) for variable in found]


def _penalty(kernel: tf.Tensor) -> tf.Tensor:
    matrix = tf.reshape(kernel, [-1, kernel.shape[-1]])
    products = tf.matmul(matrix, matrix, transpose_a=True)
    return tf.reduce_sum(tf.square(products - tf.linalg.diag(tf.linalg.diag_part(products))))
