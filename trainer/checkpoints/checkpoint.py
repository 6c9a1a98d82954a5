"""Training state on disk: saved atomically, checked when restored, never half a run."""

import json
import pathlib
import shutil

import tensorflow as tf

from dualcontrast.layers.stylegan2 import discriminator as discriminators
from dualcontrast.layers.stylegan2 import generator as generators
from dualcontrast.trainer import files, state
from dualcontrast.trainer.checkpoints import environment
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError

CONFIG_NAME = "config.json"
DATA_NAME = "data.json"
FOLDER = "checkpoints"

# What TensorFlow raises for a damaged checkpoint: a truncated data file is a bare IndexError.
_DAMAGE = (tf.errors.OpError, IndexError, AssertionError, ValueError)


class Checkpoints:
    """The checkpoints of a run, `WORKDIR/checkpoints/images-N`.

    Args:
      workdir: of the run.
      run: the state to save and restore.
      keep: how many to keep.
    """

    def __init__(self, workdir: pathlib.Path, run: state.State, keep: int):
        self._run = run
        self._folder = workdir / FOLDER
        self._sweep()
        self._manager = tf.train.CheckpointManager(
            run.checkpoint(), str(self._folder), max_to_keep=keep, checkpoint_name="images"
        )

    def restore(self) -> str | None:
        """Restores the newest checkpoint that is whole.

        Returns:
          Its path, or None when the run has none yet.

        Raises:
          UserError: there are checkpoints, and all of them are damaged.
        """
        paths = self._manager.checkpoints[::-1]
        for path in paths:
            try:
                self._manager.checkpoint.restore(path).assert_consumed()
                return path
            except _DAMAGE as error:
                print(f"checkpoint {path} is damaged: {_first_line(error)}", flush=True)
        if paths:
            raise UserError(
                f"none of the {len(paths)} checkpoints in {self._folder} can be read.\n"
                "Copy one from a backup, or start again with another --workdir."
            )
        return None

    def save(self) -> None:
        """Saves the state under the number of images seen.

        Raises:
          UserError: the disk refused; earlier checkpoints are as they were.
        """
        try:
            self._manager.save(checkpoint_number=int(self._run.images_seen.numpy()))
        except (tf.errors.OpError, OSError) as error:
            self._sweep()
            raise UserError(
                f"the checkpoint could not be written to {self._folder}: {_first_line(error)}\n"
                "Earlier checkpoints are untouched. Make room, then run the same command again."
            ) from error

    def _sweep(self) -> None:
        """Deletes what a killed process left: TensorFlow never does."""
        for leftover in self._folder.glob("images-*_temp*"):
            shutil.rmtree(leftover, ignore_errors=True)
        # By name: a run may share its folder with files that are not ours.
        for name in (CONFIG_NAME, DATA_NAME, "metrics.jsonl", "grids/*.png"):
            for leftover in self._folder.parent.glob(f"{name}.[0-9]*.tmp"):
                leftover.unlink()


def claim(workdir: pathlib.Path, config: schema.Config, dataset: manifest.Manifest) -> None:
    """Writes what the run is made of to `workdir`, or checks that nothing of it has changed.

    Raises:
      UserError: the folder holds a run with another configuration or other images.
    """
    data = {"count": dataset.count, "sha256": [shard.sha256 for shard in dataset.shards]}
    try:
        workdir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--workdir={workdir} cannot be made: {error.strerror}") from None
    if (workdir / CONFIG_NAME).exists():
        _check_config(workdir, read_config(workdir), config)
        _check_data(workdir, data)
    files.write(workdir / DATA_NAME, json.dumps(data, indent=1) + "\n")
    files.write(workdir / CONFIG_NAME, schema.to_json(config) + "\n")
    files.write(workdir / "environment.json", json.dumps(environment.describe(), indent=1) + "\n")


def read_config(workdir: pathlib.Path) -> schema.Config:
    """Returns the resolved configuration of the run in `workdir`.

    Raises:
      UserError: there is no run.
    """
    path = workdir / CONFIG_NAME
    try:
        return schema.from_json(path.read_text(encoding="utf-8"))
    except OSError:
        raise UserError(
            f"{workdir} is no run: it has no {CONFIG_NAME}.\n"
            "Give the --workdir of a training run, or start one: dualcontrast-train --help"
        ) from None


def load_average(path: str) -> tuple[generators.Generator, schema.Config, int]:
    """Loads the generator with averaged weights, the one to release, in float32.

    Args:
      path: a run's workdir, for its newest checkpoint, or one checkpoint of it, as in
        `WORKDIR/checkpoints/images-4000`.

    Returns:
      The generator, the run's configuration, and the images it had seen.

    Raises:
      UserError: there is no such run or checkpoint, or it is damaged.
    """
    workdir, prefix = locate(pathlib.Path(path))
    config = read_config(workdir)
    average = state.make_generator(_in_float32(config), name="average")
    images_seen = tf.Variable(0, dtype=tf.int64)
    parts = {"average": state.variables_of(average), "images_seen": images_seen}
    _restore(prefix, workdir, parts)
    return average, config, int(images_seen.numpy())


def load_discriminator(path: str) -> discriminators.Discriminator:
    """Loads the discriminator as it trains (it has no average), in float32.

    Args:
      path: as for `load_average`.

    Raises:
      UserError: there is no such run or checkpoint, or it is damaged.
    """
    workdir, prefix = locate(pathlib.Path(path))
    network = state.make_discriminator(_in_float32(read_config(workdir)))
    _restore(prefix, workdir, {"discriminator": state.variables_of(network)})
    return network


def _in_float32(config: schema.Config) -> schema.Config:
    return schema.replace(config, {"training.precision": "float32"})


def _restore(prefix: pathlib.Path, workdir: pathlib.Path, parts: dict) -> None:
    """Gives variables the values of a checkpoint that holds more than those."""
    try:
        status = tf.train.Checkpoint(**parts).restore(str(prefix))
        status.assert_existing_objects_matched().expect_partial()
    except _DAMAGE as error:
        raise UserError(
            f"checkpoint {prefix} is damaged or of another network: {_first_line(error)}\n"
            f"Try another one of {workdir / FOLDER}."
        ) from None


def locate(path: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """Returns the workdir and the checkpoint's prefix.

    Args:
      path: as for `load_average`.

    Raises:
      UserError: there is no such run or checkpoint.
    """
    if not path.is_dir():
        prefix = path.with_suffix("") if path.suffix == ".index" else path
        if not prefix.with_name(prefix.name + ".index").exists():
            raise UserError(
                f"there is no run and no checkpoint {path}.\n"
                "Expected a --workdir of dualcontrast-train, or WORKDIR/checkpoints/images-N."
            )
        return prefix.parent.parent, prefix
    newest = tf.train.latest_checkpoint(str(path / FOLDER))
    if newest is None:
        read_config(path)
        raise UserError(
            f"the run {path} has no checkpoint yet: it writes its first one after "
            "training.checkpoint_every_images."
        )
    return path, pathlib.Path(newest)


def _check_config(workdir: pathlib.Path, old: schema.Config, new: schema.Config) -> None:
    changes = schema.blocking_differences(old, new)
    if changes:
        raise UserError(
            f"{workdir} holds a run of another configuration ({'; '.join(changes)}).\n"
            "Continue it with its own configuration, or give another --workdir."
        )


def _check_data(workdir: pathlib.Path, data: dict) -> None:
    path = workdir / DATA_NAME
    if path.exists() and json.loads(path.read_text(encoding="utf-8")) != data:
        raise UserError(
            f"{workdir} holds a run on other images than --data has.\n"
            "Continue it with the dataset it began with, or give another --workdir."
        )


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
