"""U-Net GAN on StyleGAN2's networks in the trainer: its steps, several devices, what is refused."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer import dry_run, state, steps
from dualcontrast.trainer.config import config_flags, schema
from dualcontrast.trainer.errors import UserError

TINY = {
    "generator.latent_size": 4,
    "generator.w_size": 4,
    "generator.mapping_layers": 1,
    "generator.fmap_base": 16,
    "generator.fmap_max": 4,
    "discriminator.fmap_base": 16,
    "discriminator.fmap_max": 4,
    "discriminator.label_layers": 1,
    "training.batch_size": 8,
    "cutmix.warmup_images": 0,
    "cutmix.probability": 1.0,
}
IMAGES = np.random.default_rng(0).integers(0, 256, [8, 8, 8, 3]).astype(np.uint8)
LABELS = np.array([2, 0, 1, 2, 2, 1, 0, 0])
R1 = steps.Step(steps.DISCRIMINATOR, None, 16)


def tiny(changes=None, classes=0, side=8):
    config = schema.replace(config_flags.load("unetgan_stylegan2"), TINY | (changes or {}))
    config = schema.replace(config, {"data.labels": bool(classes)})
    return schema.resolve(config, side, 3, classes)


@pytest.fixture(autouse=True)
def _eagerly(eagerly):
    """Compiling the steps would take several times as long."""


def test_an_iteration_trains_every_variable_on_mixed_images_with_r1_and_path_lengths():
    config = tiny(classes=3)
    built = state.State(config)
    trainer = steps.Steps(config, built, tf.distribute.get_strategy())
    before = {name: value.numpy() for name, value in built.named_variables().items()}
    shown = steps.Shown(tf.constant(IMAGES), None, tf.constant(LABELS))
    metrics = trainer.iterate([shown], 0)
    assert {"cutmix/image", "cutmix/pixels", "loss/G", "r1", "path_length"} <= set(metrics)
    assert "loss/D" not in metrics
    after = built.named_variables()
    same = {name for name, old in before.items() if np.array_equal(old, after[name].numpy())}
    assert {name for name in same if name.startswith("discriminator/")} == set()


@pytest.mark.parametrize(
    "step",
    [
        steps.Step(steps.GENERATOR, "train"),
        steps.Step(steps.DISCRIMINATOR, "train", mixed=True),
        R1,
    ],
    ids=["generator", "mixed images", "R1"],
)
def test_two_devices_make_the_step_of_one(step, first_step, assert_same_step):
    # Every second image is a device's, and a group of the deviation.
    one, two = (first_step(tiny(), step, replicas, IMAGES) for replicas in (1, 2))
    assert_same_step(one, two)


def test_r1_is_of_pixels_too(first_step):
    after = first_step(tiny(), R1, 1, IMAGES)
    moved = {name for name, x in after.items() if name.endswith("velocity") and np.any(x)}
    kernels = {name for name in moved if "kernel" in name}
    for part in ("from_rgb", "decoder8x8_conv0", "decoder8x8_skip", "pixel_logit"):
        assert any(part in name for name in kernels), part


@pytest.mark.parametrize("classes", [0, 3])
def test_the_dry_run_counts_every_variable(classes):
    network = state.make_discriminator(tiny(classes=classes))
    table = [*dry_run.discriminator_rows(network)]
    expected = sum(int(np.prod(v.shape)) for v in network.trainable_variables)
    assert sum(row.parameters for row in table) == expected
    work = {row.name: row.multiply_adds for row in table}
    # Four maps of either at 8x8, nine taps, to four.
    assert work["decoder8x8/conv0"] == 8 * 8 * 9 * (4 + 4) * 4


def test_the_layers_next_to_the_image_can_be_frozen_and_the_decoder_is_none_of_them():
    config = tiny({"training.freeze_discriminator_layers": 5})
    network = state.make_discriminator(config)
    trained = {variable.path.split("/")[1] for variable in network.trainable_variables}
    assert trained == {"4x4_dense", "logit", "decoder8x8", "pixel_logit"}


@pytest.mark.parametrize(
    "changes, side, named",
    [
        ({}, 24, "data.resolution: got 24, expected a power of two"),
        ({"discriminator.fmap_base": 2}, 8, "discriminator.fmap_base: 2 leaves no feature map"),
        ({"training.accumulation": 4}, 8, "too few for groups of 4"),
        ({"discriminator.attention.pairing": "self"}, 8, "unknown config field .* unet_stylegan2"),
        ({"loss": "contrad"}, 8, "contrasts projections, and the unet_stylegan2"),
        ({"adversarial_features.fake_gamma": 0.1}, 8, "in the unet_stylegan2 discriminator"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes, side, named):
    with pytest.raises(UserError, match=named) as caught:
        tiny(changes, side=side)
    assert len(str(caught.value).splitlines()) == 1
