"""A run as it lies on the disk: what the report shows of it."""

import dataclasses
import pathlib
import re
from typing import Any

from dualcontrast.trainer import files, locations, progress
from dualcontrast.trainer.checkpoints import (
    best_checkpoint,
    checkpoint,
    discovery,
    environment,
    origin,
)
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import report as evaluation_report


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
      environments: of the training, one a start; old runs have only their last.
      origin: what `trainer/checkpoints/origin.py` wrote, or empty.
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
    environments: list[dict[str, Any]]
    origin: dict[str, Any]

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
    names = _names([locations.of(folder) for folder in folders])
    runs = [_read(locations.of(f), name, known) for f, name in zip(folders, names)]
    used = [_content(run.dataset) for run in runs if run.dataset]
    for content, dataset in known.items():
        if content not in used:
            raise UserError(
                f"--data={dataset.folder}: no run was trained on these images.\n"
                "Give the dataset of a run, or leave --data out"
            )
    return runs


def _read(folder: pathlib.Path, name: str, known: dict) -> Run:
    data = checkpoint.read_data(folder) or {}
    evaluations = evaluation_report.checked_rows(folder / evaluation_report.FILE_NAME)
    grids = {_number(path): path for path in sorted(folder.glob("grids/fakes-*.png"))}
    reals = folder / "grids" / "reals.png"
    return Run(
        name=name,
        folder=folder,
        config=checkpoint.read_config(folder),
        rows=progress.rows(folder),
        evaluations=[row for row in evaluations if row["images_seen"] is not None],
        grids=dict(sorted(grids.items())),
        reals=reals if reals.exists() else None,
        attention=sorted(folder.glob("attention/*.png")),
        checkpoints=_checkpoints(folder),
        best=_object(
            folder / best_checkpoint.FOLDER / best_checkpoint.RECORD, best_checkpoint.FIELDS
        ),
        data=data,
        dataset=known.get(tuple(data.get("sha256", ()))),
        environments=environment.starts(folder),
        origin=origin.read(folder) or {},
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


def _object(path: pathlib.Path, fields: files.Fields) -> dict[str, Any]:
    """Returns the JSON object in a file, empty where there is no file."""
    try:
        return files.read_object(path, fields)
    except files.Missing:
        return {}


def _number(path: pathlib.Path) -> int:
    return int(re.sub(r"\D", "", path.stem) or 0)


def _checkpoints(folder: pathlib.Path) -> list[Saved]:
    """Returns those that a user could take; all values of all of them would be too much to read."""
    found = []
    for number in discovery.numbers(folder / discovery.FOLDER):
        prefix = discovery.prefix_of(folder / discovery.FOLDER, number)
        if discovery.fault(prefix, read_values=False) is None:
            files = discovery.state_of(prefix)
            found.append(Saved(number, sum(size for _, size, _ in files), files[0][2] / 1e9))
    return found
