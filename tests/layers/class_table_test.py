"""A table of classes, and its normalisation."""

import numpy as np
import tensorflow as tf

from dualcontrast.layers import class_table


def test_a_label_asks_for_its_row_and_no_other_row_learns():
    layer = class_table.ClassTable(2, classes=3)
    layer.build()
    layer.kernel.assign([[1, 2], [3, 4], [5, 6]])
    with tf.GradientTape() as tape:
        out = layer(tf.constant([2, 0, 2]))
        value = tf.reduce_sum(out * [[1.0, 2.0], [3.0, 4.0], [10.0, 20.0]])
    np.testing.assert_array_equal(out, [[5, 6], [1, 2], [5, 6]])
    np.testing.assert_array_equal(
        tape.gradient(value, layer.kernel.value), [[3, 4], [0, 0], [11, 22]]
    )


def test_it_begins_by_glorots_uniform_distribution():
    layer = class_table.ClassTable(30, classes=70)
    layer.build()
    bound = (6 / 100) ** 0.5
    kernel = layer.kernel.numpy()
    assert np.abs(kernel).max() < bound
    np.testing.assert_allclose(kernel.std(), bound / 3**0.5, rtol=0.05)
