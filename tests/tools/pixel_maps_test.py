"""The picture of pixels' logits, of a run with a U-Net's discriminator."""

import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from dualcontrast.layers import networks
from dualcontrast.tools.attention import figures
from dualcontrast.tools.sampling import sampler
from dualcontrast.trainer import files, state
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import config_flags, schema, serialisation
from dualcontrast.trainer.errors import UserError

SMALL = {
    "data.resolution": 32,
    "data.channels": 3,
    "generator.latent_size": 4,
    "generator.width": 1,
    "discriminator.width": 1,
    "training.batch_size": 4,
}
LOOK = figures.Look([3, 5], None, 1.0, False)


ON_STYLEGAN2 = {
    "generator.w_size": 4,
    "generator.mapping_layers": 1,
    "data.channels": 3,
    "training.batch_size": 4,
    **{f"{network}.fmap_base": 16 for network in ("generator", "discriminator")},
    **{f"{network}.fmap_max": 4 for network in ("generator", "discriminator")},
}


def saved(folder, changes=None, experiment="unetgan_scenes32", sizes=None, side=32):
    """A run that was saved before it was trained."""
    sizes = SMALL if sizes is None else sizes
    config = schema.replace(config_flags.load(experiment), sizes | (changes or {}))
    config = schema.resolve(config, side, 3, 3 if config.data.labels else 0)
    trained = state.State(config)
    trained.images_seen.assign(4000)
    checkpoint.Checkpoints(folder, trained, keep=1).save()
    files.write(folder / checkpoint.CONFIG_NAME, serialisation.to_json(config))
    return folder


def test_each_pixel_of_generated_and_of_real_images_is_grey_by_its_logit(tmp_path, write_labelled):
    run = saved(tmp_path / "run")
    reals = np.random.default_rng(0).integers(0, 256, [4, 32, 32, 3]).astype(np.uint8)
    dataset = write_labelled(tmp_path / "data", reals, [0, 0, 0, 0], ["one"])
    (line,) = figures.of_run(str(run), dataset, LOOK, tmp_path / "out")
    assert "pixels.png with 2 rows; pixels, from 0 for fake to 1 for real" in line
    picture = np.asarray(Image.open(tmp_path / "out" / "pixels.png"))
    _, prefix = checkpoint.locate(run)
    generator, _, _ = checkpoint.load_average(str(prefix))
    judge = checkpoint.load_discriminator(str(prefix))
    record = json.loads((tmp_path / "out" / "attention.json").read_text())["pixels"]["rows"]
    for row, seed in enumerate((3, 5)):
        made = next(sampler.Sampler(generator, 1.0, random_noise=False).from_seeds([seed]))
        floats = tf.cast(made[None], tf.float32) / 127.5 - 1
        logits = judge.outputs(networks.Batch(floats)).pixel_logits[0]
        expected = (255 / (1 + np.exp(-logits))).round()
        # Panels of 160 pixels: a head of 20, gaps of 8, frames of 4; the second one is grey.
        top, left = 8 + 20 + 4 + row * 176, 8 + 176 + 4
        panel = picture[top : top + 160, left : left + 160]
        np.testing.assert_allclose(panel[2::5, 2::5, 0], expected, atol=1)
        assert record[row]["seed"] == seed
        assert record[row]["generated"] == pytest.approx(expected.mean() / 255, abs=0.01)
        assert 0 < record[row]["real"] < 1


def test_reals_of_classes_are_refused_and_generated_images_have_their_own(tmp_path, write_labelled):
    run = saved(tmp_path / "run", {"data.labels": True})
    reals = np.zeros([3, 32, 32, 3], np.uint8)
    dataset = write_labelled(tmp_path / "data", reals, [0, 1, 2], ["a", "b", "c"])
    with pytest.raises(UserError, match="--data has no place here: .* by their image's class"):
        figures.of_run(str(run), dataset, LOOK, tmp_path / "out")
    (line,) = figures.of_run(str(run), None, LOOK, tmp_path / "out")
    assert "in the mean: generated 0." in line


def test_on_stylegan2s_networks_a_group_is_judged_together_as_in_training(tmp_path):
    run = saved(tmp_path / "run", None, "unetgan_stylegan2", ON_STYLEGAN2, 8)
    seeds = [3, 5, 6, 9, 11, 12]  # in groups of three, the largest up to four that are alike
    look = figures.Look(seeds, None, 1.0, False)
    (line,) = figures.of_run(str(run), None, look, tmp_path / "out")
    assert line.endswith("; judged 3 at a time")
    _, prefix = checkpoint.locate(run)
    generator, _, _ = checkpoint.load_average(str(prefix))
    judge = checkpoint.load_discriminator(str(prefix))
    made = sampler.Sampler(generator, 1.0, random_noise=False).from_seeds(seeds)
    floats = tf.cast(np.stack(list(made)), tf.float32) / 127.5 - 1

    def means(images):
        logits = judge.outputs(networks.Batch(images)).pixel_logits
        return tf.reduce_mean(tf.sigmoid(logits), axis=[1, 2]).numpy()

    record = json.loads((tmp_path / "out" / "attention.json").read_text())["pixels"]
    assert record["judged_at_a_time"] == 3
    found = [row["generated"] for row in record["rows"]]
    np.testing.assert_allclose(found, means(floats), rtol=1e-5)
    alone = np.concatenate([means(image[None]) for image in floats])
    assert np.abs(found - alone).min() > 1e-4
