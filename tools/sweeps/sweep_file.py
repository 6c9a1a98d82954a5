"""A sweep as people write it: rows, seeds, and what all runs have in common."""

import contextlib
import dataclasses
import pathlib
import re
import shlex
import sys
from collections.abc import Iterator
from typing import Any

import yaml

from dualcontrast.trainer import files
from dualcontrast.trainer.config import config_flags, schema
from dualcontrast.trainer.errors import UserError

_OF_ROW = ("config", "data")  # A row may have its own.
_BASELINE = "baseline"  # Likewise.
_MEASURED = "evaluate"  # To which a row may add flags; what else it has are fields.
_KEYS = (*_OF_ROW, "seeds", "change", "rows", _BASELINE, _MEASURED)
_NAME = re.compile(r"[A-Za-z0-9][\w.+-]*")
# They lie beside the rows' folders.
_TAKEN = ("values.csv", "runs.csv", "samples.png", "report.html")


@dataclasses.dataclass(frozen=True)
class Run:
    """One training of a sweep.

    Attributes:
      row: name of what is tried.
      seed: of the training.
      workdir: where the run lives.
      images: length of the run.
      train: the command.
      evaluate: the command that measures it when it is complete; None for none.
      results: the file that has its measurements.
    """

    row: str
    seed: int
    workdir: pathlib.Path
    images: int
    train: list[str]
    evaluate: list[str] | None
    results: pathlib.Path

    @property
    def name(self) -> str:
        """As in "plain, seed 0"."""
        return f"{self.row}, seed {self.seed}"


@dataclasses.dataclass(frozen=True)
class Sweep:
    """A sweep.

    Attributes:
      runs: seed by seed, so that a stopped sweep has whole rounds.
      rows: names, in the order of the file.
      seeds: of every row.
      baselines: by row, the row that it is compared with; a row that is missing with none.
    """

    runs: list[Run]
    rows: list[str]
    seeds: list[int]
    baselines: dict[str, str]


def read(path: pathlib.Path, output: pathlib.Path) -> Sweep:
    """Returns the sweep of a file, every configuration of which is valid.

    Args:
      path: a YAML file; see `tools/sweep.py`.
      output: folder of the runs, ROW/seedN each.

    Raises:
      UserError: the file cannot be read, or asks for what there is not.
    """
    content = _content(path)
    with _naming(path):
        rows, seeds = _rows(content), _seeds(content)
        baselines = _baselines(content, rows)
        runs = [_run(content, row, rows[row], seed, output) for seed in seeds for row in rows]
    return Sweep(runs, list(rows), seeds, baselines)


def shell(run: Run) -> str:
    """Returns the commands of a run as a line for a shell."""
    commands = [run.train] if run.evaluate is None else [run.train, run.evaluate]
    return " && ".join(shlex.join([pathlib.Path(c[0]).name, *c[1:]]) for c in commands)


@contextlib.contextmanager
def _naming(path: pathlib.Path) -> Iterator[None]:
    """Puts the file's name in front of an error."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _content(path: pathlib.Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(files.read_text(path, "Give the sweep's file: --sweep=FILE.yaml"))
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f", line {place.line + 1}" if place else ""
        raise UserError(f"{path}{line}: no YAML: {getattr(error, 'problem', error)}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected {', '.join(_KEYS)}; see dualcontrast-sweep --help")
    for key in content:
        if key not in _KEYS:
            raise UserError(f"{path}: unknown key {key!r}, expected some of {', '.join(_KEYS)}")
    return content


def _rows(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    rows = content.get("rows")
    if not isinstance(rows, dict) or not rows:
        raise UserError("rows: expected names, each with the fields that it changes")
    for name, changes in rows.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name in _TAKEN:
            raise UserError(
                f"rows: {name!r} can be no folder's name: letters, digits, _ . + -, and none of"
                f" {', '.join(_TAKEN)}"
            )
        if not isinstance(changes or {}, dict):
            raise UserError(f"row {name}: got {changes!r}, expected fields, as in loss: hinge")
    return {name: changes or {} for name, changes in rows.items()}


def _baselines(content: dict[str, Any], rows: dict[str, dict[str, Any]]) -> dict[str, str]:
    common = content.get(_BASELINE)
    named = {row: own.get(_BASELINE, common) for row, own in rows.items()}
    for baseline in (common, *named.values()):
        if baseline is not None and baseline not in rows:
            raise UserError(f"baseline: got {baseline!r}, expected one of {', '.join(rows)}")
    return {row: base for row, base in named.items() if base not in (None, row)}


def _seeds(content: dict[str, Any]) -> list[int]:
    seeds = content.get("seeds", [0])
    if not isinstance(seeds, list) or not seeds or not all(type(seed) is int for seed in seeds):
        raise UserError(f"seeds: got {seeds!r}, expected a list of numbers, as in [0, 1, 2]")
    return list(dict.fromkeys(seeds))


def _run(
    content: dict[str, Any], row: str, own: dict[str, Any], seed: int, output: pathlib.Path
) -> Run:
    chosen = {key: own.get(key, content.get(key)) for key in _OF_ROW}
    for key, value in chosen.items():
        if not isinstance(value, str):
            raise UserError(f"row {row}: {key} is missing; give {key}: ... for it or for all rows")
    named = (*_OF_ROW, _BASELINE, _MEASURED)
    changes = {**_fields(content), **{k: v for k, v in own.items() if k not in named}}
    changes["training.seed"] = seed
    config = _config(row, chosen["config"], changes)
    workdir = output / row / f"seed{seed}"
    train = [_program("train"), f"--config={chosen['config']}", f"--data={chosen['data']}"]
    train += [f"--workdir={workdir}"]
    train += [f"--config.{path}={_text(value)}" for path, value in changes.items()]
    measured = _measured(content.get(_MEASURED), own.get(_MEASURED), row)
    results = workdir / ("metrics-sweep.jsonl" if measured else "metrics-evaluation.jsonl")
    evaluate = _evaluate(measured, workdir, results) if measured else None
    return Run(row, seed, workdir, config.training.total_images, train, evaluate, results)


def _fields(content: dict[str, Any]) -> dict[str, Any]:
    changes = content.get("change") or {}
    if not isinstance(changes, dict):
        raise UserError(f"change: got {changes!r}, expected fields, as in training.batch_size: 16")
    return changes


def _config(row: str, reference: str, changes: dict[str, Any]) -> schema.Config:
    """Returns a row's configuration.

    Raises:
      UserError: it is none.
    """
    texts = {path: _text(value) for path, value in changes.items()}
    try:
        return config_flags.overridden(config_flags.load(reference), texts)
    except UserError as error:
        raise UserError(f"row {row}: {error}") from error


def _measured(common: Any, own: Any, row: str) -> Any:
    """Returns the flags of dualcontrast-evaluate for a row; None for none."""
    if own is None:
        return common
    if not isinstance(own, dict) or not isinstance(common, dict):
        raise UserError(
            f"row {row}: {_MEASURED} adds flags to those of all rows, got {own!r} and {common!r}"
        )
    return {**common, **own}


def _evaluate(flags: Any, workdir: pathlib.Path, results: pathlib.Path) -> list[str]:
    if not isinstance(flags, dict) or "data" not in flags:
        raise UserError("evaluate: expected flags of dualcontrast-evaluate, data among them")
    for name in ("run", "output"):
        if name in flags:
            raise UserError(f"evaluate: {name} is the sweep's own; drop it")
    command = [_program("evaluate"), f"--run={workdir}", f"--output={results}"]
    return command + [f"--{name}={_text(value)}" for name, value in flags.items()]


def _program(name: str) -> str:
    """Returns the path of a binary beside this one."""
    return str(pathlib.Path(sys.executable).with_name(f"dualcontrast-{name}"))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "none" if value is None else str(value)
