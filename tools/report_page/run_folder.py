"""A run as it lies on the disk: what the report shows of it."""

import dataclasses
import json
import pathlib
import re
from collections.abc import Callable
from typing import Any

from dualcontrast.trainer import progress
from dualcontrast.trainer.checkpoints import best_checkpoint, checkpoint
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import report as evaluation_report

ENVIRONMENT_NAME = "environment.json"


@dataclasses.dataclass(frozen=True)
class Saved:
    """A checkpoint: images seen, bytes on disk, seconds since 1970 when it was written."""

    images_seen: int
    bytes: int
    written: float


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run has left.

    Attributes:
      name: to tell it from the others.
      folder: as it was given.
      config: resolved.
      rows: of metrics.jsonl.
      evaluations: rows of metrics-evaluation.jsonl that say how many images were seen.
      grids: path of each grid of generated images, by images seen, ascending.
      reals: path of the grid of real images, None where there is none.
      attention: pictures of attention maps.
      checkpoints: ascending.
      best: what `trainer/checkpoints/best_checkpoint.py` wrote, or empty.
      data: what data.json says, or empty.
      dataset: None where nobody said where it is.
      environment: of the training, or empty.
    """

    name: str
    folder: pathlib.Path
    config: schema.Config
    rows: list[dict[str, Any]]
    evaluations: list[dict[str, Any]]
    grids: dict[int, pathlib.Path]
    reals: pathlib.Path | None
    attention: list[pathlib.Path]
    checkpoints: list[Saved]
    best: dict[str, Any]
    data: dict[str, Any]
    dataset: manifest.Manifest | None
    environment: dict[str, Any]

    @property
    def images_seen(self) -> int:
        """Images that the newest line of metrics or checkpoint has seen."""
        seen = [row["images_seen"] for row in self.rows[-1:]]
        return max([*seen, *(saved.images_seen for saved in self.checkpoints), 0])


def read(folders: list[str], datasets: list[str]) -> list[Run]:
    """Returns the runs in the order in which they were given.

    Args:
      folders: of the runs.
      datasets: folders of the datasets that they were trained on, in any order; may be fewer.

    Raises:
      UserError: a folder is no run or holds a damaged file, or no run was trained on a dataset.
    """
    known = {_content(found): found for found in map(manifest.read, datasets)}
    names = _names([pathlib.Path(folder) for folder in folders])
    runs = [_read(pathlib.Path(f), name, known) for f, name in zip(folders, names)]
    used = [_content(run.dataset) for run in runs if run.dataset]
    for content, dataset in known.items():
        if content not in used:
            raise UserError(
                f"--data={dataset.folder}: no run was trained on these images.\n"
                "Give the dataset of a run, or leave --data out"
            )
    return runs


def _read(folder: pathlib.Path, name: str, known: dict) -> Run:
    if not folder.is_dir():
        raise UserError(f"--run={folder}: there is no such folder, expected a training run")
    data = _object(folder / checkpoint.DATA_NAME)
    evaluations = _lines(folder / evaluation_report.FILE_NAME, _is_evaluation)
    grids = {_number(path): path for path in sorted(folder.glob("grids/fakes-*.png"))}
    reals = folder / "grids" / "reals.png"
    return Run(
        name=name,
        folder=folder,
        config=_config(folder),
        rows=_lines(folder / progress.METRICS_NAME, _is_metrics),
        evaluations=[row for row in evaluations if row["images_seen"] is not None],
        grids=dict(sorted(grids.items())),
        reals=reals if reals.exists() else None,
        attention=sorted(folder.glob("attention/*.png")),
        checkpoints=_checkpoints(folder),
        best=_object(folder / best_checkpoint.FOLDER / "best.json"),
        data=data,
        dataset=known.get(tuple(data.get("sha256", ()))),
        environment=_object(folder / ENVIRONMENT_NAME),
    )


def _content(dataset: manifest.Manifest) -> tuple[str, ...]:
    return tuple(shard.sha256 for shard in dataset.shards)


def _names(folders: list[pathlib.Path]) -> list[str]:
    """The shortest ends of the paths that tell the runs apart; a run given twice gets a number."""
    paths = [folder.absolute().parts for folder in folders]
    for count in range(1, max(map(len, paths)) + 1):
        names = ["/".join(parts[-count:]) for parts in paths]
        if len(set(names)) == len(set(paths)):
            break
    repeated = [name for name in names if names.count(name) > 1]
    return [f"{n} ({i})" if n in repeated else n for i, n in enumerate(names, start=1)]


def _config(folder: pathlib.Path) -> schema.Config:
    try:
        return checkpoint.read_config(folder)
    except UserError as error:
        if not (folder / checkpoint.CONFIG_NAME).exists():
            raise
        raise UserError(f"{folder / checkpoint.CONFIG_NAME}: {error}") from error


def _object(path: pathlib.Path) -> dict[str, Any]:
    """Returns the JSON object in a file, empty where there is no file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise UserError(f"{path} holds no JSON object: it was edited or damaged")
    return found


def _lines(path: pathlib.Path, fits: Callable[[Any], bool]) -> list[dict[str, Any]]:
    """Returns the rows of a file, none where there is none; an unfinished last line is left out."""
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    whole = text[: text.rfind("\n") + 1]  # A run may be writing, or was killed while it was.
    rows = []
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            row = json.loads(line)
            is_whole = fits(row)
        except (ValueError, KeyError, TypeError, AttributeError):
            is_whole = False
        if not is_whole:
            raise UserError(
                f"{path}, line {number} is damaged: {line[:60]!r}.\n"
                "Expected a JSON object with images_seen: delete the line, or restore the file"
            )
        rows.append(row)
    return rows


def _is_metrics(row: Any) -> bool:
    return isinstance(row["images_seen"], int)


def _is_evaluation(row: Any) -> bool:
    """Whether this is a row of trainer/evaluation/report.py; a model has seen nobody knows what."""
    values = [estimate["value"] for estimate in row["estimates"].values()]
    return isinstance(row["images_seen"], int | None) and all(
        isinstance(value, int | float) for value in values
    )


def _number(path: pathlib.Path) -> int:
    return int(re.sub(r"\D", "", path.stem) or 0)


def _checkpoints(folder: pathlib.Path) -> list[Saved]:
    found = []
    for index in (folder / checkpoint.FOLDER).glob("images-*.index"):
        parts = list(index.parent.glob(f"{index.stem}.*"))
        size = sum(part.stat().st_size for part in parts)
        found.append(Saved(_number(index), size, index.stat().st_mtime))
    return sorted(found, key=lambda saved: saved.images_seen)
