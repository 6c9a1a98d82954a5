"""Spectral normalisation: the power method, what it does to a layer, and when it moves."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers import class_table, spectral_normalisation


def normalised(layer, kernel, u, inputs):
    """The layer with a kernel and a vector of the power method."""
    found = spectral_normalisation.SpectralNormalization(layer)
    found.build((None, *inputs))
    found.layer.kernel.assign(kernel)
    found.u.assign(u)
    return found


# From here on literals are those of a NumPy program with loops in place of tensors.
KERNEL = np.cos(0.9 * np.arange(24)).reshape(2, 2, 2, 3)
IMAGE = np.sin(0.7 * np.arange(18)).reshape(1, 3, 3, 2)
U = [1.0, -2.0, 0.5]


@pytest.fixture(name="convolution")
def _convolution():
    return normalised(keras.layers.Conv2D(3, 2), KERNEL, U, (3, 3, 2))


@pytest.mark.parametrize(
    "iterations, sigma, first, total",
    [
        (1, 2.511459291921163, -0.0036335433444987745, -1.0329383933429215),
        (2, 2.5748795112930627, -0.0035440478496630524, -1.0074967448245533),
    ],
)
def test_a_pass_computes_with_the_normalised_kernel(convolution, iterations, sigma, first, total):
    assert float(convolution.spectral_norm(iterations)) == pytest.approx(sigma, rel=1e-5)
    out = convolution(tf.constant(IMAGE, tf.float32), iterations=iterations)
    assert float(out[0, 0, 0, 0]) == pytest.approx(first, abs=1e-6)
    assert float(tf.reduce_sum(out)) == pytest.approx(total, rel=1e-5)
    np.testing.assert_allclose(convolution.layer.kernel, KERNEL, rtol=1e-6)


def test_a_transposed_kernel_has_a_column_for_every_output_channel():
    kernel = KERNEL.reshape(2, 2, 3, 2)  # taps, outputs, inputs
    layer = normalised(keras.layers.Conv2DTranspose(3, 2), kernel, U, (3, 3, 2))
    assert float(layer.spectral_norm()) == pytest.approx(2.205918030877961, rel=1e-5)
    layer.update_statistics(1)
    expected = [0.4381848513901558, -0.8983856380922988, -0.029954653756644477]
    np.testing.assert_allclose(layer.u, expected, atol=1e-6)


def test_only_an_update_moves_u_by_an_iteration_a_pass(convolution):
    convolution(tf.constant(IMAGE, tf.float32))
    np.testing.assert_array_equal(convolution.u, U)
    convolution.update_statistics(0)
    np.testing.assert_array_equal(convolution.u, U)
    second = convolution.spectral_norm(2)
    convolution.update_statistics(1)
    once = [-0.2871007383224035, -0.7299051423175322, -0.6203318863907883]
    np.testing.assert_allclose(convolution.u, once, atol=1e-6)
    # The next update's first pass is the second one of an update that had two.
    np.testing.assert_allclose(convolution.spectral_norm(1), second, rtol=1e-6)
    convolution.u.assign(U)
    convolution.update_statistics(2)
    twice = [-0.4027325213701068, -0.7481307019631288, -0.5273584824491142]
    np.testing.assert_allclose(convolution.u, twice, atol=1e-6)


def test_u_is_kept_but_not_trained(convolution):
    assert [v.name for v in convolution.non_trainable_variables] == ["u"]
    assert [v.name for v in convolution.trainable_variables] == ["kernel", "bias"]


def test_the_power_method_converges_as_fast_as_it_should():
    draw = np.random.RandomState(0)
    kernel, u = draw.randn(3, 3, 4, 5), draw.randn(5)
    layer = normalised(keras.layers.Conv2D(5, 3), kernel, u, (8, 8, 4))
    largest = np.linalg.svd(kernel.reshape(36, 5), compute_uv=False)[0]
    ratios = [float(layer.spectral_norm(n)) / largest for n in (1, 2, 5, 10)]
    np.testing.assert_allclose(ratios, [0.8583, 0.9392, 0.9936, 0.9998], atol=1e-4)


def test_the_gradient_at_convergence_is_at_right_angles_to_the_kernel():
    draw = np.random.default_rng(0)
    kernel, x, slope = (draw.standard_normal(shape) for shape in ([7, 4], [6, 7], [6, 4]))
    left, singular, right = np.linalg.svd(kernel)
    layer = normalised(keras.layers.Dense(4), kernel, right[0], (7,))
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(layer(tf.constant(x, tf.float32)) * slope.astype(np.float32))
    found = tape.gradient(value, layer.layer.kernel.value).numpy()
    # Miyato et al. 2018, equation 12, by the singular vectors.
    plain = x.T @ slope
    along = np.sum(plain * kernel) / singular[0]
    expected = (plain - along * np.outer(left[:, 0], right[0])) / singular[0]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert abs(np.sum(found * kernel)) < 1e-4
    assert abs(np.sum(plain * kernel)) > 1  # of Keras's own layer, which leaves out a term


def test_a_table_has_a_number_of_u_for_every_class():
    # Of the table as a matrix with a column for each of 4 classes, 3 rows.
    table = np.cos(0.9 * np.arange(12)).reshape(4, 3)
    u = np.array([1.0, -2.0, 0.5, 0.25])
    layer = normalised(class_table.ClassTable(3, classes=4), table, u, ())
    v = table.T @ u / np.linalg.norm(table.T @ u)
    after = table @ v / np.linalg.norm(table @ v)
    sigma = after @ table @ v
    labels = [3, 1, 3]
    np.testing.assert_allclose(layer(tf.constant(labels)), table[labels] / sigma, rtol=1e-5)
    layer.update_statistics(1)
    np.testing.assert_allclose(layer.u, after, atol=1e-6)


def test_the_gradient_of_a_table_at_convergence_is_at_right_angles_to_it():
    draw = np.random.default_rng(0)
    table, slope = draw.standard_normal([5, 3]), draw.standard_normal([2, 3])
    u = np.linalg.svd(table)[0][:, 0]
    layer = normalised(class_table.ClassTable(3, classes=5), table, u, ())
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(layer(tf.constant([4, 1])) * slope.astype(np.float32))
    found = tape.gradient(value, layer.layer.kernel.value).numpy()
    assert np.abs(found).max() > 0.1
    assert abs(np.sum(found * table)) < 1e-5


@pytest.mark.parametrize("as_in_sagan", [False, True])
def test_in_sagan_derivatives_go_through_the_power_method(as_in_sagan):
    # Far from convergence, of sigma by one element of W.
    draw = np.random.default_rng(0)
    kernel, u = draw.standard_normal([7, 4]), draw.standard_normal(4)
    layer = spectral_normalisation.SpectralNormalization(
        keras.layers.Dense(4), as_in_sagan=as_in_sagan, dtype="float64"
    )
    layer.build((None, 7))
    layer.layer.kernel.assign(kernel)
    layer.u.assign(u)
    with tf.GradientTape() as tape:
        sigma = layer.spectral_norm()
    found = tape.gradient(sigma, layer.layer.kernel.value)[2, 1]

    def estimate(step):
        moved = kernel.copy()
        moved[2, 1] += step
        v = moved @ u / np.linalg.norm(moved @ u)
        return np.linalg.norm(moved.T @ v)

    slope = (estimate(1e-6) - estimate(-1e-6)) / 2e-6
    assert (abs(found - slope) < 1e-6) == as_in_sagan


def test_in_sagan_u_begins_without_large_numbers():
    largest = []
    for as_in_sagan in (False, True):
        keras.utils.set_random_seed(0)
        layer = spectral_normalisation.SpectralNormalization(
            keras.layers.Dense(1000), as_in_sagan=as_in_sagan
        )
        layer.build((None, 1))
        largest.append(np.abs(layer.u.numpy()).max())
        assert 0.8 < np.std(layer.u.numpy()) < 1.1
    assert largest[0] > 2 >= largest[1]


def test_a_layer_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="must be one of Dense, Conv2D.* got Embedding"):
        spectral_normalisation.SpectralNormalization(keras.layers.Embedding(3, 4))
