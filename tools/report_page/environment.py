"""The section of environments: where the runs were trained, and where the report was written."""

from typing import Any

from dualcontrast.tools.report_page import markup
from dualcontrast.tools.report_page.markup import Html
from dualcontrast.tools.report_page.run_folder import Run
from dualcontrast.trainer.checkpoints import environment


def section(runs: list[Run]) -> Html:
    """Returns the section."""
    columns: dict[Html, dict[str, Any]] = {}
    for index, run in enumerate(runs):
        if run.environment:
            columns[_title(index, run, "training")] = run.environment
        if run.evaluations:
            columns[_title(index, run, "evaluation")] = run.evaluations[-1].get("versions", {})
    columns[Html("this report")] = environment.describe()
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    rows = [[name, *(column.get(name, "") for column in columns.values())] for name in names]
    lead = "What was recorded by each run and its newest evaluation, and what wrote this page."
    return markup.section(
        "Environment", lead, markup.table(["", *columns], rows, class_="environment")
    )


def _title(index: int, run: Run, what: str) -> Html:
    return markup.join([markup.run_name(index, run.name), f", {what}"])
