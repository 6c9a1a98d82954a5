"""The section of metrics: a table with error bars, and curves where there are several points."""

import dataclasses
import json
import pathlib
from typing import Any

from dualcontrast.tools.report_page import charts, class_scores, markup
from dualcontrast.tools.report_page.markup import Html
from dualcontrast.tools.report_page.run_folder import Run
from dualcontrast.trainer.evaluation import metric_names
from dualcontrast.trainer.formatting import short_number

_TITLES = {
    "fid": "FID",
    "intra_fid": "Intra-FID",
    "kid": "KID",
    "is": "Inception score",
    "fddf": "FDDF",
    "fddf_scale_free": "FDDF, free of scale",
    "separability_z": "Separability in z",
    "separability_w": "Separability in w",
    "overfitting_r_v": "Overfitting, r_v",
    "overfitting_r_t": "Overfitting, r_t",
    "logit_train": "Mean logit of training images",
    "logit_validation": "Mean logit of images held out",
    "logit_generated": "Mean logit of generated images",
}
_ARROWS = {-1: " ↓", 0: "", 1: " ↑"}
_BAR_WIDTH = 150


@dataclasses.dataclass(frozen=True)
class Key:
    """What two values must have in common to be compared.

    Attributes:
      metric: its name.
      words: what it was taken from, for people.
      content: what decides the real images and the features, as JSON.
    """

    metric: str
    words: str
    content: str


@dataclasses.dataclass(frozen=True)
class Score:
    """One value of one run; see `trainer/metrics/estimate.py`."""

    run: int
    images_seen: int
    estimate: dict[str, Any]
    protocol: dict[str, Any]
    reals: str

    @property
    def value(self) -> float:
        """The value."""
        return self.estimate["value"]

    @property
    def deviation(self) -> float:
        """Its deviation, 0 where it has none."""
        return self.estimate.get("deviation") or 0.0


def latest_fid(index: int, run: Run) -> Score | None:
    """Returns the newest FID of a run, None where there is none."""
    scores = [lines[-1] for key, lines in _scores([(index, run)]).items() if key.metric == "fid"]
    # Of two at the same time, the one of more images.
    return max(scores, key=lambda s: (s.images_seen, s.estimate.get("fakes", 0)), default=None)


def section(runs: list[Run]) -> Html | None:
    """Returns the section, None where nothing was evaluated."""
    found = _scores(list(enumerate(runs)))
    if not found:
        return None
    notes: dict[str, int] = {}
    rows = [_row(key, scores, runs, notes) for key, scores in found.items()]
    head = ["metric", *(markup.run_name(i, run.name) for i, run in enumerate(runs))]
    head += (["side by side"] if len(runs) > 1 else []) + ["taken from"]
    footnotes = [markup.element("li", note) for note in notes]
    return markup.section(
        "Metrics",
        "The newest value of each run, ± its deviation. An arrow says which way is better, and the "
        "best is marked; only values of one row can be compared.",
        markup.table(head, rows, class_="scores"),
        markup.element("ol", markup.join(footnotes), class_="notes") if notes else "",
        *(_of_classes(key, scores, runs) for key, scores in found.items()),
        _charts(found, runs),
        _all(found, runs),
    )


def _scores(shown: list[tuple[int, Run]]) -> dict[Key, list[Score]]:
    """Returns the scores that can be compared, each by images seen; a later line counts more."""
    found: dict[Key, dict[tuple[int, int], Score]] = {}
    for index, run in shown:
        for row in run.evaluations:
            seen, protocol = row["images_seen"], row.get("protocol", {})
            for name, estimate in row["estimates"].items():
                score = Score(index, seen, estimate, protocol, str(row.get("reals", "")))
                key = Key(name, _words(score), _content(name, score))
                found.setdefault(key, {})[index, seen] = score
    return {key: [found[key][k] for k in sorted(found[key])] for key in sorted(found, key=_order)}


def _content(metric: str, score: Score) -> str:
    name = score.estimate.get("extractor")
    # Not the discriminator's weights: they are another network's at each checkpoint.
    extractors = {
        role: extractor
        for role, extractor in score.protocol.get("extractors", {}).items()
        if extractor.get("name") == name and role != "discriminator"
    }
    content = [score.protocol.get("reals"), extractors]
    if metric in metric_names.OVERFITTING:
        content.append(score.protocol.get("validation"))
    return json.dumps(content, sort_keys=True)


def _words(score: Score) -> str:
    estimate, fakes = score.estimate, score.protocol.get("fakes", {})
    words = [str(estimate.get("extractor", "?"))]
    if estimate.get("reals"):
        words.append(f"{estimate['reals']:,} of {pathlib.PurePath(score.reals).name or 'real'}")
    words.append(f"{estimate.get('fakes', 0):,} generated")
    if fakes.get("truncation_psi", 1.0) != 1.0:
        words.append(f"ψ {fakes['truncation_psi']:g}")
    if "truncation_threshold" in fakes:
        words.append(f"z within {fakes['truncation_threshold']:g}")
    if "standing_batches" in fakes:
        words.append(f"moments of {fakes['standing_batches']} batches")
    if fakes.get("noise") == "fixed":
        words.append("fixed noise")
    if fakes.get("labels", {}).get("drawn") == "uniform":
        words.append("all classes alike")
    return ", ".join(words)


def _order(key: Key) -> tuple:
    known = [*_TITLES, *metric_names.BETTER]
    place = known.index(key.metric) if key.metric in known else len(known)
    return place, key.metric, key.words, key.content


def _title(name: str) -> str:
    return _TITLES.get(name, name.replace("_", " ")) + _ARROWS[metric_names.BETTER.get(name, 0)]


def _row(key: Key, scores: list[Score], runs: list[Run], notes: dict[str, int]) -> list[Html]:
    newest = {score.run: score for score in scores}
    sign = metric_names.BETTER.get(key.metric, 0)
    best = max(newest.values(), key=lambda score: sign * score.value).run
    cells = []
    for index in range(len(runs)):
        is_best = bool(sign) and len(newest) > 1 and index == best
        cells.append(_cell(newest[index], is_best) if index in newest else Html("–"))
    numbers = _numbers(newest.values(), notes)
    if len(runs) > 1:
        cells.append(_bars(list(newest.values())))
    return [markup.join([_title(key.metric), numbers]), *cells, markup.of(key.words)]


def _cell(score: Score, is_best: bool) -> Html:
    value = f"{score.value:.4g}"
    deviation = f" ± {score.deviation:.2g}" if score.deviation else ""
    when = markup.element("small", f"at {short_number(score.images_seen)} images")
    shown = markup.element("b", value, class_="best" if is_best else "value")
    return markup.join([shown, deviation, when])


def _numbers(scores, notes: dict[str, int]) -> Html:
    """The numbers of the notes that these values need."""
    texts = [score.estimate.get(kind, "") for score in scores for kind in ("note", "warning")]
    numbers = sorted({notes.setdefault(text, len(notes) + 1) for text in texts if text})
    return markup.element("sup", ",".join(map(str, numbers))) if numbers else Html("")


def _bars(scores: list[Score]) -> Html:
    """The values side by side on one axis, with their error bars."""
    low = min(score.value - score.deviation for score in scores)
    high = max(score.value + score.deviation for score in scores)
    if high <= low:
        return Html("")
    height = 12 * len(scores) + 4
    parts = []
    for place, score in enumerate(sorted(scores, key=lambda score: score.run)):
        ends = [score.value - score.deviation, score.value, score.value + score.deviation]
        left, middle, right = (
            round(6 + (end - low) / (high - low) * (_BAR_WIDTH - 12), 1) for end in ends
        )
        y = 8 + 12 * place
        bar = f"M{left} {y}H{right}M{left} {y - 3}v6M{right} {y - 3}v6"
        parts.append(f'<path class="bar run{score.run}" d="{bar}"/>')
        parts.append(f'<circle class="run{score.run}" cx="{middle}" cy="{y}" r="3.5"/>')
    return Html(
        f'<svg class="bars" width="{_BAR_WIDTH}" height="{height}" aria-hidden="true">'
        f'{"".join(parts)}</svg>'
    )


def _of_classes(key: Key, scores: list[Score], runs: list[Run]) -> Html:
    newest = {score.run: score.estimate for score in scores}
    return class_scores.table(_title(key.metric), newest, runs)


def _charts(found: dict[Key, list[Score]], runs: list[Run]) -> Html:
    figures = []
    for key, scores in found.items():
        lines = [
            charts.Series(
                index,
                run.name,
                [score.images_seen for score in own],
                [score.value for score in own],
                [score.deviation for score in own],
            )
            for index, run in enumerate(runs)
            if (own := [score for score in scores if score.run == index])
        ]
        if max(len(line.x) for line in lines) > 1:
            figures.append(charts.chart(_title(key.metric), key.words, lines))
    return (
        markup.element("div", markup.join(figures, "\n"), class_="charts") if figures else Html("")
    )


def _all(found: dict[Key, list[Score]], runs: list[Run]) -> Html:
    rows = [
        [
            _title(key.metric),
            runs[score.run].name,
            f"{score.images_seen:,}",
            f"{score.value:.6g}",
            f"{score.deviation:.3g}" if score.deviation else "",
            key.words,
            score.estimate.get("method", ""),
        ]
        for key, scores in found.items()
        for score in scores
    ]
    head = ["metric", "run", "images", "value", "deviation", "taken from", "how"]
    table = markup.table(head, rows, class_="numbers words")
    return markup.details(f"Every value, {len(rows)} in all", table)
