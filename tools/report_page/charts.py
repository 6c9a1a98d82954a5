"""Line charts as SVG: complete without a script; page.js adds the values under the pointer."""

import dataclasses
import itertools
import json
import math
from collections.abc import Sequence

from dualcontrast.tools.report_page import markup
from dualcontrast.tools.report_page.markup import Html
from dualcontrast.trainer.formatting import short_number

WIDTH, HEIGHT = 440, 200
LEFT, RIGHT, TOP, BOTTOM = 54, 12, 10, 26
# Longer curves are means of windows, with the smallest and the largest value of each behind.
MOST_POINTS = 300
_LOG_FROM = 1000.0  # Quotient of the largest and the smallest value.


@dataclasses.dataclass(frozen=True)
class Series:
    """One line of a chart.

    Attributes:
      run: index of the run, for the colour.
      label: for the legend.
      x: images seen, ascending.
      y: values.
      deviations: of the values, for error bars; empty for a plain line.
      dashed: whether the line is.
      marks: images seen where a vertical line stands.
    """

    run: int
    label: str
    x: Sequence[float]
    y: Sequence[float]
    deviations: Sequence[float] = ()
    dashed: bool = False
    marks: Sequence[float] = ()

    def low(self) -> list[float]:
        """Lower ends of the error bars."""
        return [y - d for y, d in itertools.zip_longest(self.y, self.deviations, fillvalue=0.0)]

    def high(self) -> list[float]:
        """Upper ends of the error bars."""
        return [y + d for y, d in itertools.zip_longest(self.y, self.deviations, fillvalue=0.0)]


@dataclasses.dataclass(frozen=True)
class _Scale:
    """From values to pixels of the drawing."""

    first: float
    last: float
    at_first: float
    at_last: float
    log: bool = False

    def __call__(self, value: float) -> float:
        first, last = self.first, self.last
        if self.log:
            first, last, value = (math.log10(v) for v in (first, last, max(value, first)))
        share = (value - first) / (last - first)
        return round(self.at_first + share * (self.at_last - self.at_first), 1)


def chart(title: str, note: str, series: Sequence[Series]) -> Html:
    """Returns a figure with a title, a legend with the last values, and a switch to a log axis.

    Args:
      title: of the figure.
      note: what it means, for who points at the title.
      series: at least one with at least one point.
    """
    series = [line for line in series if len(line.x)]
    low = min(min(line.low()) for line in series)
    high = max(max(line.high()) for line in series)
    can_log = low > 0 and high > low
    switch = Html("")
    if can_log:
        checked = " checked" if high / low > _LOG_FROM else ""
        switch = Html(f'<label><input type="checkbox"{checked}>log</label>')
    drawings = [
        _svg(title, series, low, high, log) for log in ([False, True] if can_log else [False])
    ]
    values = [{"x": [*line.x], "y": [_digits(y) for y in line.y]} for line in series]
    data = json.dumps(values, separators=(",", ":")).replace("<", "\\u003c")
    content = [
        markup.element("figcaption", title, title=note),
        switch,
        *drawings,
        markup.element("ul", markup.join(map(_legend, series)), class_="legend"),
        Html(f'<script type="application/json">{data}</script>'),
    ]
    return markup.element("figure", markup.join(content, "\n"), class_="chart", tabindex=0)


def _legend(line: Series) -> Html:
    swatch = Html(f'<i class="{"dashes" if line.dashed else "dash"}"></i>')
    value = markup.element("b", short_number(line.y[-1]))
    return markup.element("li", markup.join([swatch, line.label, " ", value]), class_=_run(line))


def _run(line: Series) -> str:
    return f"run{line.run}"


def _digits(value: float) -> float:
    return float(f"{value:.5g}")


def _svg(title: str, series: Sequence[Series], low: float, high: float, log: bool) -> Html:
    y_ticks = _log_ticks(low, high) if log else ticks(low, high, 5)
    y_first, y_last = min(low, y_ticks[0]), max(high, y_ticks[-1])
    if y_last <= y_first:
        y_first, y_last = y_first - 1, y_last + 1
    x_last = max(line.x[-1] for line in series) or 1
    x = _Scale(0, x_last, LEFT, WIDTH - RIGHT)
    y = _Scale(y_first, y_last, HEIGHT - BOTTOM, TOP, log)
    parts = [_axes(x, y, ticks(0, x_last, 6), y_ticks)]
    for line in series:
        parts.append(_marks(line, x))
        parts.append(_line(line, x, y))
    parts.append(f'<line class="cursor" y1="{TOP}" y2="{HEIGHT - BOTTOM}" x1="-9" x2="-9"/>')
    name = markup.of(f"{title} against images seen{', log axis' if log else ''}")
    return Html(
        f'<svg class="{"log" if log else "linear"}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' aria-label="{name}" data-last="{x_last}">{"".join(parts)}</svg>'
    )


def _axes(x: _Scale, y: _Scale, x_ticks: list[float], y_ticks: list[float]) -> str:
    parts = []
    for tick in y_ticks:
        at = y(tick)
        parts.append(f'<path class="grid" d="M{LEFT} {at}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text class="y" x="{LEFT - 6}" y="{at + 4.5}">{_label(tick)}</text>')
    for tick in x_ticks:
        at = x(tick)
        parts.append(f'<text class="x" x="{at}" y="{HEIGHT - 6}">{_label(tick)}</text>')
    return "".join(parts)


def _label(tick: float) -> str:
    return "0" if tick == 0 else short_number(tick)


def _marks(line: Series, x: _Scale) -> str:
    top_to_bottom = f"{TOP}V{HEIGHT - BOTTOM}"
    return "".join(
        f'<path class="mark {_run(line)}" d="M{x(mark)} {top_to_bottom}"/>' for mark in line.marks
    )


def _line(line: Series, x: _Scale, y: _Scale) -> str:
    parts = []
    xs, means, lows, highs = windows(line.x, line.y)
    if len(xs) < len(line.x):
        there = [f"{x(a)} {y(b)}" for a, b in zip(xs, highs)]
        back = [f"{x(a)} {y(b)}" for a, b in zip(reversed(xs), reversed(lows))]
        parts.append(f'<path class="band {_run(line)}" d="M{"L".join(there + back)}Z"/>')
    points = "L".join(f"{x(a)} {y(b)}" for a, b in zip(xs, means))
    dashed = " dashed" if line.dashed else ""
    parts.append(f'<path class="line {_run(line)}{dashed}" d="M{points}"/>')
    if line.deviations:
        for a, low, middle, high in zip(line.x, line.low(), line.y, line.high()):
            at = x(a)
            bar = f"M{at} {y(low)}V{y(high)}M{at - 3} {y(low)}h6M{at - 3} {y(high)}h6"
            parts.append(f'<path class="bar {_run(line)}" d="{bar}"/>')
            parts.append(f'<circle class="{_run(line)}" cx="{at}" cy="{y(middle)}" r="3"/>')
    return "".join(parts)


def windows(x: Sequence[float], y: Sequence[float]) -> tuple[list, list, list, list]:
    """Returns at most `MOST_POINTS` points: x, and the mean, the least and the most of y there."""
    size = math.ceil(len(x) / MOST_POINTS)
    parts = [slice(first, first + size) for first in range(0, len(x), size)]
    values = [y[part] for part in parts]
    means = [sum(value) / len(value) for value in values]
    return [x[part][-1] for part in parts], means, [*map(min, values)], [*map(max, values)]


def ticks(low: float, high: float, about: int) -> list[float]:
    """Returns about so many round numbers in [low, high]: 1, 2 or 5 times a power of 10 apart."""
    if high <= low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.99)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{k * step:.6g}") for k in range(first, last + 1)] or [low]


def _log_ticks(low: float, high: float) -> list[float]:
    """Returns powers of ten around [low, high], or round numbers where that is too wide."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    inside = [10.0**power for power in powers if low <= 10.0**power <= high]
    if len(inside) < 2:
        return [tick for tick in ticks(low, high, 4) if tick > 0] or [low]
    return inside[:: math.ceil(len(inside) / 6)]
