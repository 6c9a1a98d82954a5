"""Results for people and for machines."""

import dataclasses
import importlib.metadata
import pathlib
from typing import Any

from dualcontrast.trainer import files
from dualcontrast.trainer.evaluation import fake_labels, references
from dualcontrast.trainer.evaluation.measure import Result

FILE_NAME = "metrics-evaluation.jsonl"
_MOST_CLASSES = 100  # That are shown; the file has all of them.
_HEAD = ("metric", "value", "deviation", "reals", "fakes", "extractor")


def table(results: dict[str, Result]) -> str:
    """Returns the results as aligned columns, and below them what limits their meaning."""
    rows: list[tuple[str, ...]] = [_HEAD]
    for name, result in results.items():
        rows.append(_row(name, result))
        for own in list(result.classes)[:_MOST_CLASSES]:
            rows.append(_row(f"  {fake_labels.shown(own)}", Result(result.classes[own], "")))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = []
    for row in rows:
        ends = row[0].ljust(widths[0]), row[-1]
        middle = [word.rjust(width) for word, width in zip(row[1:-1], widths[1:-1])]
        lines.append("  ".join([ends[0], *middle, ends[1]]))
    lines += [
        f"{name}: of {len(result.classes):,} classes the first {_MOST_CLASSES} are shown"
        for name, result in results.items()
        if len(result.classes) > _MOST_CLASSES
    ]
    warnings: dict[str, list[str]] = {}
    for name, result in results.items():
        warnings.setdefault(result.estimate.warning, []).append(name)
    warnings.pop("", None)
    lines += [f"{', '.join(names)}: {warning}" for warning, names in warnings.items()]
    return "\n".join(lines)


def _row(name: str, result: Result) -> tuple[str, ...]:
    estimate = result.estimate
    deviation = "" if estimate.deviation is None else f"± {estimate.deviation:.3g}"
    reals = f"{estimate.reals:,}" if estimate.reals else "-"
    network = f"{result.extractor} ({result.note})" if result.note else result.extractor
    return name, f"{estimate.value:.5g}", deviation, reals, f"{estimate.fakes:,}", network


def record(
    results: dict[str, Result],
    *,
    images_seen: int | None,
    fakes: str,
    reals: str,
    protocol: dict[str, Any],
    request: str,
    seconds: float,
) -> dict[str, Any]:
    """Returns the row of metrics-evaluation.jsonl.

    Args:
      results: by name.
      images_seen: by the generator; None where nobody knows.
      fakes, reals: what was compared, as it was named.
      protocol: everything that decides the values.
      request: see `request_of`.
      seconds: that it took.
    """
    versions = {name: importlib.metadata.version(name) for name in ("tensorflow", "numpy", "scipy")}
    return {
        "images_seen": images_seen,
        **{name: result.estimate.value for name, result in results.items()},
        "fakes": fakes,
        "reals": reals,
        "estimates": {name: _estimate(result) for name, result in results.items()},
        "protocol": protocol,
        "request": request,
        "versions": versions,
        "seconds": round(seconds, 1),
    }


def _estimate(result: Result) -> dict[str, Any]:
    found = {**dataclasses.asdict(result.estimate), "extractor": result.extractor}
    if result.note:
        found["note"] = result.note
    if result.classes:
        found["classes"] = {
            name: {"value": own.value, "reals": own.reals, "fakes": own.fakes}
            for name, own in result.classes.items()
        }
    if result.left_out:
        found["left_out"] = result.left_out
    return found


def request_of(**parts: Any) -> str:
    """Returns a hash of what was asked for, the same for every checkpoint of a run."""
    return references.key(parts)


def append(path: pathlib.Path, row: dict[str, Any]) -> None:
    """Adds a row to a file, whole.

    Raises:
      UserError: the file cannot be written.
    """
    files.append(path, row)


def rows(path: pathlib.Path) -> list[dict[str, Any]]:
    """Returns the rows of a file, none where there is none; a line that is no row is left out.

    Raises:
      UserError: the file cannot be read.
    """
    return files.read_sound_rows(path)


def checked_rows(path: pathlib.Path) -> list[dict[str, Any]]:
    """Returns the rows of a file, none where there is none.

    Raises:
      UserError: the file cannot be read, or one of its lines is no row that `record` makes.
    """
    return files.read_rows(path, {"images_seen": (int, type(None)), "estimates": dict}, _wrong)


def _wrong(row: dict[str, Any]) -> str:
    """Returns which part of a row is of another kind than `record` makes it; empty for none."""
    for name, estimate in row["estimates"].items():
        if not _has_value(estimate):
            return f"its estimate of {name} has no value"
        classes = estimate.get("classes", {})
        if not isinstance(classes, dict) or not all(map(_has_value, classes.values())):
            return f"its estimate of {name} lacks the value of a class"
        if not isinstance(estimate.get("left_out", {}), dict):
            return f"its estimate of {name} does not say which classes it leaves out"
    protocol = row.get("protocol", {})
    if not isinstance(protocol, dict):
        return "its protocol is no object"
    fakes, extractors = protocol.get("fakes", {}), protocol.get("extractors", {})
    parts = [fakes, *(extractors.values() if isinstance(extractors, dict) else [extractors])]
    if not all(isinstance(part, dict) for part in parts):
        return "its protocol names no fakes or no extractors"
    if not isinstance(fakes.get("labels", {}), dict):
        return "its protocol does not say how labels were drawn"
    if not isinstance(row.get("versions", {}), dict):
        return "its versions are no object"
    return ""


def _has_value(estimate: Any) -> bool:
    value = estimate.get("value") if isinstance(estimate, dict) else None
    return isinstance(value, int | float) and not isinstance(value, bool)
