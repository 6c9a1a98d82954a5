"""Images of datasets and generators as they are measured."""

import dataclasses
import json
import math

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers.stylegan2.generator import Generator
from dualcontrast.trainer import pictures, seeds
from dualcontrast.trainer.data import image_stream
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import generated, image_set


def everything(images: image_set.ImageSet) -> np.ndarray:
    return np.concatenate(list(images.read()))


def test_a_dataset_is_read_in_stored_order(dataset):
    images = image_set.of_dataset(dataset, None, most=70)
    assert (images.count, images.resolution, images.channels) == (70, 8, 3)
    assert (everything(images) == image_stream.first_images(dataset, 70)).all()
    assert image_set.of_dataset(dataset, 96, most=70).count == 96


def test_mirroring_flips_by_a_coin_of_the_seed(dataset):
    plain = everything(image_set.of_dataset(dataset, 96, 96))
    flipped = everything(image_set.of_dataset(dataset, 96, 96, mirror=True, seed=3))
    same = [(a == b).all() for a, b in zip(plain, flipped)]
    turned = [(a[:, ::-1] == b).all() for a, b in zip(plain, flipped)]
    assert all(a or b for a, b in zip(same, turned)) and 30 < sum(turned) < 66
    fewer = everything(image_set.of_dataset(dataset, 70, 70, mirror=True, seed=3))
    assert (fewer == flipped[:70]).all()


def test_the_protocol_tells_datasets_and_their_use_apart(dataset):
    shards = [dataclasses.replace(shard, sha256="0" * 64) for shard in dataset.shards]
    replaced = dataclasses.replace(dataset, shards=tuple(shards))
    found = [
        image_set.of_dataset(dataset, 96, 96),
        image_set.of_dataset(replaced, 96, 96),
        image_set.of_dataset(dataset, 95, 96),
        image_set.of_dataset(dataset, 96, 96, mirror=True),
        image_set.of_dataset(dataset, 96, 96, mirror=True, seed=1),
    ]
    assert len({str(images.protocol) for images in found}) == len(found)
    moved = dataclasses.replace(dataset, folder=dataset.folder / "elsewhere")
    assert image_set.of_dataset(moved, 96, 96).protocol == found[0].protocol


def test_images_are_drawn_without_repetition_and_the_same_ones_again(dataset):
    images = image_set.of_dataset(dataset, 70, 70)
    stored = [image.tobytes() for image in everything(images)]
    drawn = [image.tobytes() for image in image_set.draw(images, 20)]
    assert len(set(drawn)) == 20 and set(drawn) <= set(stored)
    assert drawn == [image.tobytes() for image in image_set.draw(images, 20)]
    assert drawn != [image.tobytes() for image in image_set.draw(images, 20, seed=1)]
    # In the order of the draw: more of them begin with the same ones.
    every = [image.tobytes() for image in image_set.draw(images, 1000)]
    assert every[:20] == drawn and sorted(every) == sorted(stored) != stored


def test_more_images_than_there_are_are_refused(dataset):
    with pytest.raises(UserError, match="has 96 images, asked for 97"):
        image_set.of_dataset(dataset, 97, most=1000)


def test_damage_is_named_by_its_shard(dataset, tmp_path):
    path = dataset.path(dataset.shards[0])
    copy = tmp_path / path.name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    copy.write_bytes(content)
    for shard in dataset.shards[1:]:
        (tmp_path / shard.name).write_bytes(dataset.path(shard).read_bytes())
    (tmp_path / "manifest.json").write_bytes((dataset.folder / "manifest.json").read_bytes())
    damaged = dataclasses.replace(dataset, folder=tmp_path)
    with pytest.raises(UserError, match="images-00000-of-00003.tfrecord is damaged"):
        everything(image_set.of_dataset(damaged, 96, 96))


@pytest.mark.parametrize("resolution, channels", [(16, 3), (8, 1)])
def test_images_of_two_kinds_are_not_compared(dataset, resolution, channels):
    fakes = image_set.of_dataset(dataset, 96, 96)
    with pytest.raises(UserError, match=f"images of 8x8x3, data of {resolution}x"):
        image_set.check_alike(("data", resolution, channels), fakes)


@pytest.fixture(name="generator", scope="module")
def _generator() -> Generator:
    made = Generator(8, latent_size=4, w_size=4, mapping_layers=1, fmap_base=32, fmap_max=4)
    made.build()
    for layer in made.synthesis.layers:
        layer.strength.assign(0.5)
    return made


def test_generated_images_are_those_of_their_seeds(generator):
    images = generated.of_generator(generator, "run", 0).images(20)
    numbers = tf.range(20, dtype=tf.int64)
    noise = seeds.noise(numbers, generator.synthesis.noise_sides)
    expected = pictures.to_uint8(
        generator(seeds.latents(numbers, 4, "normal"), noise=noise)
    ).numpy()
    found = everything(images)
    assert found.shape == (20, 8, 8, 3)
    assert abs(found.astype(int) - expected).max() <= 1  # next to a tie
    assert (everything(images) == found).all()
    fewer = everything(generated.of_generator(generator, "run", 0).images(5))
    assert (fewer == found[:5]).all()


@pytest.mark.parametrize("change", [{"seed": 1}, {"truncation_psi": 0.5}, {"random_noise": False}])
def test_what_changes_images_changes_the_protocol(generator, change):
    plain = generated.of_generator(generator, "run", 0).images(16)
    other = generated.of_generator(generator, "run", 0, **change).images(16)
    assert (everything(plain) != everything(other)).any()
    assert plain.protocol != other.protocol


def test_a_generator_without_classes_has_the_protocol_that_results_are_kept_under(generator):
    source = generated.of_generator(generator, "run", 7, seed=2, truncation_psi=0.5)
    weights = generated.weights_digest(generator)
    # To the byte, as of before there were classes.
    assert json.dumps(source.images(16).protocol) == (
        f'{{"kind": "generator", "images_seen": 7, "weights": "{weights}", "count": 16, "seed": 2,'
        ' "truncation_psi": 0.5, "noise": "random", "resolution": 8, "channels": 3}'
    )


def test_an_image_that_is_not_finite_is_named():
    def draw(numbers):
        value = tf.where(numbers == 19, math.nan, 0.0)
        return tf.zeros([16, 8, 8, 3]) + tf.cast(value, tf.float32)[:, None, None, None]

    with pytest.raises(UserError, match="run: image 19 of seed 0 holds NaN"):
        list(generated.batches(draw, "run", 30, 0))
