"""The section at the top: how far each run is, and the numbers that are asked for first."""

import datetime
import statistics

from dualcontrast.tools.report_page import markup, scores
from dualcontrast.tools.report_page.markup import Html
from dualcontrast.tools.report_page.run_folder import Run
from dualcontrast.trainer.config import loss_sections
from dualcontrast.trainer.formatting import duration, short_number


def section(runs: list[Run]) -> Html:
    """Returns the section."""
    cards = [_card(index, run) for index, run in enumerate(runs)]
    content = markup.element("div", markup.join(cards, "\n"), class_="cards")
    return markup.section("Overview", "", content, *map(_checkpoints, runs))


def _card(index: int, run: Run) -> Html:
    total = run.config.training.total_images
    percent = min(100.0, 100.0 * run.images_seen / total)
    head = markup.element("h3", markup.run_name(index, run.name))
    place = markup.element("p", run.folder, class_="note")
    bar = Html(
        f'<div class="progress run{index}" role="img" aria-label="{percent:.0f} % done">'
        f'<div style="width:{percent:.1f}%"></div></div>'
    )
    done = f"{run.images_seen:,} of {total:,} images, {percent:.0f} %"
    tiles = markup.element("div", markup.join(_tiles(index, run)), class_="tiles")
    content = [head, place, bar, markup.element("p", done, class_="note"), *_origin(run), tiles]
    return markup.element("article", markup.join(content, "\n"), class_="card")


def _origin(run: Run) -> list[Html]:
    """Returns where the run's first weights are from, if not from chance, and what changed."""
    if not run.origin:
        return []
    what = "everything" if run.origin["full"] else "the networks"
    text = f"began with {what} of {run.origin['checkpoint']}"
    changes = markup.join([markup.element("li", change) for change in run.origin["changes"]], "\n")
    shown = [markup.element("p", text, class_="note")]
    if run.origin["changes"]:
        title = f"Different from that run: {len(run.origin['changes'])}"
        shown.append(markup.details(title, markup.element("ul", changes)))
    return shown


def _tiles(index: int, run: Run) -> list[Html]:
    config, score = run.config, scores.latest_fid(index, run)
    loss, loss_note = config.loss.family.replace("_", " "), config.generator.family
    if isinstance(config.loss, loss_sections.DualContrastive):
        loss_note += f", after {short_number(config.loss.warmup_images)} images of warm-up"
    tiles = [_tile("Loss", loss, loss_note)]
    if score:
        deviation = f" ± {score.deviation:.2g}" if score.deviation else ""
        note = score.estimate.get("note") or f"features of {score.estimate.get('extractor')}"
        tiles.insert(0, _tile("FID", f"{score.value:.4g}{deviation}", note))
    size = f"{config.data.resolution} × {config.data.resolution}"
    tiles.append(_tile("Images", size, f"batches of {config.training.batch_size}"))
    rates = [row["images_per_second"] for row in run.rows if row.get("images_per_second")]
    if rates:
        rate = f"{short_number(statistics.median(rates))} / s"
        tiles.append(_tile("Speed", rate, f"{duration(_seconds(run))} in training"))
    return tiles


def _tile(name: str, value: str, note: str) -> Html:
    size = "long" if len(value) > 11 else "short"
    parts = [
        markup.element("span", name),
        markup.element("b", value, class_=size),
        markup.element("small", note),
    ]
    return markup.element("div", markup.join(parts), class_="tile")


def _seconds(run: Run) -> float:
    """Returns the time that the steps took, from the rate of each line of metrics."""
    before, total = 0, 0.0
    for row in run.rows:
        if row.get("images_per_second"):
            total += (row["images_seen"] - before) / row["images_per_second"]
        before = row["images_seen"]
    return total


def _checkpoints(run: Run) -> Html:
    rows = []
    for saved in run.checkpoints:
        when = datetime.datetime.fromtimestamp(saved.written).strftime("%Y-%m-%d %H:%M")
        name = markup.element("code", f"checkpoints/images-{saved.images_seen}")
        rows.append([name, f"{saved.images_seen:,}", f"{short_number(saved.bytes)}B", when])
    if run.best:
        name = markup.element("code", f"best/{run.best.get('checkpoint')}")
        note = f"FID {run.best.get('fid', float('nan')):.4g}"
        rows.append([name, f"{run.best.get('images_seen', 0):,}", note, ""])
    if not rows:
        return markup.element("p", f"{run.name} has no checkpoint yet.", class_="note")
    table = markup.table(["checkpoint", "images", "size", "written"], rows, class_="numbers")
    return markup.details(f"Checkpoints of {run.name}: {len(rows)}", table)
