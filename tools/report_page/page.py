"""The whole page: style and script inside, nothing to load."""

import datetime
import pathlib

from dualcontrast.tools.report_page import (
    configuration,
    curves,
    data_card,
    embedding,
    environment,
    markup,
    overview,
    run_folder,
    samples,
    scores,
)
from dualcontrast.tools.report_page.markup import Html
from dualcontrast.tools.report_page.run_folder import Run
from dualcontrast.trainer import files

_FOLDER = pathlib.Path(__file__).parent
# What a browser may do with the page: show what is in it, and fetch nothing whatever.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def write(folders: list[str], datasets: list[str], output: pathlib.Path) -> str:
    """Writes the report of the runs in `folders`, and returns in words what and where.

    Args:
      folders: of the runs.
      datasets: folders of their datasets, in any order; may be fewer.
      output: file to write.

    Raises:
      UserError: a folder is no run, something in it is damaged, or the file cannot be written.
    """
    runs = run_folder.read(folders, datasets)
    text = page(runs)
    files.make_folder(output.parent, f"--output={output}")
    files.write(output, text)
    names = " and ".join(run.name for run in runs)
    return f"{output}: the report of {names}, {len(text.encode()) / 1e6:.1f} MB"


def page(runs: list[Run]) -> str:
    """Returns the report as HTML.

    Args:
      runs: at least one.

    Raises:
      UserError: a picture of a run cannot be read.
    """
    with_attention = any(run.attention for run in runs)
    grid_bytes = embedding.MOST_BYTES * (0.6 if with_attention else 1.0)
    sections = [
        overview.section(runs),
        samples.section(runs, grid_bytes),
        curves.section(runs),
        scores.section(runs),
        samples.attention(runs, embedding.MOST_BYTES - grid_bytes),
        configuration.section(runs),
        data_card.section(runs),
        environment.section(runs),
    ]
    title = " · ".join(run.name for run in runs)
    return document(title, sections, "dualcontrast-report")


def document(title: str, sections: list[Html | None], program: str) -> str:
    """Returns a page that loads nothing, as HTML.

    Args:
      title: of the page.
      sections: see `markup.section`; those that are None are left out.
      program: that writes it.
    """
    main = markup.element("main", markup.join(filter(None, sections)))
    return _document(title, [_header(title, sections, program), main, _footer(program)])


def _header(title: str, sections: list[Html | None], program: str) -> Html:
    names = [part.split('id="', 1)[1].split('"', 1)[0] for part in sections if part]
    links = [
        markup.element("a", name.replace("-", " ").capitalize(), href=f"#{name}") for name in names
    ]
    parts = [
        markup.element("p", program.replace("-", " "), class_="kicker"),
        markup.element("h1", title),
        markup.element("nav", markup.join(links)),
    ]
    return markup.element("header", markup.join(parts))


def _footer(program: str) -> Html:
    now = datetime.datetime.now().strftime("%Y-%m-%d %H:%M")
    return markup.element("footer", f"Written by {program}, {now}. Loads nothing.")


def _document(title: str, body: list[Html]) -> str:
    style, script, guard = (
        files.read_text(_FOLDER / name) for name in ("page.css", "page.js", "guard.js")
    )
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            '<link rel="icon" href="data:,">',
            markup.element("title", f"{title} – dualcontrast"),
            f"<script>{guard}</script>",
            f"<style>{style}</style>",
            *body,
            f"<script>{script}</script>",
            "</html>",
            "",
        ]
    )
