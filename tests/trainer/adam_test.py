"""The fused Adam against Keras's."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer import adam

CONSTANTS = {"learning_rate": 0.003, "beta_1": 0.3, "beta_2": 0.99, "epsilon": 1e-7}


def run(optimizer, is_sparse=False, steps=5):
    """Returns what the optimizer makes of two variables, and its own variables."""
    ones = [np.ones([3, 4], np.float32), np.ones([5], np.float32)]
    variables = [keras.Variable(value, name=name) for value, name in zip(ones, "ab")]
    optimizer.build(variables)
    rows = tf.random.stateless_normal([steps, 3, 4], [1, 2])
    dense = tf.random.stateless_normal([steps, 5], [3, 4])

    @tf.function(autograph=False)
    def step(rows, dense):
        first = tf.IndexedSlices(rows, [0, 2, 2], [3, 4])
        optimizer.apply([first if is_sparse else tf.convert_to_tensor(first), dense], variables)

    for index in range(steps):
        step(rows[index], dense[index])
    return {v.path.split("/", 1)[-1]: v.numpy() for v in [*variables, *optimizer.variables]}


def test_a_row_that_a_batch_has_twice_gets_the_sum_of_its_gradients():
    dense, sparse = run(adam.Adam(**CONSTANTS)), run(adam.Adam(**CONSTANTS), is_sparse=True)
    for name, value in dense.items():
        np.testing.assert_array_equal(sparse[name], value, err_msg=name)


@pytest.mark.parametrize("beta_1", [0.0, 0.3])
def test_it_moves_every_variable_as_keras_s_does(beta_1):
    constants = CONSTANTS | {"beta_1": beta_1}
    expected, found = run(keras.optimizers.Adam(**constants)), run(adam.Adam(**constants))
    assert expected.keys() == found.keys() and found["iteration"] == 5
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-6, atol=1e-9, err_msg=name)
    assert np.abs(found["b"] - 1).min() > 1e-4


def test_a_rate_that_changes_is_taken_without_another_trace():
    optimizer = adam.Adam(**CONSTANTS)
    variable = keras.Variable(np.zeros([2], np.float32))
    optimizer.build([variable])
    step = tf.function(lambda: optimizer.apply([tf.ones([2])], [variable]), autograph=False)
    step()
    before = variable.numpy()
    optimizer.learning_rate = 0.0
    step()
    np.testing.assert_array_equal(variable.numpy(), before)
    assert step.experimental_get_tracing_count() == 1
