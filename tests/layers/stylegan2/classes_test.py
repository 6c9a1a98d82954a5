"""StyleGAN2 with classes, against a NumPy program of what StyleGAN2-ADA's does with labels."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers.stylegan2 import discriminator, generator, mapping_network

LABELS = np.array([2, 0, 1, 2])
SIZES = {"fmap_base": 16, "fmap_max": 6, "classes": 3}
IMAGES = np.random.default_rng(2).uniform(-1, 1, [4, 8, 8, 3]).astype(np.float32)


def _filled(network):
    draw = np.random.default_rng(0)
    for variable in network.variables:
        # Mapping layers have large variables and a small multiplier.
        scale = 100 if "mapping/dense" in variable.path else 1
        variable.assign(scale * draw.standard_normal(variable.shape))
    return network


def _normalised(x):
    return x / np.sqrt(np.mean(x**2, axis=1, keepdims=True) + 1e-8)


def _dense(layer, x, multiplier=1.0):
    kernel, bias = (v.numpy().astype(np.float64) for v in (layer.kernel, layer.bias))
    return x @ (kernel * multiplier / np.sqrt(len(kernel))) + bias * multiplier


def _mapped(network, *parts):
    """Returns w of normalised parts: z's, if there is one, then the label's."""
    embedded = _dense(network.embedding, np.eye(3)[LABELS])
    x = np.concatenate([_normalised(part) for part in (*parts, embedded)], axis=1)
    for layer in network.dense:
        x = _dense(layer, x, network.learning_rate_multiplier)
        x = np.where(x > 0, x, 0.2 * x) * np.sqrt(2)
    return x


@pytest.fixture(name="judge", scope="module")
def _judge():
    network = discriminator.Discriminator(8, **SIZES)
    network.build()
    return _filled(network)


def test_the_embedding_of_a_label_stands_beside_z_normalised_for_itself():
    network = mapping_network.MappingNetwork(5, 2, 0.01, classes=3, name="mapping")
    network.build((None, 4))
    _filled(network)
    z = np.random.default_rng(1).standard_normal([4, 4])
    found = network(tf.constant(z, tf.float32), tf.constant(LABELS))
    np.testing.assert_allclose(found, _mapped(network, z), rtol=1e-4, atol=1e-5)


def test_the_logit_is_the_product_of_features_and_a_mapping_of_the_label(judge):
    heard = []
    layer = judge.logit
    original, layer.call = layer.call, lambda x: heard.append(x) or original(x)
    found = judge(IMAGES, labels=tf.constant(LABELS))
    layer.call = original
    features = _dense(layer, heard[0].numpy())
    expected = np.sum(features * _mapped(judge.label_mapping), axis=1) / np.sqrt(6)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_the_mapping_of_the_label_has_eight_layers_at_a_hundredth_of_the_rate(judge):
    mapping = judge.label_mapping
    assert len(mapping.dense) == 8 and mapping.learning_rate_multiplier == 0.01
    assert judge.logit.units == mapping.w_size == 6


def test_only_its_own_label_moves_an_image(judge):
    before = judge(IMAGES, labels=tf.constant(LABELS)).numpy()
    after = judge(IMAGES, labels=tf.constant([2, 0, 0, 2])).numpy()
    assert (before != after).tolist() == [False, False, True, False]


def test_a_class_has_images_of_its_own_and_mixing_stays_in_it():
    network = generator.Generator(8, latent_size=4, w_size=5, mapping_layers=2, **SIZES)
    network.build()
    _filled(network)
    z = tf.random.stateless_normal([4, 4], [0, 1])
    inputs = {"z": z, "mixed_z": z[::-1], "cutoffs": tf.constant([1, 2, 4, 4]), "labels": LABELS}
    mixed = network.mixed_latents(inputs)
    one, other = network.mapping(z, LABELS), network.mapping(z[::-1], LABELS)
    np.testing.assert_array_equal(mixed[0, 0], one[0])
    np.testing.assert_array_equal(mixed[0, 1], other[0])
    np.testing.assert_array_equal(mixed[2, 3], one[2])
    other = network(z, LABELS) - network(z, tf.constant([2, 2, 1, 2]))
    assert np.any(other, axis=(1, 2, 3)).tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    "classes, labels, expected", [(3, None, "needs labels"), (0, [0], "no cl")]
)
def test_labels_are_given_where_there_are_classes_and_only_there(classes, labels, expected):
    network = discriminator.Discriminator(8, **SIZES | {"classes": classes})
    network.build()
    with pytest.raises(ValueError, match=expected):
        network(IMAGES[:1], labels=labels)
