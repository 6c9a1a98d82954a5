"""Images of TensorFlow Datasets, undecoded, in the order in which they are stored there.

The only source that needs TensorFlow. Its worker processes import it for themselves.
"""

import functools
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import tensorflow_datasets as tfds
from absl import logging
from tensorflow_datasets.core.download import downloader

from dualcontrast.tools.conversion.sources import source
from dualcontrast.tools.conversion.sources.source import Entry, Labels, Listing, Opener
from dualcontrast.trainer import errors
from dualcontrast.trainer.errors import UserError

_TRIES = 3
PREFIX = "tfds:"

logging.set_verbosity(logging.ERROR)


@dataclass(frozen=True)
class Tfds(source.Source):
    """The images of one split; `feature` is the one that holds them."""

    name: str
    split: str
    feature: str
    shuffles = False

    def listing(self) -> Listing:
        """One entry an image, as far as the split goes."""
        count = _builder(self.name).info.splits[self.split].num_examples
        names = (f"{self.name}/{self.split}/{place}" for place in range(count))
        return Listing([Entry(name, place, 0) for place, name in enumerate(names)])

    def openers(self, entries: Sequence[Entry]) -> Iterator[Opener]:
        """For each entry a function that opens it; the entries follow one another."""
        if not entries:
            return
        start, stop = entries[0].place, entries[-1].place + 1
        examples = _builder(self.name).as_dataset(
            split=tfds.core.ReadInstruction(self.split, from_=start, to=stop, unit="abs"),
            decoders={self.feature: tfds.decode.SkipDecoding()},
            # One file at a time, so that the order is that of the numbers.
            read_config=tfds.ReadConfig(interleave_cycle_length=1),
            shuffle_files=False,
        )
        for example in examples.as_numpy_iterator():
            yield functools.partial(io.BytesIO, example[self.feature])

    def labels(self, wanted: str) -> Labels | None:
        """The names of a feature's classes, and the number of the class of every image.

        Raises:
          UserError: there is no such feature, or it is no class.
        """
        if not wanted.startswith(PREFIX):
            return None
        feature = wanted.removeprefix(PREFIX)
        features = dict(_builder(self.name).info.features.items())
        classes = {
            key: kind
            for key, kind in features.items()
            if isinstance(kind, tfds.features.ClassLabel) and kind.num_classes
        }
        if feature not in classes:
            what = "is a feature without classes" if feature in features else "is no feature"
            known = ", ".join(f"tfds:{key}" for key in sorted(classes)) or "none"
            raise UserError(f"--labels=tfds:{feature} {what} of {self.name}; those with: {known}.")
        examples = _builder(self.name).as_dataset(
            split=self.split,
            decoders=tfds.decode.PartialDecoding({feature: features[feature]}),
            read_config=tfds.ReadConfig(interleave_cycle_length=1),
            shuffle_files=False,
        )
        numbers = [int(example[feature]) for example in examples.as_numpy_iterator()]
        return classes[feature].names, numbers


def open_source(text: str) -> Tfds:
    """Returns the source for `tfds:NAME[:SPLIT]`, downloading the data if they are not here.

    Raises:
      UserError: there is no such dataset or split, or it has not exactly one kind of image.
    """
    _, name, *rest = text.split(":", 2)
    if name.split("/")[0] == "lsun":
        raise UserError(
            f"--source={text}: this dataset needs tensorflow-io, which does not work with this"
            " TensorFlow.\nDownload LSUN's own database from dl.yf.io/lsun, unpack it, and give its"
            " folder: --source=bedroom_train_lmdb"
        )
    split = rest[0] if rest else "train"
    info = _builder(name).info
    images = [key for key, kind in info.features.items() if isinstance(kind, tfds.features.Image)]
    if len(images) != 1:
        raise UserError(f"--source={text} has {len(images)} image features, expected one.")
    _prepare(text, name)
    if split not in info.splits:
        raise UserError(f"--source={text} has no split {split!r}, only {', '.join(info.splits)}.")
    return Tfds(name, split, images[0])


@functools.cache
def _builder(name: str) -> tfds.core.DatasetBuilder:
    try:
        return tfds.builder(name)
    except (tfds.core.DatasetNotFoundError, ValueError, ImportError) as error:
        raise UserError(
            f"--source=tfds:{name} cannot be opened: {errors.first_line(error)}"
        ) from None


def _prepare(text: str, name: str) -> None:
    # Its ten tries, each later than the last, are minutes where there is no network.
    downloader.MAX_RETRIES = _TRIES
    try:
        _builder(name).download_and_prepare()
    except Exception as error:  # Whatever the dataset's own code and the network may raise.
        raise UserError(
            f"--source={text} cannot be downloaded: {errors.first_line(error)}\n"
            "Prepare it where there is a network, and point TFDS_DATA_DIR at it."
        ) from error
