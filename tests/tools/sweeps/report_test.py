"""The picture and the page of a sweep."""

import json
import pathlib

import numpy as np
import pytest
from PIL import Image

from dualcontrast.tools.sweeps import report, results, samples
from dualcontrast.tools.sweeps.sweep_file import Run, Sweep
from dualcontrast.trainer.config import schema, serialisation
from dualcontrast.trainer.errors import UserError

RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture(name="sweep")
def _sweep(tmp_path):
    """Rows of two seeds: one has an old and a new grid, one a grid of its second seed, one none."""
    grids = {("plain", 0): {8: BLUE, 16: RED}, ("plain", 1): {16: BLUE}, ("new", 1): {8: BLUE}}
    config = serialisation.to_json(schema.resolve(schema.Config(), 8, 3))
    runs = []
    for row in ("plain", "new", "late"):
        for seed in range(2):
            workdir = tmp_path / row / f"seed{seed}"
            (workdir / "grids").mkdir(parents=True)
            (workdir / "config.json").write_text(config)
            for seen, color in grids.get((row, seed), {}).items():
                picture = Image.new("RGB", (16, 16), color)
                picture.save(workdir / "grids" / f"fakes-{seen:012}.png")
            result = workdir / "metrics.jsonl"
            estimates = {"fid": {"value": 10.0 + seed if row == "plain" else 5.0}}
            if row != "late":
                result.write_text(json.dumps({"images_seen": 8, "estimates": estimates}) + "\n")
            train = ["/bin/dualcontrast-train", f"--workdir={row}/<{seed}>"]
            runs.append(Run(row, seed, workdir, 8, train, None, result))
    return Sweep(runs, ["plain", "new", "late"], [0, 1], {"new": "plain", "late": "plain"})


def _written(sweep, folder: pathlib.Path) -> str:
    picture = folder / "samples.png"
    found = picture if samples.write(sweep, picture) else None
    report.write(sweep, results.lines(sweep), found, folder / "report.html")
    return (folder / "report.html").read_text()


def test_the_picture_has_a_line_a_row_of_the_newest_grid_of_its_first_seed(sweep, tmp_path):
    assert samples.write(sweep, tmp_path / "samples.png")
    picture = np.asarray(Image.open(tmp_path / "samples.png"))
    assert picture.shape[:2] == (4 + 2 * 68, picture.shape[1])  # nothing of "late"
    left = picture.shape[1] - 4 - 1024
    # Four images of 8x8, eight times as large, and white behind them.
    for top, color in ((4, RED), (72, BLUE)):
        assert (picture[top : top + 64, left : left + 256] == color).all()
        assert (picture[top : top + 64, left + 256 :] == 255).all()


def test_transparent_images_lie_on_white(sweep, tmp_path):
    grid = sweep.runs[0].workdir / "grids" / f"fakes-{24:012}.png"
    Image.new("RGBA", (16, 16), (0, 0, 0, 0)).save(grid)
    samples.write(sweep, tmp_path / "samples.png")
    picture = np.asarray(Image.open(tmp_path / "samples.png"))
    assert (picture[4:68, -1028:] == 255).all()


def test_the_page_has_the_table_the_picture_and_the_commands(sweep, tmp_path):
    page = _written(sweep, tmp_path)
    assert '<th scope="row">plain</th><td>10.5 ± 6.35</td>' in page
    assert '<th scope="row">new</th><td>5 ± 0 (-5.5 ± 6.35 from plain)</td>' in page
    assert '<th scope="row">late</th><td></td>' in page
    assert page.count("data:image/png;base64,") == 1
    # Escaped, as all text is.
    assert "dualcontrast-train &#x27;--workdir=late/&lt;1&gt;&#x27;" in page
    assert "http" not in page.replace("http-equiv", "")  # It loads nothing.


def test_a_sweep_that_has_just_begun_has_a_page_too(sweep, tmp_path):
    for run in sweep.runs:
        run.results.unlink(missing_ok=True)
        for grid in (run.workdir / "grids").iterdir():
            grid.unlink()
    page = _written(sweep, tmp_path)
    assert "Samples" not in page and "Commands" in page
    assert not (tmp_path / "samples.png").exists()


@pytest.mark.parametrize("config", ["{", "[]"])
def test_a_damaged_configuration_is_named(sweep, tmp_path, config):
    (sweep.runs[0].workdir / "config.json").write_text(config)
    with pytest.raises(UserError, match="config.json: "):
        samples.write(sweep, tmp_path / "samples.png")


def test_a_damaged_grid_is_named(sweep, tmp_path):
    (sweep.runs[0].workdir / "grids" / f"fakes-{24:012}.png").write_bytes(b"PNG")
    with pytest.raises(UserError, match="fakes-000000000024.png is no whole PNG picture"):
        samples.write(sweep, tmp_path / "samples.png")
