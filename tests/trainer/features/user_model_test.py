"""Networks of the user's own as extractors."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.features import user_model
from dualcontrast.trainer.features.extractor import Extraction

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 12, 12, 3), dtype=np.uint8)


def pooling(side: int | None = None, dtype: str = "float32") -> keras.Model:
    image = keras.Input((side, side, 3))
    return keras.Model(image, keras.layers.GlobalAveragePooling2D(dtype=dtype)(image))


@pytest.fixture(name="file")
def _file(tmp_path):
    pooling().save(tmp_path / "net.keras")
    return str(tmp_path / "net.keras")


def test_a_keras_file_sees_the_pixels_as_they_are(file):
    found = Extraction(user_model.load(file), 2)(IMAGES)
    np.testing.assert_allclose(found.table, IMAGES.mean(axis=(1, 2)), rtol=1e-5)
    assert found.logits is None


def test_an_input_of_a_fixed_size_gets_resized_images(tmp_path):
    pooling(side=6).save(tmp_path / "net.keras")
    extractor = user_model.load(str(tmp_path / "net.keras"))
    assert "bilinear to 6" in extractor.preparation
    expected = tf.image.resize(IMAGES, [6, 6]).numpy().mean(axis=(1, 2))
    np.testing.assert_allclose(Extraction(extractor, 4)(IMAGES).table, expected, rtol=1e-5)


def test_a_saved_model_may_return_features_and_logits(tmp_path):
    module = tf.Module()
    module.scale = tf.Variable(2.0)

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32, "images")])
    def serve(images):
        features = module.scale * tf.reduce_mean(images, axis=[1, 2])
        return {"features": features, "logits": -features}

    tf.saved_model.save(module, str(tmp_path / "net"), signatures=serve)
    found = Extraction(user_model.load(str(tmp_path / "net")), 2)(IMAGES)
    np.testing.assert_allclose(found.table, 2 * IMAGES.mean(axis=(1, 2)), rtol=1e-5)
    assert (found.logits == -found.table).all()


def test_grey_images_are_repeated_and_rgba_is_refused(file):
    extract = Extraction(user_model.load(file), 2)
    grey = extract(IMAGES[..., :1]).table
    np.testing.assert_allclose(grey, np.repeat(IMAGES[..., :1].mean(axis=(1, 2)), 3, 1), rtol=1e-5)
    with pytest.raises(UserError, match="RGB or grey images, received 4 channels"):
        extract(np.zeros((1, 8, 8, 4), np.uint8))


def test_features_of_half_precision_are_refused(tmp_path):
    pooling(dtype="float16").save(tmp_path / "net.keras")
    extract = Extraction(user_model.load(str(tmp_path / "net.keras")), 2)
    with pytest.raises(UserError, match="returns float16, expected float32"):
        extract(IMAGES)


def test_feature_maps_are_no_features(tmp_path):
    image = keras.Input((None, None, 3))
    keras.Model(image, keras.layers.ReLU()(image)).save(tmp_path / "net.keras")
    with pytest.raises(UserError, match=r"expected \[batch, size\]"):
        Extraction(user_model.load(str(tmp_path / "net.keras")), 2)(IMAGES)


def test_a_file_that_carries_code_is_not_run(tmp_path):
    image = keras.Input((8, 8, 3))
    code = keras.layers.Lambda(lambda x: x[:, 0, 0])
    keras.Model(image, code(image)).save(tmp_path / "net.keras")
    with pytest.raises(UserError, match="was not loaded"):
        user_model.load(str(tmp_path / "net.keras"))


@pytest.mark.parametrize("name", ["nothing", "text.keras", "folder"])
def test_what_is_no_model_is_refused(tmp_path, name):
    (tmp_path / "text.keras").write_text("no model")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="--extractor="):
        user_model.load(str(tmp_path / name))


def test_a_model_of_grey_images_is_refused(tmp_path):
    image = keras.Input((8, 8, 1))
    keras.Model(image, keras.layers.Flatten()(image)).save(tmp_path / "net.keras")
    with pytest.raises(UserError, match="expected images"):
        user_model.load(str(tmp_path / "net.keras"))
