"""A picture of what the rows of a sweep generate, a line a row."""

import io
import math
import pathlib

from PIL import Image, ImageDraw, ImageFont

from dualcontrast.tools.report_page import embedding
from dualcontrast.tools.sweeps.sweep_file import Run, Sweep
from dualcontrast.trainer import files
from dualcontrast.trainer.checkpoints import checkpoint

_WIDTH = 1024  # Of a line.
_LEAST_SIDE, _MOST_SIDE = 64, 128
_GAP = 4
_FONT = ImageFont.load_default(13)


def write(sweep: Sweep, path: pathlib.Path) -> bool:
    """Writes the picture as a PNG, of the newest grid of each row's first seed that has any.

    Returns:
      False where no run has a grid yet; then nothing is written.

    Raises:
      UserError: a grid is damaged, or the file cannot be written.
    """
    lines = {}
    for row in sweep.rows:
        for run in sweep.runs:
            if run.row == row and (found := _newest(run)):
                lines[run.name] = _line(*found)
                break
    if not lines:
        return False
    encoded = io.BytesIO()
    _drawn(lines).save(encoded, format="png")
    files.write(path, encoded.getvalue())
    return True


def _newest(run: Run) -> tuple[pathlib.Path, int] | None:
    """Returns a run's newest grid, and the side of its images."""
    # Their names end in the images seen, with zeros in front.
    grids = sorted((run.workdir / "grids").glob("fakes-*.png"))
    if not grids:
        return None
    return grids[-1], checkpoint.read_config(run.workdir).data.resolution


def _line(path: pathlib.Path, side: int) -> list[Image.Image]:
    """Returns the first images of a grid, as large as they are shown."""
    grid = embedding.read(path)[1].convert("RGBA")
    grid = Image.alpha_composite(Image.new("RGBA", grid.size, "white"), grid).convert("RGB")
    shown = min(math.ceil(_LEAST_SIDE / side) * side, _MOST_SIDE)
    how = Image.Resampling.NEAREST if shown >= side else Image.Resampling.LANCZOS
    corners = [(x, y) for y in range(0, grid.height, side) for x in range(0, grid.width, side)]
    return [
        grid.crop((x, y, x + side, y + side)).resize((shown, shown), how)
        for x, y in corners[: _WIDTH // shown]
    ]


def _drawn(lines: dict[str, list[Image.Image]]) -> Image.Image:
    left = 2 * _GAP + max(math.ceil(_FONT.getlength(row)) for row in lines)
    heights = [images[0].height + _GAP for images in lines.values()]
    picture = Image.new("RGB", (left + _WIDTH + _GAP, _GAP + sum(heights)), "white")
    pen, top = ImageDraw.Draw(picture), _GAP
    for (row, images), height in zip(lines.items(), heights):
        pen.text((_GAP, top + images[0].height / 2), row, fill="black", font=_FONT, anchor="lm")
        for column, image in enumerate(images):
            picture.paste(image, (left + column * image.width, top))
        top += height
    return picture
