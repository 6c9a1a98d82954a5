"""The stream of images is a function of (dataset, seed, position), and damage in it is named."""

import collections
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer.data import image_stream, manifest, records
from dualcontrast.trainer.errors import UserError

COUNT = 96


def stream(dataset, images, *, start=0, batch=8, seed=0, mirror=False) -> np.ndarray:
    """The images from `start` on, uint8 [images, 8, 8, 3]."""
    batches = image_stream.image_batches(
        dataset, batch_size=batch, seed=seed, start_image=start, mirror=mirror
    )
    found = list(batches.take(-(-images // batch)).as_numpy_iterator())
    return np.concatenate(found)[:images]


def labelled_stream(dataset, images, start=0, mirror=True) -> tuple[np.ndarray, np.ndarray]:
    """The images from `start` on with their labels, int64 [images]; 8 divides `images`."""
    batches = image_stream.labelled_batches(
        dataset, batch_size=8, seed=0, start_image=start, mirror=mirror
    )
    found = list(batches.take(images // 8).as_numpy_iterator())
    return tuple(map(np.concatenate, zip(*found)))


def sums(images) -> np.ndarray:
    """What the labels of the labelled dataset are, mirrored or not."""
    return images.sum(axis=(1, 2, 3), dtype=np.int64) % 5


def keys(images) -> list[bytes]:
    return [image.tobytes() for image in images]


@pytest.fixture(scope="module")
def stored(dataset) -> np.ndarray:
    """All images in stored order."""
    return image_stream.first_images(dataset, COUNT)


@pytest.fixture(params=[image_stream.CHUNK_BYTES, 1], ids=["one chunk", "a chunk a shard"])
def chunk_bytes(request, monkeypatch):
    """Both ways to go through a dataset."""
    monkeypatch.setattr(image_stream, "CHUNK_BYTES", request.param)


def test_first_images_are_those_of_the_renderer(stored):
    from dualcontrast.tools.scenes import scenes

    for index in (0, 1, 50, 95):
        np.testing.assert_array_equal(stored[index], scenes.render(0, index, 8))


def test_first_images_can_be_few_or_all_but_not_more(dataset, stored):
    np.testing.assert_array_equal(image_stream.first_images(dataset, 5), stored[:5])
    with pytest.raises(UserError, match="has 96 images, 97 are needed"):
        image_stream.first_images(dataset, 97)


def test_batches_are_uint8_of_a_known_shape(dataset):
    batches = image_stream.image_batches(dataset, batch_size=8, seed=0, start_image=0, mirror=True)
    assert batches.element_spec == tf.TensorSpec([8, 8, 8, 3], tf.uint8)


@pytest.mark.parametrize("start", [0, 24, 90])
def test_hosts_share_the_stream_that_one_reads(start, dataset):
    alone = stream(dataset, 16, start=start, mirror=True).reshape([2, 8, 8, 8, 3])
    for own in (range(2), range(2, 4)):  # of four replicas, whose images take turns
        batches = image_stream.labelled_batches(
            dataset, batch_size=8, seed=0, start_image=start, mirror=True, replicas=4, own=own
        )
        found = [images for images, _ in batches.take(2).as_numpy_iterator()]
        mine = [image for image in range(8) if image % 4 in own]
        np.testing.assert_array_equal(found, alone[:, mine])


def test_an_epoch_holds_every_image_once(dataset, stored, chunk_bytes):
    for epoch in range(3):
        images = stream(dataset, COUNT, start=epoch * COUNT)
        assert collections.Counter(keys(images)) == collections.Counter(keys(stored))


def test_every_epoch_and_every_seed_has_its_own_order(dataset, stored, chunk_bytes):
    epochs = [keys(stream(dataset, COUNT, start=epoch * COUNT)) for epoch in range(3)]
    orders = [keys(stored), *epochs, keys(stream(dataset, COUNT, seed=1))]
    for number, order in enumerate(orders):
        assert order not in orders[:number]


def test_the_stream_is_the_same_wherever_it_starts(labelled, chunk_bytes):
    whole, labels = labelled_stream(labelled, 3 * COUNT)
    assert labels.dtype == np.int64 and len(set(labels)) == 5
    np.testing.assert_array_equal(labels, sums(whole))
    for start in (1, 31, 32, 33, 95, 96, 97, 140, 191, 192, 200):
        images, theirs = labelled_stream(labelled, 40, start)
        np.testing.assert_array_equal(images, whole[start : start + 40])
        np.testing.assert_array_equal(theirs, labels[start : start + 40])


def test_the_stream_is_the_same_for_every_batch_size(dataset, chunk_bytes):
    whole = stream(dataset, 200, mirror=True)
    for batch in (1, 7, 96, 150):
        np.testing.assert_array_equal(stream(dataset, 200, batch=batch, mirror=True), whole)


def test_a_far_start_costs_nothing(dataset):
    assert len(stream(dataset, 8, start=10_000_000_000)) == 8


def test_half_of_the_images_are_mirrored_anew_in_every_epoch(dataset):
    plain, mirrored = (stream(dataset, 4 * COUNT, mirror=mirror) for mirror in (False, True))
    is_mirrored = (plain != mirrored).any(axis=(1, 2, 3))
    np.testing.assert_array_equal(mirrored[is_mirrored], plain[is_mirrored][:, :, ::-1])
    # 384 coins: 192 heads, standard deviation 9.8.
    assert 140 < is_mirrored.sum() < 244
    of_image = collections.defaultdict(set)
    for key, coin in zip(keys(plain), is_mirrored):
        of_image[key].add(coin)
    assert sum(len(coins) == 2 for coins in of_image.values()) > COUNT // 2


def test_the_order_has_not_changed():
    # A run that goes on with a newer version must see the images that it would have seen.
    order = image_stream._shuffled(8, seed=5, number=3, purpose=1).numpy()
    assert list(order) == [0, 7, 3, 5, 6, 1, 4, 2]


def test_labels_change_nothing_about_the_images(dataset, labelled):
    images, labels = labelled_stream(dataset, COUNT)
    np.testing.assert_array_equal(images, labelled_stream(labelled, COUNT)[0])
    np.testing.assert_array_equal(labels, np.zeros(COUNT, np.int64))


def test_stored_labels_are_those_of_the_first_images(dataset, labelled, stored):
    labels = image_stream.stored_labels(labelled, COUNT)
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(labels, sums(stored))
    np.testing.assert_array_equal(image_stream.stored_labels(labelled, 70), labels[:70])
    np.testing.assert_array_equal(image_stream.stored_labels(dataset, 70), np.zeros(70, np.int64))


def test_a_record_without_a_label_is_named(labelled, tmp_path):
    def strip(path):
        features = records.decode_example(list(records.read(path))[3].payload)
        rewrite(path, 3, records.encode_example(features["image"], features["name"]))

    changed = spoiled(labelled, tmp_path, strip)
    with pytest.raises(UserError, match="images-00001-of-00003.tfrecord has"):
        image_stream.stored_labels(changed, COUNT)
    assert "images-00001-of-00003.tfrecord has" in reading_error(changed)


def spoiled(dataset, tmp_path, change) -> manifest.Manifest:
    """A copy of the dataset, opened, and then changed."""
    opened = manifest.open_dataset(shutil.copytree(dataset.folder, tmp_path / "copy"))
    change(opened.path(opened.shards[1]))
    return opened


def reading_error(opened) -> str:
    with pytest.raises(tf.errors.OpError) as caught:
        stream(opened, COUNT)
    error = image_stream.explain(caught.value, opened)
    assert isinstance(error, UserError) and len(str(error).splitlines()) <= 2
    return str(error)


def rewrite(path: pathlib.Path, index: int, payload: bytes) -> None:
    """Replaces a record by another that is sound as such."""
    payloads = [record.payload for record in records.read(path)]
    payloads[index] = payload
    path.write_bytes(b"".join(map(records.frame, payloads)))


def test_a_flipped_bit_is_named_by_shard_record_and_byte(dataset, tmp_path):
    def flip(path):
        content = bytearray(path.read_bytes())
        content[1000] ^= 16
        path.write_bytes(content)

    record = [found for found in records.read(dataset.path(dataset.shards[1]))]
    hit = max(found.index for found in record if found.offset <= 1000)
    text = reading_error(spoiled(dataset, tmp_path, flip))
    assert f"images-00001-of-00003.tfrecord is damaged: record {hit} (byte" in text


def test_a_shard_that_goes_away_is_named(dataset, tmp_path):
    text = reading_error(spoiled(dataset, tmp_path, pathlib.Path.unlink))
    assert "images-00001-of-00003.tfrecord is missing" in text


def test_a_shard_that_gets_shorter_is_named(dataset, tmp_path):
    def cut(path):
        last = list(records.read(path))[-1]
        path.write_bytes(path.read_bytes()[: last.offset])

    text = reading_error(spoiled(dataset, tmp_path, cut))
    assert "images-00001-of-00003.tfrecord has" in text


def png(side: int) -> bytes:
    from dualcontrast.tools.conversion import encoding

    return encoding.encode(np.zeros((side, side, 3), np.uint8), "png")


@pytest.mark.parametrize(
    "payload",
    [
        records.encode_example(b"no image", b"name"),
        records.encode_example(png(16), b"name"),
        b"no example",
        records.encode_example(b"", b""),
    ],
    ids=["no image", "wrong size", "no example", "empty"],
)
def test_a_record_that_holds_no_image_is_named(dataset, tmp_path, payload):
    text = reading_error(spoiled(dataset, tmp_path, lambda path: rewrite(path, 3, payload)))
    assert "images-00001-of-00003.tfrecord" in text


def test_sound_shards_are_not_blamed(dataset):
    error = image_stream.explain(tf.errors.DataLossError(None, None, "of another kind"), dataset)
    assert "its shards are sound: of another kind" in str(error)
