"""Measures what a discriminator has learnt: the accuracy of a linear classifier on its features.

A run's newest checkpoint, on a labelled dataset and the images that belong to it for tests; both
are made by dualcontrast-convert with --labels:

  dualcontrast-linear-eval --run=RUN --data=data/cifar10 --test=data/cifar10_test

Without a test set, a fifth of the images is held back:

  dualcontrast-linear-eval --run=RUN/checkpoints/images-200000 --data=DATA

The classifier of the first run as a file, with which dualcontrast-generate draws images of a class:

  dualcontrast-linear-eval --run=RUN --data=DATA --output=head.npz

The features are frozen; gradient descent without momentum takes steps of 0.1, a tenth from 60, 75
and 90 % of the epochs on, with random crops and flips. The accuracy is that of the last epoch, with
its mean and deviation over --runs; what was measured is a line of metrics-linear.jsonl in the run.
"""

import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

from dualcontrast.trainer import errors, files, locations, path_flags, tensorflow_start
from dualcontrast.trainer.checkpoints import run_path
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError

if TYPE_CHECKING:
    from dualcontrast.layers import networks
    from dualcontrast.tools.evaluation.linear_evaluation import Labelled, Line

_RUN = path_flags.define(
    "run",
    None,
    "A run's folder, for its newest checkpoint, or one checkpoint.",
    required=True,
    may_have_scheme=True,
)
_DATA = path_flags.define(
    "data", None, "A dataset with labels, to train with.", required=True, may_have_scheme=True
)
_TEST = path_flags.define(
    "test",
    None,
    "Another one, with the same classes, to test with (default: a fifth of --data).",
    may_have_scheme=True,
)
_OUTPUT = path_flags.define("output", None, "File for the classifier of the first run, an .npz.")
_RUNS = flags.DEFINE_integer("runs", 3, "Classifiers, each with its own draws.", lower_bound=1)
_EPOCHS = flags.DEFINE_integer("epochs", 100, "Passes over the images.", lower_bound=1)
_BATCH = flags.DEFINE_integer("batch_size", 256, "Images of a step.", lower_bound=1)
_CROPS = flags.DEFINE_bool("crops", True, "Crop and flip the images at random in training.")
_SEED = flags.DEFINE_integer("seed", 0, "Of all draws.", lower_bound=0, upper_bound=2**30)

RESULTS = "metrics-linear.jsonl"
_HELD = 0.2  # of the images, to test with


def main(argv: list[str]) -> None:
    """Trains and measures what the flags ask for."""
    errors.no_arguments(argv)
    path = locations.of(_RUN.value)
    run_path.check(path)
    datasets = _datasets()
    _check_output()
    tensorflow_start.start()
    from dualcontrast.trainer.checkpoints import checkpoint
    from dualcontrast.trainer.evaluation import generated, linear_head

    workdir, prefix = checkpoint.locate(path)
    network = checkpoint.load_discriminator(str(prefix))
    _check_network(network, datasets)
    train, test = _images(datasets)
    classes = _names(datasets[0])
    lines = _lines(network, train, test, len(classes))
    about = {
        "checkpoint": str(prefix),
        **_accuracy(lines),
        **{name: flags.FLAGS[name].value for name in ("epochs", "batch_size", "crops", "seed")},
        "train": {"data": str(datasets[0].folder), "images": len(train)},
        "test": {"data": str(datasets[-1].folder), "images": len(test)},
        "classes": list(classes),
    }
    files.append(workdir / RESULTS, about)
    print(f"{_words(about)} of {len(test):,} images in {len(classes)} classes, upon {prefix}")
    if _OUTPUT.value is not None:
        digest = generated.weights_digest(network)
        head = linear_head.LinearHead(lines[0].weights, lines[0].bias, digest, about)
        linear_head.save(pathlib.Path(_OUTPUT.value), head)
        print(f"{_OUTPUT.value}: the classifier of the first run")


def _datasets() -> list[manifest.Manifest]:
    """Returns the dataset to train with, and that to test with if it is another.

    Raises:
      UserError: there is none, it has no labels, or they are of different classes.
    """
    datasets = [_open(_DATA.value, "--data")]
    if _TEST.value is not None:
        datasets.append(_open(_TEST.value, "--test"))
    if len({_names(dataset) for dataset in datasets}) > 1:
        raise UserError(
            f"--test={_TEST.value} has other classes than --data={_DATA.value}: convert both with"
            " the same labels (dualcontrast-convert --labels=...)"
        )
    return datasets


def _check_output() -> None:
    """Checks, before hours of training, that there can be such a file.

    Raises:
      UserError: there cannot.
    """
    if _OUTPUT.value is None:
        return
    output = pathlib.Path(_OUTPUT.value)
    if output.is_dir() or not output.parent.is_dir():
        what = "a folder" if output.is_dir() else "in a folder that does not exist"
        raise UserError(f"--output={output} is {what}, expected a file such as head.npz")


def _check_network(
    network: "networks.Discriminator", datasets: Sequence[manifest.Manifest]
) -> None:
    """Checks that the discriminator can judge the images.

    Raises:
      UserError: it cannot.
    """
    if network.takes_references:
        raise UserError(
            f"--run={_RUN.value} compares images with references, which a linear classifier has"
            " none of: give a run without reference attention"
        )
    for dataset in datasets:
        found, expected = (
            f"{x.resolution}x{x.resolution}x{x.channels}" for x in (dataset, network)
        )
        if found != expected:
            raise UserError(
                f"{dataset.folder} has images of {found}, and the run's are {expected}: convert"
                " the images to that size"
            )


def _images(datasets: Sequence[manifest.Manifest]) -> tuple["Labelled", "Labelled"]:
    """Returns the images to train with, and those to test with."""
    from dualcontrast.tools.evaluation import linear_evaluation

    first, *others = map(_read, datasets)
    train, test = (
        (first, others[0]) if others else linear_evaluation.split(first, _HELD, _SEED.value)
    )
    if not len(train) or not len(test):
        raise UserError(f"--data={_DATA.value} has {len(first)} images: too few to hold some back")
    return train, test


def _lines(
    network: "networks.Discriminator", train: "Labelled", test: "Labelled", classes: int
) -> list["Line"]:
    """Returns the classifier of every run."""
    from dualcontrast.tools.evaluation import linear_evaluation
    from dualcontrast.tools.terminal.progress_bar import ProgressBar

    lines, images = [], _EPOCHS.value * len(train)
    with ProgressBar("images", _RUNS.value * images) as bar:
        for k in range(_RUNS.value):
            recipe = linear_evaluation.Recipe(
                epochs=_EPOCHS.value,
                batch_size=_BATCH.value,
                crops=_CROPS.value,
                seed=_SEED.value + k,
            )
            done = k * images
            lines.append(
                linear_evaluation.evaluate(
                    network, train, test, classes, recipe, lambda seen: bar.show(done + seen)
                )
            )
    return lines


def _accuracy(lines: Sequence["Line"]) -> dict[str, Any]:
    """Returns the accuracies, their mean, and their deviation, which a single one has not."""
    found = [line.accuracy for line in lines]
    deviation = float(np.std(found, ddof=1)) if len(found) > 1 else None
    return {"accuracy": float(np.mean(found)), "deviation": deviation, "runs": found}


def _words(about: dict[str, Any]) -> str:
    deviation = "" if about["deviation"] is None else f" ± {about['deviation']:.2f}"
    return f"accuracy {about['accuracy']:.2f}{deviation} % ({len(about['runs'])} runs)"


def _open(path: str, flag: str) -> manifest.Manifest:
    """Returns a dataset.

    Raises:
      UserError: it has no labels.
    """
    dataset = manifest.open_dataset(path)
    if not dataset.classes:
        raise UserError(
            f"{flag}={path} has no labels: convert the images with labels"
            " (dualcontrast-convert --labels=folders)"
        )
    return dataset


def _names(dataset: manifest.Manifest) -> tuple[str, ...]:
    return tuple(category.name for category in dataset.classes)


def _read(dataset: manifest.Manifest) -> "Labelled":
    """Returns all images of a dataset and their classes."""
    from dualcontrast.tools.evaluation.linear_evaluation import Labelled
    from dualcontrast.trainer.evaluation import image_set

    found = image_set.of_dataset(dataset, None, dataset.count)
    assert found.labels is not None  # `_open` has seen to it
    return Labelled(np.concatenate(list(found.read())), found.labels())


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
