"""Batch normalisation: by which moments, and what moves them. Literals by hand."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers import batch_normalisation

BATCH = [[1.0, -2.0], [3.0, 5.0], [-4.0, 0.5], [2.0, 2.5]]
# Of the moments (0.5, 7.25) and (1.5, 6.625).
BY_BATCH = [[0.46514837, -0.96742381], [1.92574186, 0.36742381], [-3.18633535, -0.49069252]]
# Of the moments (1, 3) and (2, 4).
BY_KEPT = [[0.1, -1.27014250], [2.31880078, 0.42760688], [-5.44700196, -0.66380344]]


@pytest.fixture(name="layer")
def _layer():
    found = batch_normalisation.BatchNormalization(decay=0.75, epsilon=0.25)
    found.build((None, 2))
    for variable, values in zip(found.variables, ([2, 0.5], [0.1, -0.3], [1, 2], [3, 4])):
        variable.assign(values)
    return found


def test_evaluation_is_by_the_kept_moments(layer):
    np.testing.assert_allclose(layer(tf.constant(BATCH))[:3], BY_KEPT, rtol=1e-5)


def test_training_is_by_the_moments_of_the_batch_and_moves_nothing(layer):
    np.testing.assert_allclose(layer(tf.constant(BATCH), training=True)[:3], BY_BATCH, rtol=1e-5)
    np.testing.assert_array_equal(layer.mean, [1, 2])
    np.testing.assert_array_equal(layer.variance, [3, 4])


def test_what_is_tracked_moves_towards_the_batch(layer):
    layer(tf.constant(BATCH), training=True, track=True)
    np.testing.assert_allclose(layer.mean, [0.875, 1.875], rtol=1e-6)
    np.testing.assert_allclose(layer.variance, [4.0625, 4.65625], rtol=1e-6)


@pytest.mark.parametrize("most, mean", [(0.0, 0.5), (0.5, 0.75), (0.9, 0.875)])
def test_the_kept_moments_can_be_made_to_count_for_less(layer, most, mean):
    with batch_normalisation.keeping_at_most(most):  # Of means 1 and 0.5; the decay is 0.75.
        layer(tf.constant(BATCH), training=True, track=True)
    np.testing.assert_allclose(layer.mean[0], mean, rtol=1e-6)


def test_the_replicas_have_the_moments_and_derivatives_of_the_whole_batch(layer, strategy_of):
    strategy = strategy_of(2)
    with strategy.scope():
        two = batch_normalisation.BatchNormalization(decay=0.75, epsilon=0.25)
        two.build((None, 2))
    for variable, source in zip(two.variables, layer.variables):
        variable.assign(source.numpy())
    slopes = np.arange(8, dtype=np.float32).reshape(4, 2) ** 2

    def slope(found, x, along, **how):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = tf.reduce_sum(found(x, training=True, **how) * along)
        return tape.gradient(value, x)

    @tf.function(autograph=False)
    def step():
        def replica():
            number = tf.distribute.get_replica_context().replica_id_in_sync_group
            rows = 2 * tf.range(2) + number
            return slope(two, tf.gather(BATCH, rows), tf.gather(slopes, rows), track=True)

        return strategy.experimental_local_results(strategy.run(replica))

    expected = slope(layer, tf.constant(BATCH), slopes)
    for number, found in enumerate(step()):
        np.testing.assert_allclose(found, expected[number::2], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(two.mean.numpy(), [0.875, 1.875], rtol=1e-6)


def test_every_class_has_a_scale_and_a_shift_of_its_own():
    draw = np.random.default_rng(0)
    x = draw.standard_normal([4, 2, 3, 2])
    gamma, beta = draw.standard_normal([2, 3, 2])
    labels = [2, 0, 0, 1]
    layer = batch_normalisation.BatchNormalization(epsilon=0.25, classes=3, dtype="float64")
    layer.build(x.shape)
    np.testing.assert_array_equal(layer.gamma, np.ones([3, 2]))
    np.testing.assert_array_equal(layer.beta, np.zeros([3, 2]))
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    # The moments are of all classes.
    unit = (x - x.mean(axis=(0, 1, 2))) / np.sqrt(x.var(axis=(0, 1, 2)) + 0.25)
    expected = [unit[i] * gamma[label] + beta[label] for i, label in enumerate(labels)]
    found = layer(tf.constant(x), labels=tf.constant(labels), training=True)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("classes, named", [(3, "needs labels of its 3 classes"), (0, "has no")])
def test_labels_are_given_where_there_are_classes_and_only_there(classes, named):
    layer = batch_normalisation.BatchNormalization(classes=classes)
    with pytest.raises(ValueError, match=named):
        layer(tf.constant(BATCH), labels=None if classes else tf.constant([0] * 4))
