"""The value of each class, of a metric that is their mean."""

from typing import Any

from dualcontrast.tools.report_page import markup
from dualcontrast.tools.report_page.markup import Html
from dualcontrast.tools.report_page.run_folder import Run

_KINDS = ("classes", "left_out")


def table(title: str, estimates: dict[int, dict[str, Any]], runs: list[Run]) -> Html:
    """Returns a folded table with a class a row, empty where the metric is of all images.

    Args:
      title: of the metric.
      estimates: the newest one of each run that has any, by the run's place in `runs`.
      runs: of the report.
    """
    parts = [estimate.get(kind, {}) for estimate in estimates.values() for kind in _KINDS]
    names = list(dict.fromkeys(name for part in parts for name in part))
    if not names:
        return Html("")
    shown = sorted(estimates)
    head = ["class", *(markup.run_name(index, runs[index].name) for index in shown)]
    rows = [[name, *(_cell(estimates[index], name) for index in shown)] for name in names]
    content = markup.table(head, rows, class_="numbers")
    return markup.details(f"{title} of each class, {len(names)} in all", content)


def _cell(estimate: dict[str, Any], name: str) -> str:
    own = estimate.get("classes", {}).get(name)
    if own is not None:
        return f"{own['value']:.4g} ({own.get('reals', 0):,} real)"
    if name in estimate.get("left_out", {}):
        return f"left out ({estimate['left_out'][name]:,} real)"
    return "–"
