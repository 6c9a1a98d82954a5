"""Under which conditions each run of a sweep was trained: a line a run, without its weights."""

import csv
import hashlib
import io
import itertools
from typing import Any

from dualcontrast.tools.sweeps import runner, sweep_file
from dualcontrast.tools.sweeps.sweep_file import Run, Sweep
from dualcontrast.trainer import files
from dualcontrast.trainer.checkpoints import checkpoint, environment, run_path

# Of the newest start in the run's environment.jsonl.
_VERSIONS = ("dualcontrast", "python", "tensorflow", "keras", "numpy")
_MACHINE = ("processor_model", "processor", "devices", "deterministic", "tf32")
_HEAD = (
    *("row", "seed", "images", "minutes", "starts", "data"),
    *_VERSIONS,
    *_MACHINE,
    *("operations", "variables", "command"),
)


def as_csv(sweep: Sweep) -> str:
    """Returns a line for each run that has begun.

    Its columns: the images that it has seen; the minutes that training them took, without
    evaluations; how often it was started; the first digits of its data's checksum; versions,
    machine, operations and environment variables of its newest start; and its commands.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, _HEAD, lineterminator="\n")
    writer.writeheader()
    writer.writerows(record for run in sweep.runs if (record := _of(run)) is not None)
    return text.getvalue()


def _of(run: Run) -> dict[str, Any] | None:
    starts = environment.starts(run.workdir)
    if not starts:
        return None
    newest = starts[-1]
    rows = files.read_sound_rows(run.workdir / run_path.METRICS_NAME)
    rates = {row["images_seen"]: row["images_per_second"] for row in rows if _has_rate(row)}
    spans = itertools.pairwise([0, *sorted(rates)])
    seconds = sum((end - begin) / rates[end] for begin, end in spans)
    return {
        "row": run.row,
        "seed": run.seed,
        "images": runner.images_of(run),
        "minutes": f"{seconds / 60:.1f}",
        "starts": len(starts),
        "data": _fingerprint(run),
        **{name: newest.get(name) for name in (*_VERSIONS, *_MACHINE)},
        "operations": _pairs(newest.get("operations", {})),
        "variables": _pairs(newest.get("variables", {})),
        "command": sweep_file.shell(run),
    }


def _has_rate(row: dict[str, Any]) -> bool:
    return bool(row.get("images_seen") and row.get("images_per_second"))


def _fingerprint(run: Run) -> str:
    """Returns the beginning of a checksum of the shards' checksums, in their order."""
    data = checkpoint.read_data(run.workdir)
    return hashlib.sha256("".join(data["sha256"]).encode()).hexdigest()[:12] if data else ""


def _pairs(named: dict[str, Any]) -> str:
    return "; ".join(f"{name}={value}" for name, value in named.items())
