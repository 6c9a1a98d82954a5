"""The paper's table of complexity, and what the networks here count in its place."""

from typing import NamedTuple

from dualcontrast.trainer import dry_run, state
from dualcontrast.trainer.config import schema

_RESOLUTION = 256

# Table 2.4 of the thesis: the attention in the generator, millions of parameters, and what the
# table calls FLOPS, in billions.
_PUBLISHED = (
    ("none", 48.77, 1.08),
    ("dfn", 177.60, 4.20),
    ("vt", 240.09, 7.39),
    ("sagan", 44.99, 0.99),
    ("san", 48.43, 1.08),
)

_WHY = """\
Parameters. Those of generator and discriminator that are trained. The baseline is the published one
to the last digit that is printed, and so is SAN, whose widths are not published: those here are one
choice of several that fit. Of DFN, VT and SAGAN the table cannot be reproduced: the layers as their
authors describe them are smaller by far (DFN, VT), and SAGAN's row has 3.78 M fewer than the
baseline where the one convolution that is replaced has 2.62 M in all.

FLOPS. The published column is not what an image costs. Both networks of the baseline take
{total:.2f} G multiply-adds for one image, and the column says 1.08 G. Its rows are 22 to 31 times
their parameters, whichever the maps that the parameters meet. Most likely TensorFlow 1's profiler
counted a training graph whose batch size is open: convolutions then have no known size, and only
work on the parameters themselves remains (losses, gradients, averages); an emulation of that came
to 1.00 G. There is nothing in it to reproduce; the last column here has the true multiply-adds."""


class Row(NamedTuple):
    """One line of the table; parameters and multiply-adds an image are of both networks."""

    attention: str
    published_parameters: int
    published_flops: int
    parameters: int
    multiply_adds: int


def rows() -> list[Row]:
    """Returns the table, computed from networks that are built for it."""
    baseline = schema.resolve(schema.Config(), _RESOLUTION, 3)
    of_discriminator = list(dry_run.discriminator_rows(state.make_discriminator(baseline)))
    found = []
    for kind, parameters, flops in _PUBLISHED:
        config = schema.replace(baseline, {"generator.attention.kind": kind})
        every = [*dry_run.generator_rows(state.make_generator(config)), *of_discriminator]
        counted = sum(row.parameters for row in every), sum(row.multiply_adds for row in every)
        found.append(Row(kind, round(parameters * 1e6), round(flops * 1e9), *counted))
    return found


def table(found: list[Row]) -> str:
    """Returns the table as text, and below it why a column differs."""
    heads = [
        f"{'':12}{'published':>22}    {'here':>28}",
        f"{'attention':12}{'parameters':>12}{'FLOPS':>10}"
        f"    {'parameters':>12}{'multiply-adds':>16}",
    ]
    lines = [_line(row) for row in found]
    title = (
        f"Table 2.4: config E at {_RESOLUTION}x{_RESOLUTION}, both networks; attention in the "
        "generator at 32x32"
    )
    why = _WHY.format(total=found[0].multiply_adds / 1e9)
    return "\n".join([title, "", *heads, *lines, "", why])


def _line(row: Row) -> str:
    published = f"{row.published_parameters / 1e6:>10.2f} M{row.published_flops / 1e9:>8.2f} G"
    return (
        f"{row.attention:12}{published}    {row.parameters:>12,}{row.multiply_adds / 1e9:>14.2f} G"
    )
