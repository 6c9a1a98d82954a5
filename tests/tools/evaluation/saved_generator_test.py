"""Exports as a source of images: asked for no more at once than they give."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.tools.evaluation import saved_generator
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation.fake_labels import Frequencies


def save(folder: str, bound: int | None) -> str:
    """Saves a stand-in for an export, whose images are z and which refuses more than `bound`."""
    module = tf.Module()
    if bound is not None:
        module.max_batch = tf.Variable(bound, trainable=False)

    def latents(z, truncation_psi):
        count = tf.shape(z)[0]
        with tf.control_dependencies([tf.debugging.Assert(count <= (bound or 16), [count])]):
            return {"images": truncation_psi * tf.reshape(z, [-1, 2, 2, 1])}

    specs = [tf.TensorSpec([None, 4], name="z"), tf.TensorSpec([], name="truncation_psi")]
    function = tf.function(latents, input_signature=specs, autograph=False)
    tf.saved_model.save(module, folder, signatures={"latents": function})
    return folder


def images(folder: str) -> np.ndarray:
    found = saved_generator.open_model(folder, seed=3, truncation_psi=0.5)
    return np.concatenate(list(found.images(20).read()))


@pytest.mark.parametrize("bound", [1, 5, 16, 100])
def test_a_model_is_asked_for_no_more_than_its_bound(tmp_path, bound):
    whole = images(save(str(tmp_path / "older"), None))
    assert whole.shape == (20, 2, 2, 1)
    assert (images(save(str(tmp_path / "bound"), bound)) == whole).all()


def save_conditional(folder: str, names=("cat", "dog")) -> str:
    """Saves a stand-in for the export of SNGAN with classes: no mapping, images of the labels."""
    module = tf.Module()
    module.max_batch = tf.Variable(5, trainable=False)
    if names:
        module.classes = tf.Variable(names, trainable=False)

    def latents(z, labels):
        images = tf.zeros([tf.shape(z)[0], 2, 2, 1]) + tf.cast(labels, z.dtype)[:, None, None, None]
        with tf.control_dependencies([tf.debugging.Assert(tf.size(labels) <= 5, [labels])]):
            return {"images": images / 10 + 0 * z[:, 0, None, None, None]}

    specs = [tf.TensorSpec([None, 4], name="z"), tf.TensorSpec([None], tf.int64, "labels")]
    function = tf.function(latents, input_signature=specs, autograph=False)
    tf.saved_model.save(module, folder, signatures={"latents": function})
    return folder


def test_a_model_with_classes_is_given_labels(tmp_path):
    folder = save_conditional(str(tmp_path / "model"))
    source = saved_generator.open_model(folder, seed=3, truncation_psi=1.0)
    assert source.classes == ("cat", "dog")
    frequencies = Frequencies("data", (1, 1))
    content = np.concatenate(list(source.images(20, frequencies).read()))
    labels = frequencies.labels(tf.range(20, dtype=tf.int64) + 3 * 2**32).numpy()
    assert set(labels) == {0, 1}
    # Of 0.1 and of 0 in [-1, 1]: 127.5 is a tie, which goes to the even one.
    assert (content[:, 0, 0, 0] == np.where(labels, 140, 128)).all()
    drawn = source.images(20, frequencies).protocol
    assert drawn["labels"] == {"drawn": "data", "counts": [1, 1]}
    assert drawn["kind"] == "saved_model" and drawn["truncation_psi"] == 1.0


def test_a_model_is_not_asked_for_what_it_does_not_take(tmp_path):
    folder = save_conditional(str(tmp_path / "model"))
    with pytest.raises(UserError, match="--truncation_psi=0.5: this generator has no mapping"):
        saved_generator.open_model(folder, seed=3, truncation_psi=0.5)
    nameless = save_conditional(str(tmp_path / "nameless"), names=())
    with pytest.raises(UserError, match="takes labels and does not name its classes"):
        saved_generator.open_model(nameless, seed=3, truncation_psi=1.0)
    plain = saved_generator.open_model(save(str(tmp_path / "plain"), 5), seed=3, truncation_psi=0.5)
    assert plain.classes == () and "labels" not in plain.images(20).protocol
