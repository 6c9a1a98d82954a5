"""The section of curves: everything of metrics.jsonl against the images seen."""

from dualcontrast.tools.report_page import charts, embedding, markup
from dualcontrast.tools.report_page.charts import Series
from dualcontrast.tools.report_page.markup import Html
from dualcontrast.tools.report_page.run_folder import Run
from dualcontrast.trainer.formatting import short_number

_REAL, _FAKE = "logits/real", "logits/fake"
# What is known about the names of metrics.jsonl; others are shown under their names.
_TITLES = {
    "loss/D": ("Loss of the discriminator", "In the phases' own losses: they are not of one size."),
    "loss/G": ("Loss of the generator", "In the phases' own losses: they are not of one size."),
    "r1": ("R1 penalty", "The discriminator's squared gradient at real images, weighted."),
    "path_length": ("Path length", "How far an image moves when w moves by one."),
    "ada/p": ("Augmentation probability", "Of each of ADA's augmentations, for each image."),
    "ada/r_t": ("Overfitting", "r_t: mean sign of the logits of reals; p rises over its target."),
    "images_per_second": ("Images a second", "Real images shown, evaluations left out."),
    "wait_share": ("Share of time waiting for data", "0 is good, 1 is all of the time."),
}
_TABLE_ROWS = 40


def section(runs: list[Run]) -> Html | None:
    """Returns the section, None where no run has a line yet."""
    shown = [(index, run) for index, run in enumerate(runs) if run.rows]
    if not shown:
        return None
    figures = [charts.chart(*_logits(shown)), charts.chart(*_gap(shown))] if _any(shown) else []
    names = dict.fromkeys(name for _, run in shown for row in run.rows for name in _numbers(row))
    for name in names:
        if name not in (_REAL, _FAKE):
            title, note = _TITLES.get(name, (name, ""))
            lines = [_series(index, run, name) for index, run in shown]
            figures.append(charts.chart(title, note, lines))
    return markup.section(
        "Curves",
        "Against real images shown. Point at a chart, or focus it and use the arrow keys, for the "
        "values there; else they are the last ones. A dotted line is where the dual contrastive "
        "loss takes over. Of many lines, means of windows are drawn, with their range as a shade.",
        markup.element("div", markup.join(figures, "\n"), class_="charts"),
        *(_table(index, run) for index, run in shown),
    )


def _numbers(row: dict) -> list[str]:
    return [
        name
        for name, value in row.items()
        if name != "images_seen" and isinstance(value, int | float) and not isinstance(value, bool)
    ]


def _any(shown: list[tuple[int, Run]]) -> bool:
    return any(_REAL in row and _FAKE in row for _, run in shown for row in run.rows)


def _series(index: int, run: Run, name: str, label: str = "", dashed: bool = False) -> Series:
    rows = [row for row in run.rows if isinstance(row.get(name), int | float)]
    x = [row["images_seen"] for row in rows]
    y = [row[name] for row in rows]
    return Series(index, label or run.name, x, y, dashed=dashed, marks=_switches(run))


def _switches(run: Run) -> list[int]:
    """The images seen when the phase of training changed."""
    pairs = zip(run.rows, run.rows[1:])
    return [old["images_seen"] for old, new in pairs if old.get("phase") != new.get("phase")]


def _logits(shown: list[tuple[int, Run]]) -> tuple[str, str, list[Series]]:
    lines = []
    for index, run in shown:
        lines.append(_series(index, run, _REAL, f"{run.name}, real"))
        lines.append(_series(index, run, _FAKE, f"{run.name}, generated", dashed=True))
    return "Logits", "Under the dual contrastive loss their level means nothing.", lines


def _gap(shown: list[tuple[int, Run]]) -> tuple[str, str, list[Series]]:
    lines = []
    for index, run in shown:
        rows = [row for row in run.rows if _REAL in row and _FAKE in row]
        gap = [row[_REAL] - row[_FAKE] for row in rows]
        x = [row["images_seen"] for row in rows]
        lines.append(Series(index, run.name, x, gap, marks=_switches(run)))
    return "Logit gap", "Real less generated: how well the discriminator tells them apart.", lines


def _table(index: int, run: Run) -> Html:
    names = list(dict.fromkeys(name for row in run.rows for name in _numbers(row)))
    rows = embedding.thinned(run.rows, _TABLE_ROWS)
    cells = [
        [f"{row['images_seen']:,}", row.get("phase", ""), *(_cell(row.get(n)) for n in names)]
        for row in rows
    ]
    count = f"{len(rows)} of {len(run.rows)} lines"
    table = markup.table(["images", "phase", *names], cells, class_="numbers")
    return markup.details(f"The numbers of {run.name}, {count}", table)


def _cell(value: float | None) -> str:
    return "" if value is None else short_number(value)
