"""Reference attention: which image decides what."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers.attention import reference_attention, san

PRIMARY = tf.random.stateless_normal([3, 5, 5, 8], [0, 1], dtype=tf.float64)
REFERENCE = tf.random.stateless_normal([3, 5, 5, 8], [0, 2], dtype=tf.float64)
every_pairing = pytest.mark.parametrize("pairing", reference_attention.PAIRINGS)


def _layer(pairing):
    keras.utils.set_random_seed(5)
    layer = reference_attention.ReferenceAttention(pairing, patch_size=3, dtype="float64")
    layer.build(PRIMARY.shape)
    return layer


@every_pairing
def test_an_image_that_is_its_own_reference_attends_to_itself(pairing):
    layer = _layer(pairing)
    itself = san.SAN(patch_size=3, dtype="float64")
    itself.build(PRIMARY.shape)
    itself.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(PRIMARY, PRIMARY), itself(PRIMARY), atol=1e-13)


@every_pairing
def test_a_reference_prepared_once_serves_any_number_of_primaries(pairing):
    layer = _layer(pairing)
    prepared = layer.prepare(REFERENCE)
    for primary in (PRIMARY, PRIMARY[::-1]):
        found, weights = layer.compare(primary, prepared, return_weights=True)
        expected, expected_weights = layer(primary, REFERENCE, return_weights=True)
        np.testing.assert_allclose(found, expected, atol=1e-13)
        np.testing.assert_allclose(weights, expected_weights, atol=1e-13)


def test_in_equation_8_the_reference_alone_makes_the_weights():
    layer = _layer("reference")
    assert set(layer.prepare(REFERENCE)) == {"weights"}
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([PRIMARY, REFERENCE])
        out, weights = layer(PRIMARY, REFERENCE, return_weights=True)
    assert tape.gradient(weights, PRIMARY) is None
    assert np.any(tape.gradient(weights, REFERENCE)) and np.any(tape.gradient(out, REFERENCE))


def test_equation_8_is_homogeneous_in_the_primary():
    layer = _layer("reference")
    scaled, once = layer(2.5 * PRIMARY, REFERENCE), layer(PRIMARY, REFERENCE)
    np.testing.assert_allclose(scaled, 2.5 * once, rtol=1e-12)


@pytest.mark.parametrize("pairing", ["supplement_1", "supplement_2"])
def test_in_the_supplement_both_make_the_weights(pairing):
    layer = _layer(pairing)
    with tf.GradientTape() as tape:
        tape.watch([PRIMARY, REFERENCE])
        _, weights = layer(PRIMARY, REFERENCE, return_weights=True)
    assert all(np.any(gradient) for gradient in tape.gradient(weights, [PRIMARY, REFERENCE]))


def test_in_the_supplements_first_variant_the_values_are_the_references():
    layer = _layer("supplement_1")
    # Without keys' weights, nothing but the residual is left of the primary.
    layer.hidden_kernel.assign(tf.zeros_like(layer.hidden_kernel))
    attended = layer(PRIMARY, REFERENCE) - PRIMARY
    other = layer(PRIMARY[::-1], REFERENCE) - PRIMARY[::-1]
    np.testing.assert_allclose(attended, other, atol=1e-12)


@every_pairing
def test_every_image_has_its_own_reference(pairing):
    layer, order = _layer(pairing), [2, 0, 1]
    together = layer(tf.gather(PRIMARY, order), tf.gather(REFERENCE, order))
    np.testing.assert_allclose(together, tf.gather(layer(PRIMARY, REFERENCE), order), atol=1e-13)
    assert not np.allclose(layer(PRIMARY, tf.gather(REFERENCE, order)), layer(PRIMARY, REFERENCE))


def test_maps_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match="must be of one shape"):
        reference_attention.ReferenceAttention()(tf.zeros([1, 8, 8, 8]), tf.zeros([1, 16, 16, 8]))
