"""Exports as a source of images: asked for no more at once than they give."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.tools.evaluation import saved_generator


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
