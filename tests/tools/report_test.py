"""The report: what it shows of a run, and that a browser opens it without a network."""

import html
import json
import pathlib
import re
import shutil
import subprocess

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from dualcontrast.tools.report_page import charts, embedding, markup
from dualcontrast.tools.report_page import page as report
from dualcontrast.tools.report_page import run_folder
from dualcontrast.trainer import pictures
from dualcontrast.trainer.config import schema, serialisation
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)
BASE = {
    "data.resolution": 8,
    "data.channels": 3,
    "training.total_images": 4000,
}
SHA = "ab" * 32


def evaluation(images_seen: int, fid: float, **changes) -> dict:
    """A row of metrics-evaluation.jsonl."""
    estimate = {"value": fid, "deviation": 0.5, "method": "jackknife", "reals": 64, "fakes": 50}
    return {
        "images_seen": images_seen,
        "fid": fid,
        "reals": "data/scenes",
        "estimates": {"fid": {**estimate, "warning": "few images", "extractor": "embedded"}},
        "protocol": {"reals": {"sha256": [SHA]}, "fakes": {"truncation_psi": 1.0}, **changes},
        "versions": {"tensorflow": "2.21.0"},
    }


def make_run(folder: pathlib.Path, changes: dict | None = None, grids: int = 3) -> pathlib.Path:
    """Writes a run folder with everything that a report can show."""
    for name in ("grids", "attention", "checkpoints", "best"):
        (folder / name).mkdir(parents=True)
    changes = {"loss": "dual_contrastive"} | (changes or {})
    if changes["loss"] == "dual_contrastive":
        changes["loss.warmup_images"] = 400
    config = schema.replace(schema.Config(), BASE | changes)
    (folder / "config.json").write_text(serialisation.to_json(config))
    (folder / "data.json").write_text(json.dumps({"count": 64, "sha256": [SHA]}))
    rows = [
        {
            "images_seen": seen,
            "phase": "warmup" if seen <= 400 else "contrast",
            "loss/D": 1.25 + seen / 1000,
            "logits/real": 2.0,
            "logits/fake": -1.0,
            "r1": 10.0 ** (-seen / 500),
            "images_per_second": 100.0,
        }
        for seen in range(100, 2100, 100)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    evaluations = [evaluation(1000, 30.0), evaluation(2000, 20.5)]
    text = "".join(json.dumps(row) + "\n" for row in evaluations)
    (folder / "metrics-evaluation.jsonl").write_text(text)
    random = np.random.default_rng(1)
    noise = random.integers(0, 256, (64, 64, 3), np.uint8)
    for number in range(grids):
        pictures.save_png(folder / "grids" / f"fakes-{1000 * number:012d}.png", noise)
    pictures.save_png(folder / "grids" / "reals.png", noise)
    pictures.save_png(folder / "attention" / "seed_7.png", noise)
    saved = tf.train.Checkpoint(weights=tf.Variable([1.0, 2.0]))
    saved.write(str(folder / "checkpoints" / "images-2000"))
    best = {"fid": 20.5, "images_seen": 2000, "checkpoint": "images-2000"}
    (folder / "best" / "best.json").write_text(json.dumps(best))
    return folder


def make_dataset(folder: pathlib.Path) -> pathlib.Path:
    """Writes the manifest of the images that the runs were trained on."""
    folder.mkdir()
    shard = manifest.Shard(manifest.shard_name(0, 1), 64, 5000, SHA)
    found = manifest.Manifest(
        folder, 1, 64, 8, 3, "png", "center", "lanczos", "photos <of> cats", 3, {}, (shard,)
    )
    (folder / manifest.FILE_NAME).write_text(manifest.to_json(found))
    return folder


@pytest.fixture(name="page", scope="module")
def _page(tmp_path_factory) -> pathlib.Path:
    """The report of two runs."""
    folder = tmp_path_factory.mktemp("report")
    ours = make_run(folder / "a" / "run")
    changes = {"loss": "non_saturating", "training.batch_size": 16}
    theirs = make_run(folder / "b" / "run", changes, grids=2)
    output = folder / "out" / "report.html"
    report.write([str(ours), str(theirs)], [str(make_dataset(folder / "data"))], output)
    return output


def text_of(page: pathlib.Path) -> str:
    """What a reader sees of a page, with single spaces."""
    text = re.sub(r"<(script|style).*?</\1>", " ", page.read_text(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def browse(page: pathlib.Path, tmp_path: pathlib.Path, *arguments: str) -> str:
    """Opens a page in a browser that can reach nothing, and returns what it prints."""
    if BROWSER is None:
        pytest.skip("no chromium or chrome here: apt-get install chromium")
    settings = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000"]
    offline = ["--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={tmp_path / 'profile'}"]
    command = [BROWSER, *settings, *offline, *arguments, f"file://{page}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_browser_loads_everything_without_a_network(page, tmp_path):
    found = re.search(r"<html[^>]*>", browse(page, tmp_path, "--dump-dom"))[0]
    assert 'data-failures="none"' in found
    # Grids, reals and attention maps of both runs: 3 + 2, 2 and 2.
    assert 'data-images="9"' in found
    # Logits, gap, loss, R1, speed, and FID.
    assert 'data-charts="6"' in found


def test_a_browser_that_cannot_load_a_picture_says_so(page, tmp_path):
    broken = tmp_path / "broken.html"
    text = page.read_text().replace("data:image/png;base64,iVBOR", "data:image/png;base64,AAAA", 1)
    broken.write_text(text.replace("<main>", '<main><img alt="far" src="http://example.com/x">'))
    dom = browse(broken, tmp_path, "--dump-dom")
    found = re.search(r"<html[^>]*>", dom)[0]
    assert "generated after 0 images did not load" in found
    assert "refused http://example.com" in found
    assert "Parts of this report failed" in dom


def test_the_slider_and_the_charts_answer_the_keyboard(page, tmp_path):
    # Does what a reader does, in the page, and leaves what came of it in the title.
    actions = """<script>addEventListener("load", () => {
      const input = document.querySelector(".slider input");
      input.value = 1;
      input.dispatchEvent(new Event("input"));
      const shown = [...document.querySelectorAll(".frames img:not([hidden])")];
      const chart = document.querySelectorAll(".chart")[2];
      const legend = () => chart.querySelector(".legend b").textContent;
      const at_slider = legend();
      chart.dispatchEvent(new KeyboardEvent("keydown", {key: "Home"}));
      const first = legend();
      chart.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight"}));
      document.title = [...shown.map((i) => i.dataset.images), at_slider, first, legend(),
        document.querySelector(".slider").hidden].join("|");
    });</script></html>"""
    used = tmp_path / "used.html"
    used.write_text(page.read_text().replace("</html>", actions))
    dom = browse(used, tmp_path, "--dump-dom")
    # The loss is 1.25 + images / 1000: at the slider's 1000, at the first line, and at the second.
    assert "<title>1000|1000|2.25|1.35|1.45|false</title>" in dom


def test_a_screenshot_is_no_blank_page(page, tmp_path):
    shot = tmp_path / "shot.png"
    browse(page, tmp_path, "--window-size=1000,1400", f"--screenshot={shot}")
    assert len(np.unique(np.asarray(Image.open(shot).convert("L")))) > 50


def test_the_file_names_no_place_to_load_from(page):
    text = page.read_text()
    assert not re.search(r"https?://|//[a-z0-9.-]+\.[a-z]{2,}/|@import|url\(", text, re.IGNORECASE)
    assert set(re.findall(r'\bsrc="([a-z:/]*)', text)) == {"data:image/png"}
    assert "default-src 'none'" in text


def test_everything_of_the_runs_is_there(page):
    text = text_of(page)
    expected = [
        "a/run · b/run",
        "2,000 of 4,000 images, 50 %",
        "20.5 ± 0.5",
        "training.batch_size 32 32 16",
        "loss.family dual_contrastive dual_contrastive non_saturating",
        "6 of them, marked, differ between the runs",
        "embedded, 64 of scenes, 50 generated",
        "few images",
        "seed 7",
        "photos &lt;of&gt; cats",
        "3 images of the source",
        "31.2 passes over the data",
        "best/images-2000",
        "tensorflow",
    ]
    assert [words for words in expected if words not in text] == []


def test_without_a_script_the_numbers_are_in_tables(page):
    text = text_of(page)
    assert "The numbers of a/run, 20 of 20 lines" in text
    assert "100 warmup 1.35" in text and "2,000 contrast 3.25" in text
    # One picture of each slider stands there by itself.
    assert len(re.findall(r"<img (?!hidden)[^>]*data-images", page.read_text())) == 2


def test_a_run_that_has_just_begun_is_reported(tmp_path):
    (tmp_path / "run").mkdir()
    config = schema.replace(schema.Config(), BASE | {"loss.warmup_images": 400})
    (tmp_path / "run" / "config.json").write_text(serialisation.to_json(config))
    (tmp_path / "run" / "metrics.jsonl").write_text('{"images_seen": 100, "lo')  # being written
    said = report.write([str(tmp_path / "run")], [], tmp_path / "report.html")
    assert "report.html: the report of run, 0.0 MB" in said
    assert "0 of 4,000 images" in text_of(tmp_path / "report.html")


def test_a_run_that_began_with_another_one_says_so_and_what_differs(tmp_path):
    run = make_run(tmp_path / "run")
    origin = {"checkpoint": "old/checkpoints/images-8", "sha256": "0", "full": True}
    change = "penalties.r1_gamma: 10.0 -> 1.0"
    (run / "origin.json").write_text(json.dumps(origin | {"changes": [change]}))
    report.write([str(run)], [], tmp_path / "report.html")
    text = text_of(tmp_path / "report.html")
    assert "began with everything of old/checkpoints/images-8" in text
    assert "Different from that run: 1" in text and html.escape(change) in text


def test_values_of_other_images_or_networks_are_not_in_one_row(tmp_path):
    run = make_run(tmp_path / "run")
    with open(run / "metrics-evaluation.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(evaluation(2000, 7.0, reals={"sha256": ["other"]})) + "\n")
    report.write([str(run)], [], tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    table = re.search(r'<table class="scores">.*?</table>', text, re.DOTALL)[0]
    assert sorted(re.findall(r"<b[^>]*>([0-9.]+)</b>", table)) == ["20.5", "7"]


def test_the_value_of_each_class_is_shown_beside_their_mean(tmp_path):
    run = make_run(tmp_path / "run")
    row = evaluation(2000, 7.0, fakes={"labels": {"drawn": "uniform", "counts": [1, 1, 1]}})
    (estimate,) = row["estimates"].values()
    classes = {
        "<i>": {"value": 6.125, "reals": 40, "fakes": 25},
        "dog": {"value": 7.875, "reals": 21},
    }
    row["estimates"]["intra_fid"] = {**estimate, "classes": classes, "left_out": {"owl": 3}}
    with open(run / "metrics-evaluation.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    report.write([str(run)], [], tmp_path / "report.html")
    text = text_of(tmp_path / "report.html")
    assert "Intra-FID ↓ 1 7 ± 0.5" in text and "50 generated, all classes alike" in text
    shown = "class run &lt;i&gt; 6.125 (40 real) dog 7.875 (21 real) owl left out (3 real)"
    assert f"Intra-FID ↓ of each class, 3 in all {shown}" in text


def test_what_a_run_says_about_itself_is_text(tmp_path):
    name = "<script>alert(1)</script>"
    run = make_run(tmp_path / name.replace("/", ""))
    rows = '{"images_seen": 1, "</script><b>": 2.0}\n{"images_seen": 2, "</script><b>": 3.0}\n'
    (run / "metrics.jsonl").write_text(rows)
    report.write([str(run)], [], tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "<script>alert" not in text and "</script><b>" not in text
    assert "&lt;script&gt;alert" in text


def break_metrics(run: pathlib.Path) -> None:
    lines = (run / "metrics.jsonl").read_text().splitlines()
    lines[4] = lines[4][:30]
    (run / "metrics.jsonl").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    "damage, words",
    [
        (break_metrics, r"metrics\.jsonl, line 5 is damaged"),
        (lambda run: (run / "config.json").unlink(), r"run is no run: it has no config\.json"),
        (lambda run: (run / "config.json").write_text("{"), r"config\.json: not a configuration"),
        (
            lambda run: (run / "data.json").write_text("[]"),
            r"data\.json is damaged: it holds no JSON",
        ),
        (
            lambda run: (run / "metrics-evaluation.jsonl").write_text('{"images_seen": 3}\n'),
            r"evaluation\.jsonl, line 1 is damaged",
        ),
        (
            lambda run: (run / "metrics-evaluation.jsonl").write_text(
                '{"images_seen": 3, "estimates": {"f": {"value": 1.0, "classes": {"a": 2.0}}}}\n'
            ),
            "its estimate of f lacks the value of a class",
        ),
        (
            lambda run: (run / "grids" / "fakes-000000001000.png").write_bytes(b"\x89PNG"),
            r"fakes-000000001000\.png is no whole PNG",
        ),
    ],
)
def test_what_is_damaged_is_named(tmp_path, damage, words):
    run = make_run(tmp_path / "run")
    damage(run)
    with pytest.raises(UserError, match=words) as error:
        report.write([str(run)], [], tmp_path / "report.html")
    assert len(str(error.value).splitlines()) <= 2
    assert not (tmp_path / "report.html").exists()


def test_a_dataset_of_no_run_is_refused(tmp_path):
    run = make_run(tmp_path / "run")
    dataset = make_dataset(tmp_path / "data")
    (run / "data.json").write_text(json.dumps({"count": 64, "sha256": ["0" * 64]}))
    with pytest.raises(UserError, match="no run was trained on these images"):
        report.write([str(run)], [str(dataset)], tmp_path / "report.html")


def test_runs_are_called_by_what_tells_them_apart(tmp_path):
    folders = [make_run(tmp_path / name, grids=0) for name in ("a/x", "b/x", "c/y")]
    names = [run.name for run in run_folder.read([*map(str, folders), str(folders[0])], [])]
    assert names == ["a/x (1)", "b/x", "c/y", "a/x (4)"]


def test_many_pictures_are_thinned_and_large_ones_made_smaller(tmp_path):
    assert embedding.thinned(list(range(100)), 4) == [0, 33, 66, 99]
    assert embedding.thinned([1, 2], 4) == [1, 2]
    noise = np.random.default_rng(1).integers(0, 256, (600, 600, 3), np.uint8)
    pictures.save_png(tmp_path / "noise.png", noise)
    size = (tmp_path / "noise.png").stat().st_size
    (whole,), done = embedding.embed([tmp_path / "noise.png"], size)
    assert whole.source.startswith("data:image/png") and done == ""
    (small,), done = embedding.embed([tmp_path / "noise.png"], size / 20)
    assert small.source.startswith("data:image/webp") and "made smaller to fit" in done
    assert len(small.source) < 4 / 3 * size / 20 + 40
    assert (small.width, small.height) == (600, 600)  # Shown as large as before.


def test_round_numbers_are_on_the_axes():
    assert charts.ticks(0, 56_000, 6) == [0, 10_000, 20_000, 30_000, 40_000, 50_000]
    assert charts.ticks(-2.7, 1.2, 5) == [-2, -1, 0, 1]
    assert charts.ticks(3, 3, 5) == [3]


def test_long_curves_are_means_of_windows():
    x, means, least, most = charts.windows(range(1, 601), [1.0, 3.0] * 300)
    assert (len(x), x[0], x[-1]) == (300, 2, 600)
    assert (set(means), set(least), set(most)) == ({2.0}, {1.0}, {3.0})


@pytest.mark.parametrize("y", [[5.0], [0.0, 0.0], [1e-9, 1e9], [-1.0, 1.0], [3.0, 3.0]])
def test_a_chart_of_any_values_has_finite_coordinates(y):
    drawn = charts.chart("t", "n", [charts.Series(0, "run", range(len(y)), y)])
    assert not re.search(r"nan|inf\b", drawn)
    assert ("log" in drawn) == (min(y) > 0 and max(y) > min(y))


def test_text_is_escaped_and_html_is_not():
    assert markup.element("b", "<&>", title='"') == '<b title="&quot;">&lt;&amp;&gt;</b>'
    assert markup.element("b", markup.Html("<i></i>")) == "<b><i></i></b>"
