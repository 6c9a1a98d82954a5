"""The section of environments: where the runs were trained, and where the report was written."""

from typing import Any

from dualcontrast.tools.report_page import markup
from dualcontrast.tools.report_page.markup import Html
from dualcontrast.tools.report_page.run_folder import Run
from dualcontrast.trainer.checkpoints import environment

# Of a start and not of where it ran.
_OF_START = ("started", "images_seen")


def section(runs: list[Run]) -> Html:
    """Returns the section."""
    columns: dict[Html, dict[str, Any]] = {}
    for index, run in enumerate(runs):
        for what, start in _changes(run.environments):
            columns[_title(index, run, what)] = start
        if run.evaluations:
            columns[_title(index, run, "evaluation")] = run.evaluations[-1].get("versions", {})
    columns[Html("this report")] = environment.describe()
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    rows = [
        [name, *(environment.words(column.get(name, "")) for column in columns.values())]
        for name in names
    ]
    lead = (
        "What was recorded by each run when it started, once more where it went on elsewhere, by"
        " its newest evaluation, and what wrote this page."
    )
    return markup.section(
        "Environment", lead, markup.table(["", *columns], rows, class_="environment")
    )


def _changes(starts: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Returns the starts that ran on something else than the one before, each with a title."""
    found: list[tuple[str, dict[str, Any]]] = []
    for start in starts:
        place = {name: value for name, value in start.items() if name not in _OF_START}
        if not found or found[-1][1] != place:
            seen = start.get("images_seen", 0)
            found.append((f"training from {seen:,} images" if seen else "training", place))
    return found


def _title(index: int, run: Run, what: str) -> Html:
    return markup.join([markup.run_name(index, run.name), f", {what}"])
