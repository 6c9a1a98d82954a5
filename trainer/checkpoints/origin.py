"""What a new run starts from: the networks of another one, or all of its state.

WORKDIR/origin.json says which checkpoint that was, what was taken of it, and how the two
configurations differ; it is there from the first start on and is never read for training.
"""

import dataclasses
import hashlib
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from dualcontrast.trainer import errors, files, literal_path, locations, state
from dualcontrast.trainer.checkpoints import checkpoint, discovery
from dualcontrast.trainer.config import schema, serialisation
from dualcontrast.trainer.errors import UserError

FILE_NAME = "origin.json"
FIELDS: files.Fields = {"checkpoint": str, "sha256": str, "full": bool, "changes": list}
# The share of a network's parameters that may begin at random without being asked for.
MOST_FRESH = 0.2
_NETWORKS = ("generator", "discriminator")
_SHOWN = 3  # names in a line
# By the new configuration, not by the old optimizer.
_OF_CONFIGURATION = "learning_rate"


@dataclasses.dataclass(frozen=True)
class Request:
    """What a command asks for.

    Attributes:
      path: a run, for its newest checkpoint, or one checkpoint.
      full: take the optimizers and all counters too, and go on where it stood.
      average: take the averaged weights too; else the average begins as a copy.
      allow_partial: begin however little fits.
    """

    path: pathlib.Path
    full: bool = False
    average: bool = False
    allow_partial: bool = False


@dataclasses.dataclass(frozen=True)
class Match:
    """What of a state is in a checkpoint, by `PART/PATH`.

    Attributes:
      values: of the variables that are.
      fresh: the other variables, each with what is wrong.
      share: of the parameters of each network that are fresh.
    """

    values: dict[str, np.ndarray]
    fresh: dict[str, str]
    share: dict[str, float]


def begin(
    workdir: pathlib.Path, run: state.State, config: schema.Config, request: Request | None
) -> None:
    """Gives a run without a checkpoint the values of another one, and records where from.

    Args:
      workdir: of the new run.
      run: its state, as it is made.
      config: its configuration, resolved.
      request: what the command asks for; None leaves the state as it is.

    Raises:
      UserError: there is no such checkpoint, it is damaged, too little of it fits, or nothing is
        left to train.
    """
    (workdir / FILE_NAME).unlink(missing_ok=True)  # of a start that came to no checkpoint
    if request is None:
        return
    source, prefix = checkpoint.locate(request.path)
    if source.resolve() == workdir.resolve():
        raise UserError(
            f"--init_from={request.path} is of --workdir itself, which goes on by itself: leave the"
            " flag away, or give another --workdir"
        )
    old, stored = checkpoint.read_config(source), _read(prefix)
    seen = int(stored.get("images_seen", 0))
    if request.full and seen >= config.training.total_images:
        raise UserError(
            f"--full goes on at the {seen:,} images of {prefix}, and training.total_images="
            f"{config.training.total_images:_}: try --config.training.total_images={2 * seen:_}"
        )
    match = compare(wanted(run, request), stored)
    _check_share(prefix, match, request)
    _assign(run, match, request)
    record = {
        "checkpoint": str(prefix.resolve()),
        "sha256": hashlib.sha256(files.read_bytes(discovery.index_of(prefix))).hexdigest(),
        "images_seen": seen,
        "full": request.full,
        "average": request.full or request.average,
        "fresh": match.fresh,
        "fresh_share": match.share,
        "changes": schema.differences(old, config),
        "config": serialisation.as_dict(old),
    }
    files.write_object(workdir / FILE_NAME, record)
    for line in _words(prefix, record):
        print(line, flush=True)


def read(workdir: pathlib.Path) -> dict[str, Any] | None:
    """Returns what is recorded of where a run started; None for one that began at random.

    Raises:
      UserError: the record is damaged.
    """
    try:
        return files.read_object(workdir / FILE_NAME, FIELDS)
    except files.Missing:
        return None


def check_same(workdir: pathlib.Path, request: Request | None) -> None:
    """Checks that a command that continues a run does not ask for another start of it.

    Args:
      workdir: of a run that has a checkpoint.
      request: what the command asks for; None is always right.

    Raises:
      UserError: it does.
    """
    if request is None:
        return
    recorded = read(workdir)
    source = checkpoint.workdir_of(request.path)
    if recorded and locations.of(recorded["checkpoint"]).parent.parent == source.resolve():
        return
    began = f"from {recorded['checkpoint']}" if recorded else "at random"
    raise UserError(
        f"--init_from={request.path}: the run in {workdir} began {began}, and goes on by itself.\n"
        "Leave the flag away, or give another --workdir."
    )


def wanted(run: state.State, request: Request) -> dict[str, tf.Variable]:
    """Returns the variables that a request would have values for, by PART/PATH."""
    parts = list(_NETWORKS) + ["average"] * (request.full or request.average)
    if request.full:
        return {
            name: variable
            for name, variable in run.all_variables().items()
            if not name.endswith(f"optimizer/{_OF_CONFIGURATION}")
        }
    return {
        name: variable
        for name, variable in run.all_variables().items()
        if name.partition("/")[0] in parts
    }


def compare(variables: Mapping[str, tf.Variable], stored: Mapping[str, np.ndarray]) -> Match:
    """Returns what of the variables can be taken from the values, by name and shape.

    Args:
      variables: by PART/PATH.
      stored: likewise.
    """
    values, fresh = {}, {}
    for name, variable in variables.items():
        found = stored.get(name)
        if found is None:
            fresh[name] = "not there"
        elif found.shape != tuple(variable.shape):
            fresh[name] = f"{list(found.shape)} there, {list(variable.shape)} here"
        else:
            values[name] = found
    share = {}
    for network in _NETWORKS:
        sizes = {n: int(v.shape.num_elements()) for n, v in variables.items() if _of(n, network)}
        share[network] = sum(sizes[name] for name in sizes if name in fresh) / sum(sizes.values())
    return Match(values, fresh, share)


def _of(name: str, network: str) -> bool:
    return name.partition("/")[0] == network


def _check_share(prefix: pathlib.Path, match: Match, request: Request) -> None:
    """Refuses a start that is random for the most part."""
    for network, share in match.share.items():
        if share > MOST_FRESH and not request.allow_partial:
            names = [name for name in match.fresh if _of(name, network)]
            raise UserError(
                f"--init_from={request.path}: {share:.0%} of the {network} would begin at random,"
                f" more than {MOST_FRESH:.0%}: {_some(names, match.fresh)}.\n"
                f"Train the networks of {prefix}, or type --allow_partial too."
            )


def _some(names: list[str], why: Mapping[str, str]) -> str:
    shown = [f"{name} ({why[name]})" for name in names[:_SHOWN]]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f", and {rest} more" if rest else "")


def _assign(run: state.State, match: Match, request: Request) -> None:
    """Gives the variables their values, and the average the generator's if it takes none."""
    variables = run.all_variables()
    for name, value in match.values.items():
        variables[name].assign(value)
    if not (request.full or request.average):
        for variable, source in zip(run.average.variables, run.generator.variables, strict=True):
            variable.assign(source.value)


def _read(prefix: pathlib.Path) -> dict[str, np.ndarray]:
    """Returns the values of a checkpoint, by PART/PATH."""
    try:
        with literal_path.inside(prefix) as name:
            reader = tf.compat.v1.train.NewCheckpointReader(name)
            return {
                _plain(key): reader.get_tensor(key)
                for key in reader.get_variable_to_shape_map()
                if key.endswith(_ENDING)
            }
    except discovery.DAMAGE as error:
        raise UserError(
            f"checkpoint {prefix} is damaged: {errors.first_line(error)}\n"
            f"Try another one of {prefix.parent}."
        ) from None


# How TensorFlow writes the names of variables in dictionaries.
_ENDING = "/.ATTRIBUTES/VARIABLE_VALUE"


def _plain(key: str) -> str:
    return key.removesuffix(_ENDING).replace("..", ".")


def _words(prefix: pathlib.Path, record: Mapping[str, Any]) -> list[str]:
    """Returns what a start says: what was taken, and what begins at random."""
    what = "everything" if record["full"] else "the networks"
    if not record["full"] and record["average"]:
        what += " and the average"
    lines = [f"starting with {what} of {prefix}, {record['images_seen']:,} images"]
    lines += [f"changed: {change}" for change in record["changes"] if record["full"]]
    lines += [f"begins at random: {name} ({why})" for name, why in record["fresh"].items()]
    return lines
