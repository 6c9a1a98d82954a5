"""The stream of training images.

Image number p of the stream is a function of (dataset, seed, p) alone. It belongs to epoch
p // count. An epoch goes through the shards in an order of its own, a few shards (a chunk, read
whole) at a time, and through the images of a chunk in an order of its own. To start at any p,
earlier chunks are skipped without being read, and earlier images of the first chunk without being
decoded; so nothing has to be saved for a run to go on exactly where it stopped.

Chunks are shuffled while they are still compressed: twenty times smaller than decoded.
"""

import math
import os

import numpy as np
import tensorflow as tf

from dualcontrast.trainer import errors
from dualcontrast.trainer.data import dataset_damage
from dualcontrast.trainer.data.manifest import Manifest
from dualcontrast.trainer.errors import UserError

# Three chunks are in memory at most: the one being read, the one that waits, the one in use.
CHUNK_BYTES = 128 << 20
# What reading raises; the second where TensorFlow quotes a damaged record in its message.
READ_ERRORS = (tf.errors.OpError, UnicodeDecodeError)

# Of several workers each serves the whole stream, and one that was started again from its start.
_OUT_OF_TURN = "it has several workers, or its worker was started again (give each a dispatcher)"

_RECORDS = 64  # Examples that are parsed at once where images are read in order.

# Fixed by name, so that the order is the same on every device and in every version.
_ALGORITHM = "philox"
_SHARD_ORDER, _IMAGE_ORDER, _MIRROR = range(3)


def image_batches(
    dataset: Manifest, *, batch_size: int, seed: int, start_image: int, mirror: bool
) -> tf.data.Dataset:
    """Returns the endless stream of training images, in batches.

    Args:
      dataset: what to read.
      batch_size: images a batch; a batch may reach from one epoch into the next.
      seed: decides the order and the mirroring.
      start_image: images of the stream to leave out, those that were seen before.
      mirror: flip every image left to right with probability one half.

    Returns:
      uint8 tensors [batch_size, resolution, resolution, channels] in [0, 255].
    """
    return labelled_batches(
        dataset, batch_size=batch_size, seed=seed, start_image=start_image, mirror=mirror
    ).map(lambda images, labels: images)


def labelled_batches(
    dataset: Manifest,
    *,
    batch_size: int,
    seed: int,
    start_image: int,
    mirror: bool,
    replicas: int = 1,
    own: range = range(1),
    services: tuple[str, ...] = (),
) -> tf.data.Dataset:
    """Returns the stream of `image_batches` with the images' labels.

    Args:
      dataset, batch_size, seed, start_image, mirror: as for `image_batches`.
      replicas: that share a batch, image i of it being replica i % replicas's.
      own: the replicas whose images are wanted: others are read, and not decoded.
      services: tf.data services of one worker each, as in grpc://HOST:PORT, that read and decode in
        place of this process, batch b being service b % services's. The images are the same.

    Returns:
      Pairs of uint8 [batch_size, resolution, resolution, channels] and int64 [batch_size], which is
      0 where the dataset has no labels. With `own` only its images, in the batch's order.
    """

    def share(number: int) -> tf.data.Dataset:
        """Every so manieth batch from `number` on."""
        records = _records(dataset, seed, start_image)
        shares = max(1, len(services))
        if len(own) < replicas or shares > 1:

            def is_wanted(image, _):
                return _is_in(image % replicas, own) & (image // batch_size % shares == number)

            records = records.enumerate().filter(is_wanted).map(lambda _, record: record)
        return _decoded(dataset, records, batch_size // replicas * len(own), mirror)

    if not services:
        return share(0).prefetch(2)
    served = [_served(share(number), service) for number, service in enumerate(services)]
    turns = tf.data.Dataset.range(len(services)).repeat()
    return tf.data.Dataset.choose_from_datasets(served, turns).prefetch(2)


def _records(dataset: Manifest, seed: int, start_image: int) -> tf.data.Dataset:
    """The endless stream of (encoded image, label, coin)."""
    chunks = _chunks(dataset, seed, start_image)
    return chunks.map(_chunk_reader(dataset, seed)).prefetch(1).unbatch()


def _decoded(
    dataset: Manifest, records: tf.data.Dataset, batch_size: int, mirror: bool
) -> tf.data.Dataset:
    """Batches of images and labels of a stream of records."""
    decoder = _decoder(dataset)
    batches = records.map(
        lambda record, label, coin: (decoder(record), label, coin),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    ).batch(batch_size, drop_remainder=True)

    def mirrored(images, labels, coins):
        return _mirror(images, coins) if mirror else images, labels

    return batches.map(mirrored)


def _served(batches: tf.data.Dataset, service: str) -> tf.data.Dataset:
    """The same batches, made by a tf.data service and in order, or an error."""
    distribute = tf.data.experimental.service.distribute(
        # Without shards, a worker serves the whole stream, and one worker serves it in order.
        processing_mode=tf.data.experimental.service.ShardingPolicy.OFF,
        service=service,
        compression=None,  # Noise in pixels hardly shrinks, and the processor is what is short.
    )
    numbered = batches.prefetch(2).enumerate().apply(distribute).enumerate()

    def in_turn(expected, served):
        received, batch = served
        same = tf.debugging.assert_equal(received, expected, _OUT_OF_TURN)
        with tf.control_dependencies([same]):
            return tf.nest.map_structure(tf.identity, batch)

    return numbered.map(in_turn, num_parallel_calls=1)


def _is_in(number: tf.Tensor, numbers: range) -> tf.Tensor:
    return (number >= numbers.start) & (number < numbers.stop)


def stored_images(dataset: Manifest, count: int) -> tf.data.Dataset:
    """Returns the first images in stored order, uint8 [resolution, resolution, channels] each.

    Reading raises `READ_ERRORS` for a damaged dataset; see `explain`.
    """
    images = _stored(dataset, count).map(lambda images, labels: images).unbatch()
    return images.map(_decoder(dataset), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def stored_labels(dataset: Manifest, count: int) -> np.ndarray:
    """Returns the labels of the first images in stored order, int64 [count]; 0 without classes.

    Raises:
      UserError: the dataset is damaged.
    """
    labels = _stored(dataset, count).map(lambda images, labels: labels)
    try:
        return np.concatenate(list(labels.as_numpy_iterator()))
    except READ_ERRORS as error:
        raise explain(error, dataset) from error


def _stored(dataset: Manifest, count: int) -> tf.data.Dataset:
    """The encoded images [n] and labels [n] in stored order, some at a time."""
    paths = [os.fsencode(dataset.path(shard)) for shard in dataset.shards if shard.records]
    payloads = tf.data.TFRecordDataset(paths).take(count)
    return payloads.batch(_RECORDS).map(lambda batch: _parsed(dataset, batch))


def first_images(dataset: Manifest, count: int) -> np.ndarray:
    """Returns the first images in stored order, uint8 [count, resolution, resolution, channels].

    Raises:
      UserError: the dataset has fewer images, or is damaged.
    """
    if count > dataset.count:
        raise UserError(f"{dataset.folder} has {dataset.count} images, {count} are needed.")
    try:
        return np.stack(list(stored_images(dataset, count).as_numpy_iterator()))
    except READ_ERRORS as error:
        raise explain(error, dataset) from error


def explain(error: Exception, dataset: Manifest, services: tuple[str, ...] = ()) -> UserError:
    """Turns what TensorFlow raised while reading into an error that names shard and record.

    TensorFlow names neither, so every shard is read until the damage is found.

    Args:
      error: one of `READ_ERRORS`.
      dataset: that was read.
      services: that read it; none for this process.
    """
    # A shard that is missing here was missed when the dataset was opened.
    lost = isinstance(error, tf.errors.NotFoundError) or _OUT_OF_TURN in str(error)
    found = None if services and lost else dataset_damage.find(dataset)
    if found is not None:
        return UserError(f"{found}\nCopy the shard again, or convert the images again.")
    if services:
        what = _OUT_OF_TURN if _OUT_OF_TURN in str(error) else errors.first_line(error)
        return UserError(
            f"The data service failed: {what}\nSee that it runs and has"
            f" {dataset.folder.absolute()} too, then start the same command again."
        )
    reason = getattr(error, "message", "its message is no text")
    return UserError(f"Reading {dataset.folder} failed, its shards are sound: {reason}")


def _chunks(dataset: Manifest, seed: int, start_image: int) -> tf.data.Dataset:
    """The endless sequence of (epoch, chunk in the epoch, shards [s], images to skip)."""
    counts = np.array([shard.records for shard in dataset.shards])
    largest = max(shard.bytes for shard in dataset.shards)
    width = max(1, CHUNK_BYTES // largest)
    chunks = math.ceil(len(counts) / width)
    first_epoch, skip = divmod(start_image, dataset.count)

    def chunk(number):
        epoch, index = first_epoch + number // chunks, number % chunks
        order = _shuffled(len(counts), seed, epoch, _SHARD_ORDER)
        before = tf.cumsum(tf.gather(counts, order), exclusive=True)[index * width]
        shards = order[index * width : (index + 1) * width]
        to_skip = tf.where(epoch == first_epoch, tf.maximum(skip - before, 0), 0)
        return epoch * chunks + index, shards, to_skip

    def is_needed(_, shards, to_skip):
        return to_skip < tf.reduce_sum(tf.gather(counts, shards))

    return tf.data.Dataset.counter(dtype=tf.int64).map(chunk).filter(is_needed)


def _chunk_reader(dataset: Manifest, seed: int):
    """Returns the function that reads a chunk: encoded images, labels and coins, [n] each."""
    # Who reads them may be in another folder.
    found = [dataset.path(shard).absolute() for shard in dataset.shards]
    paths = tf.constant([os.fsencode(path) for path in found])
    counts = tf.constant([shard.records for shard in dataset.shards], tf.int64)

    def read(number, shards, to_skip):
        size = tf.reduce_sum(tf.gather(counts, shards))
        payloads = tf.data.TFRecordDataset(tf.gather(paths, shards), buffer_size=1 << 20)
        images, labels = _parsed(dataset, payloads.batch(size).get_single_element())
        order = _shuffled(size, seed, number, _IMAGE_ORDER)
        coins = tf.random.stateless_uniform(
            [size], _seed(seed, number, _MIRROR), maxval=2, dtype=tf.int32, alg=_ALGORITHM
        )
        left = order[to_skip:]
        return tf.gather(images, left), tf.gather(labels, left), coins[to_skip:]

    return read


def _parsed(dataset: Manifest, payloads: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The encoded images [n] and labels [n] of serialised examples [n]."""
    features = {"image": tf.io.FixedLenFeature([], tf.string)}
    if not dataset.classes:
        images = tf.io.parse_example(payloads, features)["image"]
        return images, tf.zeros_like(images, tf.int64)
    found = tf.io.parse_example(payloads, features | {"label": tf.io.FixedLenFeature([], tf.int64)})
    return found["image"], found["label"]


def _decoder(dataset: Manifest):
    shape = [dataset.resolution, dataset.resolution, dataset.channels]

    def decode(image: tf.Tensor) -> tf.Tensor:
        # With the channels that it has: grey is not to pass for RGB.
        if dataset.encoding == "png":
            pixels = tf.io.decode_png(image)
        else:
            pixels = tf.io.decode_jpeg(image, dct_method="INTEGER_ACCURATE")
        return tf.ensure_shape(pixels, shape)

    return decode


def _mirror(images: tf.Tensor, coins: tf.Tensor) -> tf.Tensor:
    return tf.where(coins[:, None, None, None] == 1, tf.reverse(images, [2]), images)


def _shuffled(count, seed: int, number, purpose: int) -> tf.Tensor:
    return tf.random.experimental.stateless_shuffle(
        tf.range(tf.cast(count, tf.int64)), _seed(seed, number, purpose), alg=_ALGORITHM
    )


def _seed(seed: int, number, purpose: int) -> tf.Tensor:
    return tf.stack([tf.constant(seed, tf.int64), tf.cast(number, tf.int64) * 3 + purpose])
