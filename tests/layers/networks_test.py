"""What a family of one's own gets from the two networks' base classes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.trainer import state
from dualcontrast.trainer.errors import UserError


class Generator(networks.Generator):
    """No `build` of its own."""

    def __init__(self, classes: int, **kwargs):
        super().__init__(**kwargs)
        self.resolution, self.channels, self.latent_size, self.classes = 8, 3, 5, classes
        self.dense = keras.layers.Dense(8 * 8 * 3, name="dense", dtype=self.dtype_policy)
        if classes:
            self.embedding = keras.layers.Embedding(classes, 5, name="embedding")

    def call(self, z, labels=None):
        networks.check_labels(self, self.classes, labels)
        x = self.dense(z + self.embedding(labels) if self.classes else z)
        return tf.reshape(tf.cast(x, tf.float32), [-1, 8, 8, 3])


class Discriminator(networks.Discriminator):
    """No `build` of its own."""

    def __init__(self, classes: int, **kwargs):
        super().__init__(**kwargs)
        self.resolution, self.channels, self.classes = 8, 3, classes
        self.logit = keras.layers.Dense(1, name="logit", dtype=self.variable_dtype)

    def features(self, images):
        return tf.reshape(tf.cast(images, tf.float32), [-1, 8 * 8 * 3])

    def logits_of(self, features, labels=None):
        networks.check_labels(self, self.classes, labels)
        return self.logit(features)[:, 0]


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("classes, embedded", [(0, []), (4, ["embedding.embeddings"])])
def test_variables_are_made_without_a_build_of_the_family(classes, embedded, dtype):
    generator = Generator(classes, name="generator", dtype=dtype)
    discriminator = Discriminator(classes, name="discriminator", dtype=dtype)
    for network in (generator, discriminator):
        network.build()
        assert network.built
    expected = {"dense.kernel", "dense.bias", *embedded}
    assert set(state.variables_of(generator)) == expected
    assert set(state.variables_of(discriminator)) == {"logit.kernel", "logit.bias"}
    assert {v.dtype for v in generator.variables} == {"float32"}


def test_a_network_that_is_called_first_has_the_same_variables():
    built, called = (Generator(0, name="generator") for _ in range(2))
    built.build()
    images = called(np.zeros([2, 5], np.float32))
    assert images.shape == [2, 8, 8, 3]
    assert [v.path for v in called.variables] == [v.path for v in built.variables]


def test_layers_without_names_are_refused():
    networks_made = [Generator(0, name="generator"), Generator(0, name="average")]
    for network in networks_made:
        network.dense = keras.layers.Dense(8 * 8 * 3)
        network.build()
    with pytest.raises(UserError, match="has another name each time.*give every layer a name"):
        state.check_names(*networks_made)
    state.check_names(*(_built(name) for name in ("generator", "average")))


def _built(name):
    network = Generator(0, name=name)
    network.build()
    return network
