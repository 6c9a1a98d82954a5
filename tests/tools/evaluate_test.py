"""dualcontrast-evaluate as a user runs it."""

import json
import os
import pathlib
import shutil
import signal

import numpy as np
import pytest
from PIL import Image

from dualcontrast.tools.conversion import decode_bounds
from dualcontrast.tools.evaluation import image_folder
from dualcontrast.trainer import files, folder_lock, state
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import schema, serialisation
from dualcontrast.trainer.errors import UserError

SMALL = {
    "data.resolution": 16,
    "data.channels": 3,
    "generator.latent_size": 8,
    "generator.w_size": 12,
    "generator.mapping_layers": 2,
    "generator.fmap_base": 64,
    "generator.fmap_max": 8,
    "discriminator.fmap_base": 64,
    "discriminator.fmap_max": 8,
    "training.batch_size": 4,
    "training.total_images": 8000,
    "loss.warmup_images": 0,
}
CONFIG = schema.replace(schema.Config(), SMALL)


@pytest.fixture(name="run", scope="module")
def _run(tmp_path_factory) -> pathlib.Path:
    """A complete run with two checkpoints."""
    workdir = tmp_path_factory.mktemp("runs") / "run"
    trained = state.State(CONFIG)
    checkpoints = checkpoint.Checkpoints(workdir, trained, keep=2)
    for images_seen in (4000, 8000):
        trained.images_seen.assign(images_seen)
        trained.average.synthesis.layers[0].strength.assign(images_seen / 8000)
        checkpoints.save()
    files.write(workdir / checkpoint.CONFIG_NAME, serialisation.to_json(CONFIG))
    return workdir


@pytest.fixture(name="data", scope="module")
def _data(bench, tmp_path_factory) -> pathlib.Path:
    """60 images of 16x16 pixels."""
    folder = tmp_path_factory.mktemp("data")
    bench.convert(bench.folder(folder / "in", 60), folder / "data", "--shards=2")
    return folder / "data"


@pytest.fixture(name="base", scope="module")
def _base(run, data, tmp_path_factory) -> list[str]:
    cache = tmp_path_factory.mktemp("cache")
    return [f"--run={run}", f"--data={data}", f"--cache={cache}", "--fake_count=48"]


@pytest.fixture(name="measured", scope="module")
def _measured(base, data, bench, tmp_path_factory):
    """Three calls: several metrics, one on replaced images, that one on the first images again."""
    folder = tmp_path_factory.mktemp("out")
    arguments = [*base, f"--output={folder / 'results.jsonl'}"]
    first = [*arguments, "--metrics=fid,kid,precision_recall,fddf"]
    results = bench.calls("evaluate", first)
    kept = data.with_name("kept")
    data.rename(kept)
    bench.convert(bench.folder(folder / "in", 70, side=16), data, "--shards=2", "--max_images=60")
    shutil.rmtree(folder / "in")
    results += bench.calls("evaluate", arguments)
    shutil.rmtree(data)
    kept.rename(data)
    results += bench.calls("evaluate", arguments)
    rows = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    assert [code for code, _, _ in results] == [0] * 3, results
    return results, rows


def test_the_table_has_every_metric_and_what_it_is_worth(measured):
    out = measured[0][0][1]
    for name in ("fid", "kid", "precision", "recall", "density", "coverage", "fddf"):
        (line,) = [line for line in out.splitlines() if line.startswith(f"{name} ")]
        assert "60" in line and "48" in line
    fid = next(line for line in out.splitlines() if line.startswith("fid "))
    assert "±" in fid and "embedded (not comparable with published FID)" in fid
    assert "48 samples of 64 features" in out


def test_the_row_has_the_whole_protocol(measured, run):
    row = measured[1][0]
    assert row["images_seen"] == 8000 and row["fakes"] == str(run / "checkpoints" / "images-8000")
    reals, fakes = row["protocol"]["reals"], row["protocol"]["fakes"]
    known = {"count": 60, "crop": "none", "filter": "lanczos", "mirror": False, "resolution": 16}
    assert known.items() <= reals.items() and len(reals["sha256"]) == 2
    known = {"count": 48, "seed": 0, "truncation_psi": 1.0, "noise": "random"}
    assert known.items() <= fakes.items() and len(fakes["weights"]) == 64
    main = row["protocol"]["extractors"]["main"]
    assert (
        main["name"] == "embedded"
        and len(main["sha256"]) == 64
        and "bilinear" in (main["preparation"])
    )
    assert row["protocol"]["discriminator_batches"] == {
        "batch_size": 4,
        "group": 4,
        "order": "stored",
    }
    assert row["fid"] == row["estimates"]["fid"]["value"]


def test_another_call_with_the_same_images_gives_the_same_value(measured):
    first, _, again = measured[1]
    # It measured less, from the cache.
    assert again["fid"] == first["fid"] and again["request"] != first["request"]


def test_images_that_were_replaced_are_not_found_in_the_cache(measured):
    first, replaced, _ = measured[1]
    assert replaced["reals"] == first["reals"]
    assert replaced["protocol"]["reals"]["sha256"] != first["protocol"]["reals"]["sha256"]
    assert replaced["fid"] != first["fid"]


@pytest.fixture(name="elsewhere", scope="module")
def _elsewhere(base, run, data, bench, tmp_path_factory):
    """Images, an exported model and statistics, in place of a run and a dataset."""
    folder = tmp_path_factory.mktemp("elsewhere")
    done = bench.run("export", f"--run={run}", f"--output={folder / 'model'}")
    assert done.returncode == 0, done.stderr
    bench.folder(folder / "images", 30)
    output = f"--output={folder / 'results.jsonl'}"
    statistics = f"--save_statistics={folder / 'reals.npz'}"
    common = [*base[1:], output]
    results = bench.calls(
        "evaluate",
        [*base, output, statistics, "--noise=fixed"],
        [f"--model={folder / 'model'}", *common],
        [f"--images={folder / 'images'}", f"--data={folder / 'images'}", *base[2:3], output],
        [base[0], f"--data={folder / 'reals.npz'}", *base[2:], output, "--noise=fixed"],
        [base[0], f"--data={folder / 'reals.npz'}", *base[2:], output, "--metrics=kid"],
    )
    rows = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    return results, rows


def test_an_exported_model_is_measured_like_its_run_with_fixed_noise(elsewhere):
    run_row, model_row, _, _ = elsewhere[1]
    assert model_row["fid"] == pytest.approx(run_row["fid"], rel=1e-3)
    assert model_row["protocol"]["fakes"]["kind"] == "saved_model"
    assert model_row["images_seen"] is None


def test_folders_are_compared_as_they_are(elsewhere):
    row = elsewhere[1][2]
    assert abs(row["fid"]) < 1e-3
    assert row["estimates"]["fid"]["reals"] == row["estimates"]["fid"]["fakes"] == 30


def test_statistics_stand_for_their_images_in_fid_only(elsewhere):
    results, rows = elsewhere
    assert rows[3]["fid"] == pytest.approx(rows[0]["fid"], rel=1e-9)
    assert rows[3]["protocol"]["reals"] == rows[0]["protocol"]["reals"]
    code, _, err = results[4]
    assert code == 2 and "--metrics=kid needs every feature" in err


def test_every_checkpoint_of_a_run_is_measured_once_by_watching(base, bench, tmp_path):
    arguments = [*base, "--watch", "--poll_secs=0.1", f"--output={tmp_path / 'out.jsonl'}"]
    taken = tmp_path / "taken.jsonl"
    with folder_lock.hold(taken.with_name("taken.jsonl.lock"), "taken", "Wait."):
        first, second, third = bench.calls(
            "evaluate", arguments, arguments, [*base, f"--output={taken}"]
        )
    assert first[0] == second[0] == 0
    assert third[0] == 2 and f"taken.jsonl is being written by process {os.getpid()}" in third[2]
    assert not taken.exists()
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["images_seen"] for row in rows] == [4000, 8000]
    assert rows[0]["fid"] != rows[1]["fid"] and rows[0]["request"] == rows[1]["request"]
    assert second[1].count("measured already") == 2


def test_mistakes_are_answered_in_a_line_or_two(base, run, data, bench, tmp_path):
    small = bench.folder(tmp_path / "small", 8, side=8)
    mixed = bench.folder(tmp_path / "mixed", 6)
    Image.fromarray(bench.pixels(0, 20, 20)).save(mixed / "other.png")
    grey = tmp_path / "grey"
    grey.mkdir()
    for index in range(4):
        Image.fromarray(bench.pixels(index)[..., 0]).save(grey / f"{index}.png")
    (tmp_path / "empty").mkdir()
    (tmp_path / "graph.pb").write_text("no graph")
    only_run, rest = base[:1], base[2:]
    of_folder = [*only_run, *rest]
    cases = {
        "got none": [base[1]],
        "got --run and --images": [*base, f"--images={small}"],
        "--metrics=fids: expected some of fid, kid": [*base, "--metrics=fids"],
        "--data is missing": [base[0]],
        "--metrics=fddf needs the networks of a run": [
            f"--images={small}",
            base[1],
            "--metrics=fddf",
        ],
        "--watch follows a training run": [f"--images={small}", base[1], "--watch"],
        "is no run": [f"--run={tmp_path / 'empty'}", *base[1:]],
        "there is no run and no checkpoint": [f"--run={run / 'checkpoints' / 'images-1'}", base[1]],
        "is no SavedModel": [f"--model={small}", base[1]],
        "There is no dataset folder": [*of_folder, "--data=nowhere"],
        "has no images": [*of_folder, f"--data={tmp_path / 'empty'}"],
        "images-8000 has images of 16x16x3, ": [*of_folder, f"--data={small}"],
        "x16x1": [*of_folder, f"--data={grey}"],
        "other.png has 20x20 pixels, ": [*of_folder, f"--data={mixed}"],
        "has 60 images, asked for 61": [*base, "--real_count=61"],
        "has 8 images, asked for 9": [f"--images={small}", base[1], "--fake_count=9"],
        "fddf needs at least 40 images, received 12": [
            *only_run,
            base[1],
            "--metrics=fddf",
            "--fake_count=12",
        ],
        "--inception is missing": [*base, "--extractor=inception"],
        "is no frozen graph": [
            *base,
            "--extractor=inception",
            f"--inception={tmp_path / 'graph.pb'}",
        ],
        "--vgg16 is missing": [*base, "--metrics=ppl_wend"],
        "is no .npz file": [*base, "--extractor=vgg16", f"--vgg16={__file__}"],
        "is no extractor": [*base, "--extractor=embeded"],
        "embedded does not": [*base, "--metrics=is"],
        "--mirror is for datasets": [*of_folder, f"--data={small}", "--mirror"],
        "unexpected 'more'": [*base, "more"],
        "cannot be written": [*base, f"--output={tmp_path / 'no' / 'such' / 'folder'}"],
    }
    results = bench.calls("evaluate", *cases.values())
    for (words, arguments), (code, _, err) in zip(cases.items(), results):
        assert code == 2, (words, arguments)
        assert words in err, err
        assert 1 <= len(err.strip().splitlines()) <= 2, err


def test_a_folder_of_images_of_two_kinds_is_refused_while_it_is_read(bench, tmp_path):
    folder = bench.folder(tmp_path / "images", 4)
    Image.fromarray(bench.pixels(9)[..., 0]).save(folder / "grey.png")
    images = image_folder.open_folder(str(folder), "--data", None, 100)
    with pytest.raises(UserError, match="grey.png has 1 channels"):
        list(images.read())


def test_an_image_may_cost_no_more_than_the_converter_allows(bench, tmp_path, monkeypatch):
    folder = bench.folder(tmp_path / "images", 1)
    images = image_folder.open_folder(str(folder), "--data", None, 100)
    handler = signal.getsignal(signal.SIGPROF)

    def refused() -> str:
        with pytest.raises(UserError, match=r"(?s)000\.png .*leave such images out: ") as error:
            list(images.read())
        assert signal.getsignal(signal.SIGPROF) == handler
        return str(error.value)

    def never_ends(content, most):
        while True:
            pass

    monkeypatch.setattr(image_folder, "_BOUNDS", decode_bounds.Bounds(0.1, 8))
    Image.new("RGB", (4000, 4000)).save(folder / "000.png")  # 48 MB
    assert "needs more memory" in refused()
    monkeypatch.setattr(image_folder.pixel_formats, "read", never_ends)
    assert "takes longer" in refused()


def test_a_folder_is_known_by_the_content_of_its_images(bench, tmp_path):
    folder = bench.folder(tmp_path / "images", 4)
    before = image_folder.open_folder(str(folder), "--data", None, 100)
    content = np.concatenate(list(before.read()))
    assert content.shape == (4, 16, 16, 3)
    Image.fromarray(bench.pixels(77)).save(folder / "000.png")
    after = image_folder.open_folder(str(folder), "--data", None, 100)
    assert before.protocol != after.protocol and before.count == after.count
    assert image_folder.open_folder(str(folder), "--data", None, 3).count == 3
