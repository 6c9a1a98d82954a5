"""A sweep on one page: its table, what the rows generate, and the commands."""

import pathlib

from dualcontrast.tools.report_page import embedding, markup, page
from dualcontrast.tools.report_page.markup import Html
from dualcontrast.tools.sweeps import results, sweep_file
from dualcontrast.tools.sweeps.results import Line
from dualcontrast.tools.sweeps.sweep_file import Sweep
from dualcontrast.trainer import files


def write(
    sweep: Sweep, found: list[Line], samples: pathlib.Path | None, path: pathlib.Path
) -> None:
    """Writes the page, which loads nothing.

    Args:
      sweep: all of it, whether or not it is complete.
      found: what is known.
      samples: the picture of `samples.write`; None where there is none yet.
      path: of the page.

    Raises:
      UserError: the picture cannot be read, or the page cannot be written.
    """
    sections = [_table(sweep, found), _samples(samples), _commands(sweep)]
    title = f"{path.parent.absolute().name}: {len(sweep.rows)} rows, {len(sweep.seeds)} seeds"
    files.write(path, page.document(title, sections, "dualcontrast-sweep"))


def _table(sweep: Sweep, found: list[Line]) -> Html:
    measured = list(dict.fromkeys(line.metric for line in found))
    cells = {(line.row, line.metric): line for line in found}
    rows = [[row, *(_cell(cells.get((row, metric))) for metric in measured)] for row in sweep.rows]
    lead = (
        f"Means over the seeds that are measured, with the interval that holds the true mean with a"
        f" probability of {results.LEVEL:.0%} (Student's t)."
    )
    if sweep.baselines:
        lead += (
            " In brackets the mean difference from another row, paired by seed; better or worse"
            " where its interval excludes zero."
        )
    return markup.section("Results", lead, markup.table(["row", *measured], rows))


def _cell(line: Line | None) -> str:
    """Returns what is known of a metric of a row, in words."""
    if line is None:
        return ""
    text = " ".join(filter(None, results.shown(line.own)))
    if line.difference is not None:
        difference = " ".join(filter(None, results.shown(line.difference, sign="+")))
        text += f" ({difference} from {line.baseline}{', ' if line.verdict else ''}{line.verdict})"
    return text


def _samples(path: pathlib.Path | None) -> Html | None:
    if path is None:
        return None
    (picture,), _ = embedding.embed([path], embedding.MOST_BYTES)
    image = markup.element(
        "img",
        src=picture.source,
        alt="generated images, a line a row",
        width=picture.width,
        height=picture.height,
    )
    lead = "Images by the averaged generator; runs of one seed draw them from the same latents."
    shown = markup.element("div", Html(image.removesuffix("</img>")), class_="scroll")
    return markup.section("Samples", lead, shown)


def _commands(sweep: Sweep) -> Html:
    commands = "\n".join(sweep_file.shell(run) for run in sweep.runs)
    shown = markup.details(f"{len(sweep.runs)} runs", markup.element("pre", commands))
    return markup.section("Commands", "What --print prints.", shown)
