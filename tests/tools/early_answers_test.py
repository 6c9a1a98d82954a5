"""What needs no TensorFlow is answered before its import, which takes seconds: here it fails."""

import json

import pytest

from dualcontrast.trainer.data import manifest


@pytest.fixture(name="places", scope="module")
def _places(tmp_path_factory):
    """Folders that a user confuses: a dataset of 8x8 images, a run, an export, and what is none."""
    root = tmp_path_factory.mktemp("places")
    for name in ("data", "run", "run/checkpoints", "model", "empty"):
        (root / name).mkdir()
    shard = {"name": manifest.shard_name(0, 1), "records": 1, "bytes": 1, "sha256": "0" * 64}
    size = {"resolution": 8, "channels": 3, "count": 1, "shards": [shard]}
    how = {"encoding": "png", "crop": "none", "filter": "lanczos", "source": "photos"}
    content = {"version": 1, **size, **how, "rejected": 0, "request": {}}
    (root / "data" / "manifest.json").write_text(json.dumps(content))
    (root / "data" / shard["name"]).write_bytes(b"0")
    for name in ("run", "model"):
        (root / name / "config.json").write_text("{}")
    (root / "model" / "saved_model.pb").touch()
    for name in ("file", "one.png", "DSC01.JPG", "photos.tar.gz", "a.7z", "B.TAR", "old.py"):
        (root / name).touch()
    return root


RUN = ["--run=ROOT/run", "--output=ROOT/out"]
TRAIN = ["--data=ROOT/data", "--workdir=ROOT/new"]
MEASURED = ["--run=ROOT/run", "--data=ROOT/data"]
TWICE = ["--classifier=ROOT/file", "--classifier_data=ROOT/data"]
EXPORTED = "model is an exported model: expected the run that it was exported from"

# Arguments, and words of the refusal; ROOT stands for the folder of the places.
MISTAKES = {
    "trainer.train": [
        (["--config=no_such", *TRAIN], "--config=no_such: no such file"),
        (["--config=demo", *TRAIN, "--init_from=ROOT/none"], "no run and no checkpoint"),
        (["--config=demo", *TRAIN, "--full"], "--full says how to start from another run"),
        (["--config=sg2e_contr", *TRAIN, "--config.data.resolution=16"], "resolution"),
        (["--config=demo", *TRAIN, "--config.training.batch_size=0"], "expected a whole number"),
        (["--config=demo", *TRAIN, "--config.optimizer.kind=adam"], "the sections are loss,"),
        (["--config=demo", *TRAIN, "--batchsize=8"], "--config.training.batch_size?"),
        (["--config=demo", "--workdir=ROOT/new", "--data=ROOT/empty"], "empty"),
        (["--config=demo", *TRAIN, "--custom_ops=gpu"], "custom_ops"),
    ],
    "tools.generate": [
        (["--run=ROOT/none", "--output=ROOT/out"], "there is no run and no checkpoint"),
        (["--run=ROOT/model", "--output=ROOT/out"], EXPORTED),
        (["--run=ROOT/data", "--output=ROOT/out"], "data is no run: it is a dataset"),
        (["--run=ROOT/run/checkpoints", "--output=ROOT/out"], "it is a folder of one"),
        ([*RUN, "--seeds=1-x"], "--seeds=1-x"),
        ([*RUN, "--interpolate=0"], "--interpolate=0"),
        ([*RUN, "--truncation-psi=1"], "did you mean --truncation_psi?"),
    ],
    "tools.export": [
        (["--run=ROOT/run", "--output=ROOT/empty"], "exists already"),
        (["--run=ROOT/model", "--output=ROOT/out"], EXPORTED),
        ([*RUN, "--max_batch=0"], "max_batch"),
    ],
    "tools.evaluate": [
        (["--run=ROOT/run", "--data=ROOT/data", "--metrics=fidd"], "--metrics=fidd"),
        (["--run=ROOT/model", "--data=ROOT/data"], EXPORTED),
        (["--run=ROOT/run"], "--data is missing"),
        (["--data=ROOT/data"], "give one of --run, --model and --images"),
        ([*MEASURED, "--metrics=overfitting"], "--validation is missing"),
        ([*MEASURED, "--metrics=separability"], "--classifier_data, got none"),
        ([*MEASURED, "--metrics=separability", *TWICE], "--classifier_data, got both"),
        (["--model=ROOT/model", *MEASURED[1:], "--metrics=separability"], "networks of a run"),
        (["--images=ROOT/empty", *MEASURED[1:], "--metrics=overfitting"], "networks of a run"),
    ],
    "tools.plan": [
        ([], "--data is missing"),
        (["--data=ROOT/none", "--output=ROOT/new.py"], "There is no dataset folder"),
        (["--data=ROOT/data", "--output=ROOT/new.py"], "has 1 images, expected 50 at least"),
        (["--data=ROOT/data", "--output=ROOT/old.py"], "old.py exists already"),
        (["--data=ROOT/data", "--output=ROOT/out/new.py"], "there is no folder"),
        (["--data=ROOT/data", "--output=ROOT/plan"], "plan is no Python file"),
        (["--data=ROOT/data", "--hours=-1"], "hours"),
    ],
    "tools.project": [
        (["--run=ROOT/run", "--image=ROOT/none.png", "--output=ROOT/out"], "no such file"),
        (["--run=ROOT/empty", "--image=ROOT/file", "--output=ROOT/out"], "it has no config.json"),
        (["--run=ROOT/run", "--image=ROOT/file", "--output=ROOT/out", "--space=z"], "space"),
    ],
    "tools.attention_maps": [
        ([*RUN, "--dots=2,0.5"], "--dots"),
        ([*RUN, "--data=ROOT/empty"], "empty"),
        (["--run=ROOT/data", "--output=ROOT/out"], "it is a dataset"),
    ],
    "tools.augmentations": [
        (["--data=ROOT/empty", "--output=ROOT/new.png"], "empty"),
        (["--data=ROOT/data", "--output=ROOT/empty"], "empty is a folder, expected a file"),
        (["--data=ROOT/data", "--output=ROOT/new.jpg"], "new.jpg is no PNG"),
    ],
    "tools.sweep": [
        (["--output=ROOT/out"], "--sweep is missing"),
        (["--sweep=ROOT/none.yaml", "--output=ROOT/out"], "none.yaml"),
        (["--sweep=ROOT/file", "--output=ROOT/out"], "file: expected config, data, seeds"),
        (["--sweep=ROOT/file", "--output=ROOT/out", "--jobs=0"], "--jobs=0"),
    ],
    "tools.linear_eval": [
        (["--run=ROOT/none", "--data=ROOT/data"], "there is no run and no checkpoint"),
        (["--run=ROOT/run", "--data=ROOT/data"], "data has no labels: convert"),
    ],
    "tools.tsne": [
        ([*RUN, "--data=ROOT/empty"], "empty"),
        ([*RUN, "--run=ROOT/run", "--data=ROOT/data"], "--run names one checkpoint twice"),
        ([*RUN, "--data=ROOT/data", "--count=1"], "count"),
    ],
    "tools.report": [
        (["--run=ROOT/none"], "none: there is no such folder"),
        (["--run=ROOT/run"] * 9, "9 times: at most 8"),
        (["--run=ROOT/run", "--output=ROOT/empty"], "is a folder, expected a file"),
        (["--run=ROOT/model"], EXPORTED),
    ],
    "tools.complexity": [
        (["--config=stylegan2_e", "--resolution=48"], "got 48, expected a power of two"),
        (["--config=stylegan2_e"], "--resolution is missing"),
        (["--config=nothing.py", "--resolution=64"], "nothing.py: no such file"),
    ],
    "tools.convert": [
        (["--source=ROOT/none", "--dest=ROOT/out"], "none does not exist"),
        (["--source=ROOT/run", "--dest=ROOT/out", "--resolution=48"], "no power of two"),
        (["--source=ROOT/data"], "--dest is missing"),
        (["--source=ROOT/data", "--dest=ROOT/out"], "is a dataset already: dualcontrast-train"),
        (["--source=ROOT/one.png", "--dest=ROOT/out"], "one.png is one image, expected many"),
        (["--source=ROOT/DSC01.JPG", "--dest=ROOT/out"], "DSC01.JPG is one image"),
        (["--source=ROOT/photos.tar.gz", "--dest=ROOT/out"], "cannot be read as a tar: empty file"),
        (["--source=ROOT/a.7z", "--dest=ROOT/out"], "a.7z is of no kind that is read here"),
        (["--source=ROOT/B.TAR", "--dest=ROOT/out"], "B.TAR cannot be read as a tar: empty file"),
    ],
    "tools.verify": [
        (["ROOT/empty"], "empty"),
        ([], "Give one dataset folder"),
        (["ROOT/data", "ROOT/data"], "Give one dataset folder"),
    ],
}


@pytest.mark.parametrize("binary", MISTAKES)
def test_mistakes_and_the_help_are_answered_without_tensorflow(bench, places, binary):
    cases = MISTAKES[binary] + [(["--no_such_flag=1"], "unknown flag --no_such_flag")]
    commands = [[word.replace("ROOT", str(places)) for word in words] for words, _ in cases]
    *answers, shown = bench.early_calls(binary, *commands, ["--help"])
    for (_, expected), (code, _, err) in zip(cases, answers, strict=True):
        assert code == 2 and expected in err, (expected, err)
        assert len(err.splitlines()) <= 2, err
    assert (
        shown[0] == 0 and f"dualcontrast-{binary.partition('.')[2].replace('_', '-')}" in shown[1]
    )
    assert not (places / "out").exists() and not (places / "new").exists()
