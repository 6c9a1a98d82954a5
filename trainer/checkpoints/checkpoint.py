"""Training state on disk: saved atomically, checked when restored, never half a run."""

import contextlib
import dataclasses
import pathlib
from typing import Any

import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.trainer import errors, files, literal_path, locations, state
from dualcontrast.trainer.checkpoints import discovery, run_path, writing
from dualcontrast.trainer.config import advice, schema, serialisation
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError

CONFIG_NAME = run_path.CONFIG_NAME
DATA_NAME = "data.json"
FOLDER = discovery.FOLDER


class Checkpoints:
    """The checkpoints of a run, `WORKDIR/checkpoints/images-N`; nobody else may write there.

    Args:
      workdir: of the run.
      run: the state to save and restore.
      keep: how many to keep.
    """

    def __init__(self, workdir: pathlib.Path, run: state.State, keep: int):
        self._run, self._workdir, self._keep = run, workdir, keep
        self._folder = workdir / FOLDER
        self._checkpoint = run.checkpoint()
        self._damaged: set[pathlib.Path] = set()

    def restore(self) -> str | None:
        """Restores the newest checkpoint that is whole.

        Returns:
          Its path, or None when the run has none yet.

        Raises:
          UserError: there are checkpoints, and all of them are damaged, or the newest one that is
            not belongs to another network.
        """
        prefixes = discovery.candidates(self._workdir)
        for prefix in prefixes:
            try:
                with literal_path.inside(prefix) as name:
                    self._checkpoint.restore(name).assert_consumed()
            except discovery.DAMAGE as error:
                if (fault := discovery.fault(prefix)) is None:
                    raise UserError(
                        f"checkpoint {prefix} is whole, but of another network or version: "
                        f"{errors.first_line(error)}\n"
                        "Continue it with what it began with, or give another --workdir."
                    ) from error
                print(f"checkpoint {prefix} is damaged: {fault}", flush=True)
                self._damaged.add(prefix)
                continue
            self._adopt(prefix)
            return str(prefix)
        if prefixes:
            raise UserError(
                f"none of the {len(prefixes)} checkpoints in {self._workdir} can be read.\n"
                "Copy one from a backup, or start again with another --workdir."
            )
        return None

    def save(self) -> None:
        """Saves the state under the number of images seen.

        Raises:
          UserError: the disk refused; earlier checkpoints are as they were.
        """
        prefix = discovery.prefix_of(self._folder, int(self._run.images_seen.numpy()))
        earlier = "Earlier checkpoints are untouched. " if discovery.numbers(self._folder) else ""
        try:
            if not self._folder.exists():
                self._folder.mkdir(parents=True)
                writing.sync(self._workdir)
            writing.write(self._checkpoint, prefix)
            self._damaged.discard(prefix)
            self._prune(prefix)
        except (tf.errors.OpError, OSError) as error:
            raise UserError(
                f"the checkpoint could not be written to {self._folder}: "
                f"{errors.first_line(error)}\n"
                f"{earlier}Make room, then run the same command again."
            ) from error
        self._list(prefix)

    def _adopt(self, prefix: pathlib.Path) -> None:
        """Makes a checkpoint that was found the one to go on from."""
        if note := discovery.disagreement(prefix):
            print(note, flush=True)
        if prefix.parent != self._folder:
            return
        # Data without an index are of no use, as one is whole. An index without data is small, and
        # goes when it is the oldest.
        for lost in discovery.lost_indexes(self._folder):
            writing.remove(lost)
        self._prune(prefix)  # a process that was killed after its save has not
        if note:
            self._list(prefix)

    def _prune(self, newest: pathlib.Path) -> None:
        """Deletes old checkpoints, and damaged ones that the run has passed."""
        reached = self._until(newest)
        sound = [prefix for prefix in reached if prefix not in self._damaged]
        for prefix in set(reached) - set(sound[-self._keep :]):
            writing.remove(prefix)

    def _list(self, newest: pathlib.Path) -> None:
        """Writes TensorFlow's list of checkpoints, for its own tools."""
        lines = [f'model_checkpoint_path: "{newest.name}"']
        lines += [f'all_model_checkpoint_paths: "{path.name}"' for path in self._until(newest)]
        with contextlib.suppress(files.FileError):  # nothing goes by it
            files.write(self._folder / discovery.INDEX_NAME, "\n".join(lines) + "\n")

    def _until(self, newest: pathlib.Path) -> list[pathlib.Path]:
        """Returns the checkpoints up to one. Any beyond are damaged: the run went back."""
        last = int(newest.name.removeprefix("images-"))
        found = [number for number in discovery.numbers(self._folder) if number <= last]
        return [discovery.prefix_of(self._folder, number) for number in found]


def claim(workdir: pathlib.Path, config: schema.Config, dataset: manifest.Manifest) -> None:
    """Writes what the run is made of to `workdir`, or checks that nothing of it has changed.

    A start that came to no checkpoint binds nobody: what it left is replaced.

    Args:
      workdir: made, and held.
      config: resolved.
      dataset: opened.

    Raises:
      UserError: the folder holds a run with another configuration or other images.
    """
    data = description_of_data(config, dataset)
    files.make_folder(workdir, f"--workdir={workdir}")
    if discovery.candidates(workdir):
        if (workdir / CONFIG_NAME).exists():
            _check_config(workdir, read_config(workdir), config)
            _check_data(workdir, data)
    else:
        _forget_another(workdir, config, data)
    files.write_object(workdir / DATA_NAME, data)
    files.write(workdir / CONFIG_NAME, serialisation.to_json(config) + "\n")


def description_of_data(config: schema.Config, dataset: manifest.Manifest) -> dict[str, Any]:
    """Returns what tells the images of a run from others: their number, shards and classes."""
    data: dict[str, Any] = {
        "count": dataset.count,
        "sha256": [shard.sha256 for shard in dataset.shards],
    }
    if config.data.labels:
        data["classes"] = [dataclasses.asdict(category) for category in dataset.classes]
    return data


def read_config(workdir: pathlib.Path) -> schema.Config:
    """Returns the resolved configuration of the run in `workdir`.

    Raises:
      UserError: there is no run, or the file is damaged or of another version.
    """
    path = workdir / CONFIG_NAME
    try:
        text = files.read_text(path)
    except files.Missing:
        raise run_path.no_run(workdir) from None
    try:
        return serialisation.from_json(text)
    except (UserError, KeyError, RecursionError) as error:
        lacks = "it lacks the section " if isinstance(error, KeyError) else ""
        why = lacks + advice.left_out(errors.first_line(error))
        raise UserError(
            f"{path}: {why}\nIt was cut, edited, or written by another version of dualcontrast:"
            " restore it from a copy, or use that version."
        ) from error


def read_data(workdir: pathlib.Path) -> dict[str, Any] | None:
    """Returns the number and the shards' sha256 of a run's images, None where nothing says so.

    Raises:
      UserError: the file is damaged.
    """

    def check(found: dict[str, Any]) -> str:
        whole = all(isinstance(digest, str) for digest in found["sha256"])
        return "" if whole else "its field sha256 holds something else than text"

    try:
        return files.read_object(workdir / DATA_NAME, {"count": int, "sha256": list}, check)
    except files.Missing:
        return None


def read_classes(path: str) -> tuple[manifest.Category, ...]:
    """Returns the classes that the networks of a run know; none where it trains without labels.

    Args:
      path: as for `load_average`.

    Raises:
      UserError: the file that has them is missing or damaged.
    """
    workdir = workdir_of(locations.of(path))
    classes = read_config(workdir).data.classes
    if classes is None:
        return ()
    found = (read_data(workdir) or {}).get("classes", [])
    try:
        known = tuple(manifest.Category(**category) for category in found)
    except TypeError:
        known = ()
    if len(known) != classes:
        raise UserError(
            f"{workdir / DATA_NAME} does not have the {classes} classes of {CONFIG_NAME}: it was"
            " edited or lost. Restore it from a copy."
        )
    return known


def load_average(path: str) -> tuple[networks.Generator, schema.Config, int]:
    """Loads the generator with averaged weights, the one to release, in float32.

    Args:
      path: a run's workdir, for its newest checkpoint, or one checkpoint of it, as in
        `WORKDIR/checkpoints/images-4000`.

    Returns:
      The generator, the run's configuration, and the images it had seen.

    Raises:
      UserError: there is no such run or checkpoint, or it is damaged.
    """
    return _load_generator(path, "average")


def load_generator(path: str) -> networks.Generator:
    """Loads the generator as it trains, without an average of its weights, in float32.

    Args:
      path: as for `load_average`.

    Raises:
      UserError: there is no such run or checkpoint, or it is damaged.
    """
    return _load_generator(path, "generator")[0]


def _load_generator(path: str, part: str) -> tuple[networks.Generator, schema.Config, int]:
    config = read_config(workdir_of(locations.of(path)))
    network = state.make_generator(_in_float32(config), name=part)
    images_seen = tf.Variable(0, dtype=tf.int64)
    _restore(path, {part: state.variables_of(network), "images_seen": images_seen})
    return network, config, int(images_seen.numpy())


def load_discriminator(path: str) -> networks.Discriminator:
    """Loads the discriminator as it trains (it has no average), in float32.

    Args:
      path: as for `load_average`.

    Raises:
      UserError: there is no such run or checkpoint, or it is damaged.
    """
    config = read_config(workdir_of(locations.of(path)))
    network = state.make_discriminator(_in_float32(config))
    _restore(path, {"discriminator": state.variables_of(network)})
    return network


def _in_float32(config: schema.Config) -> schema.Config:
    return schema.replace(config, {"training.precision": "float32"})


def _restore(path: str, parts: dict) -> None:
    """Gives variables the values of a checkpoint that holds more than those."""
    while True:
        workdir, prefix = locate(locations.of(path))
        try:
            with literal_path.inside(prefix) as name:
                status = tf.train.Checkpoint(**parts).restore(name)
                status.assert_existing_objects_matched().expect_partial()
            return
        except discovery.DAMAGE as error:
            if discovery.index_of(prefix).exists():
                raise UserError(
                    f"checkpoint {prefix} is damaged or of another network: "
                    f"{errors.first_line(error)}\n"
                    f"Try another one of {workdir / FOLDER}."
                ) from None
            # The run goes on meanwhile, and has deleted it for newer ones.


def locate(path: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """Returns the workdir and the checkpoint's prefix.

    Args:
      path: as for `load_average`.

    Raises:
      UserError: there is no such run or checkpoint.
    """
    run_path.check(path)
    if not path.is_dir():
        return workdir_of(path), run_path.prefix_of(path)
    if (newest := discovery.newest_whole(path)) is not None:
        return path, newest
    if found := discovery.candidates(path):
        raise UserError(
            f"checkpoint {found[0]} is damaged, and the run {path} has none that is whole.\n"
            "Copy one from a backup, or train again in another folder."
        )
    raise UserError(
        f"the run {path} has no checkpoint yet: it writes its first one after "
        "training.checkpoint_every_images."
    )


def workdir_of(path: pathlib.Path) -> pathlib.Path:
    """Returns the workdir of what `locate` takes, without a look at the checkpoints.

    Raises:
      UserError: there is no such folder, and no such checkpoint.
    """
    return path if path.is_dir() else run_path.prefix_of(path).parent.parent


def _forget_another(workdir: pathlib.Path, config: schema.Config, data: dict) -> None:
    """Puts away what a start without a checkpoint measured, if it was of something else."""
    try:
        _check_config(workdir, read_config(workdir), config)
        _check_data(workdir, data)
    except (UserError, ValueError):
        for path in (workdir / discovery.BEST_FOLDER).glob("*"):
            path.unlink()
        measured = workdir / "metrics-evaluation.jsonl"
        if measured.exists():
            measured.replace(measured.with_name(measured.name + ".old"))


def _check_config(workdir: pathlib.Path, old: schema.Config, new: schema.Config) -> None:
    changes = schema.blocking_differences(old, new)
    if changes:
        raise UserError(
            f"{workdir} holds a run of another configuration ({'; '.join(changes)}).\n"
            "Continue it with its own configuration, or branch it:"
            f" --init_from={workdir} --full --workdir=ANOTHER"
        )


def _check_data(workdir: pathlib.Path, data: dict) -> None:
    old = read_data(workdir)
    # Imported networks have seen no images here: any will do that have their classes.
    is_imported = old is not None and not old["sha256"]
    if not is_imported and old not in (None, data):
        raise UserError(
            f"{workdir} holds a run on other images than --data has.\n"
            "Continue it with the dataset it began with, or branch it:"
            f" --init_from={workdir} --full --workdir=ANOTHER"
        )
