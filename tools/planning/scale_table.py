"""The model of many machines as text: its numbers, each with its kind, and a table."""

from collections.abc import Callable, Sequence

from dualcontrast.tools.planning import scale_model
from dualcontrast.tools.planning.scale_model import Machines, Networks, Row
from dualcontrast.trainer.config import schema

# Heading of a column, and its text. What follows from assumed numbers has a star.
_COLUMNS: dict[str, Callable[[Row], str]] = {
    "hosts": lambda row: str(row.hosts),
    "GPUs": lambda row: str(row.gpus),
    "batch": lambda row: str(row.batch),
    "convert*": lambda row: hours(row.convert_hours),
    "images/s*": lambda row: f"{row.images_per_second:,.0f}",
    "input a host*": lambda row: f"{amount(row.input_bandwidth)}/s",
    "decode cores a host*": lambda row: f"{row.decode_cores:.2g}",
    "sent a GPU": lambda row: amount(row.reduced_bytes),
    "sending*": lambda row: f"{1000 * row.reduce_seconds:.1f} ms",
    "of a step of*": lambda row: f"{1000 * row.step_seconds:.0f} ms",
    "training*": lambda row: hours(row.train_hours),
    "restore*": lambda row: f"{row.restore_seconds:.1f} s",
    "lost a kill*": lambda row: f"{row.lost_seconds / 60:.1f} min",
}


def inputs(config: schema.Config, counted: Networks, images: int, machines: Machines) -> str:
    """Returns the numbers that the table is made of, and what does not depend on hosts."""
    record = scale_model.record_bytes(counted.pixels)
    side, training = config.data.resolution, config.training
    size = f"{side}x{side}"
    measured = "measured" if side == scale_model.MEASURED_SIDE else "scaled"
    lines = [
        ("counted", f"{counted.operations / 1e9:,.0f} G operations of training an image"),
        ("counted", f"{amount(counted.gradients)} of gradients an iteration, both networks"),
        ("counted", f"{amount(counted.checkpoint)} a checkpoint"),
        ("counted", f"{amount(counted.disk)} of disk a run of {training.total_images:,} images"),
        (measured, f"{amount(record)} a PNG record of {size}; {amount(images * record)} in all"),
        (measured, f"{1 / scale_model.convert_seconds(counted.pixels):,.0f} images/s a core"
         f" converted from JPEG files of {size}"),
        (measured, f"{1 / scale_model.decode_seconds(counted.pixels):,.0f} images/s a core read"),
        ("assumed", f"{machines.gpu_speed / 1e12:.1f} T operations/s a GPU in training"),
        ("assumed", f"GPUs a host: {machines.gpus}; cores: {machines.cores}"),
        ("assumed", f"{amount(machines.network)}/s network a host, {amount(machines.link)}/s"
         " between its GPUs"),
        ("assumed", f"{amount(machines.storage)}/s of files a host"),
        ("assumed", f"{machines.restart:.0f} s from a command to the first iteration"),
        ("assumed", f"{machines.least_batch} images a GPU at least: more GPUs than that take a"
         f" larger batch than the configuration's {training.batch_size}"),
    ]  # fmt: skip
    return "\n".join(f"{kind:9}{text}" for kind, text in lines)


def table(rows: Sequence[Row]) -> str:
    """Returns the rows as a table in Markdown; columns with a star rest on assumed numbers."""
    cells = [list(_COLUMNS), *([text(row) for text in _COLUMNS.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = ["| " + " | ".join(map(str.rjust, line, widths)) + " |" for line in cells]
    rule = "|" + "|".join("-" * (width + 1) + ":" for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def hours(number: float) -> str:
    """Returns a time in the unit that suits it."""
    if number < 1:
        return f"{60 * number:.1f} min"
    return f"{number:.1f} h" if number < 100 else f"{number / 24:.1f} d"


def amount(count: float) -> str:
    """Returns bytes in the unit that suits them, of powers of a thousand."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
