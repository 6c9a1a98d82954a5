"""The discriminator with reference attention: what its two branches share, and what they do not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers.attention import reference_attention, san
from dualcontrast.layers.stylegan2 import discriminator
from dualcontrast.losses import r1

REALS, FAKES, REFERENCES = (
    tf.random.stateless_normal([8, 16, 16, 3], [0, seed]) for seed in range(3)
)
ORDER = [2, 0, 3, 1, 6, 4, 7, 5]


def _network(pairing="reference", resolution=8, group=4):
    keras.utils.set_random_seed(7)
    attention = (
        san.SAN(patch_size=3)
        if pairing == "self"
        else reference_attention.ReferenceAttention(pairing, patch_size=3)
    )
    network = discriminator.Discriminator(16, 3, 64, 8, group, attention, resolution)
    network.build()
    return network


@pytest.mark.parametrize("resolution", [8, 16])
@pytest.mark.parametrize("pairing", reference_attention.PAIRINGS)
def test_what_is_prepared_once_serves_reals_and_fakes(pairing, resolution):
    network = _network(pairing, resolution)
    maps = network.encode(REFERENCES)
    assert [x.shape[1] for x in maps] == {8: [16, 8], 16: [16]}[resolution]
    prepared = network.prepare(maps)
    for images in (REALS, FAKES):
        found = network.judge(network.encode(images), prepared).logits
        np.testing.assert_allclose(found, network(images, REFERENCES), rtol=1e-5, atol=1e-6)


def test_an_image_that_is_its_own_reference_is_judged_by_self_attention():
    network, itself = _network(), _network("self")
    itself.set_weights(network.get_weights())
    np.testing.assert_allclose(network(REALS, REALS), itself(REALS), rtol=1e-5, atol=1e-6)


def test_the_order_of_the_pairs_means_nothing_and_that_of_the_references_does():
    network = _network(group=1)
    logits = network(REALS, REFERENCES)
    references = tf.gather(REFERENCES, ORDER)
    pairs = network(tf.gather(REALS, ORDER), references)
    np.testing.assert_allclose(pairs, tf.gather(logits, ORDER), rtol=1e-4, atol=1e-5)
    assert not np.allclose(network(REALS, references), logits, rtol=1e-2)


def test_both_branches_train_the_layers_that_they_share():
    network = _network()
    with tf.GradientTape(persistent=True) as tape:
        prepared = network.prepare(network.encode(REFERENCES))
        maps = network.encode(REALS)
        through_primary = tf.reduce_sum(network.judge(maps, _constants(prepared)).logits)
        constant = list(map(tf.stop_gradient, maps))
        through_reference = tf.reduce_sum(network.judge(constant, prepared).logits)
        logits = tf.reduce_sum(network.judge(maps, prepared).logits)
    kernel = network.from_rgb.kernel.value
    parts = [tape.gradient(x, kernel) for x in (through_primary, through_reference)]
    assert all(np.any(part) for part in parts)
    np.testing.assert_allclose(sum(parts), tape.gradient(logits, kernel), rtol=1e-3, atol=1e-5)


def _constants(prepared):
    return {name: tf.stop_gradient(x) for name, x in prepared.items()}


def test_r1_of_the_primary_teaches_the_references_branch():
    network = _network()
    watched = network.blocks[1].same.to_weights.kernel.value
    with tf.GradientTape() as tape:
        penalty = r1.r1_penalty(lambda images: network(images, REFERENCES), REALS)
    # With equation 8 the weights know the reference alone.
    assert np.any(tape.gradient(penalty, watched))


def test_missing_and_superfluous_references_are_refused():
    with pytest.raises(ValueError, match="this one needs references"):
        _network()(REALS)
    with pytest.raises(ValueError, match="this one takes no references"):
        _network("self")(REALS, REFERENCES)
