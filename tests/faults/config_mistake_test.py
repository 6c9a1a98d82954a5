"""Mistakes in a configuration: exit code 2, and two lines at most which say what to type."""

import json
import subprocess
import sys

import pytest

# Without TensorFlow, for a configuration is checked before its import.
DRIVER = """
import contextlib, io, json, sys
sys.modules.update(tensorflow=None, keras=None)
from absl import flags
from dualcontrast.trainer import errors, train
results = []
for arguments in json.load(sys.stdin):
    flags.FLAGS.unparse_flags()
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = errors._call(train.main, errors._parse(train.main, ["train", *arguments]))
        except SystemExit as stop:
            code = stop.code
    results.append([code, out.getvalue(), err.getvalue()])
json.dump(results, sys.stdout)
"""

# Names, with what is said.
MISSPELT = {
    "training.batchsize=8": "did you mean training.batch_size?",
    "trainning.seed=1": "did you mean training.seed?",
    "generator.fmapmax=64": "did you mean generator.fmap_max?",
    "generator.attention.knd=san": "did you mean generator.attention.kind?",
    "discriminator.attention.san.patchsize=5": "discriminator.attention.san.patch_size?",
    "loss.warmup=0": "did you mean loss.warmup_images?",
    "average.half_life_images=1": "did you mean schedule.average.half_life_images?",
    "discriminator.r1_gamma=10": "it is penalties.r1_gamma now",
    "training.adam_beta_1=0.5": "schedule.generator.adam_beta_1 and schedule.discriminator.adam_b",
    "augmentation.kind=ada": "the sections are loss, generator, discriminator, penalties,",
    "model.name=stylegan3": "the sections are loss, generator, discriminator, penalties,",
    "data.seed=1": "data has resolution, channels, mirror",
}
# Values of another type, or out of bounds.
UNFIT = {
    "training.batch_size=eight": "training.batch_size=eight: expected a whole number >= 1",
    "training.batch_size=8.5": "expected a whole number >= 1",
    "training.batch_size=-8": "expected a whole number >= 1",
    "training.seed=3000000000": "expected a whole number >= 0 and <= 2147483647",
    "training.precision=float16": "expected float32 or mixed_bfloat16",
    "training.total_images=inf": "expected a whole number >= 1",
    "schedule.generator.learning_rate=nan": "expected a number > 0",
    "schedule.generator.adam_beta_2=1": "expected a number >= 0 and < 1",
    "data.mirror=yes": "expected true or false",
    "data.channels=2": "expected 1, 3, 4 or none",
    "generator.attention.kind=SAN": "expected none, san, sagan, dfn or vt",
    "loss=relativistic": "expected dual_contrastive, non_saturating, saturating, wasserstein or",
}
# Fields that contradict each other, the images, or the loss.
CONTRADICTIONS = {
    "data.resolution=16": "16",
    "data.channels=1": "channels",
    "loss.warmup_images=30_000_000": "try --config.loss.warmup_images=1_250_000",
    "loss.drift=0.1": "unknown config field loss.drift in dual_contrastive",
    "training.accumulation=5": "try --config.training.accumulation=1",
    "generator.attention.kind=san": "try --config.generator.attention.resolution=8",
    "schedule.generator.decay_to_images=9": "try --config.schedule.generator.decay_to_images=25",
    "generator.fmap_base=3": "config field generator.fmap_base: 3 leaves no feature map",
}
# Files of the user's, with what is said; None is no file.
FILES = {
    "absent.py": (None, "absent.py: no such file, expected one of"),
    "syntax.py": ("def get_config(:\n", "SyntaxError: invalid syntax (syntax.py, line 1)"),
    "nothing.py": ("x = 1\n", "defines no function get_config()"),
    "number.py": ("def get_config():\n    return 7\n", "returned int, expected a Config"),
    "raises.py": ("def get_config():\n    return {}['k']\n", "raises.py:2: KeyError: 'k'"),
    "imports.py": ("import no_such_module\n", "imports.py:1: ModuleNotFoundError"),
    "argument.py": ("def get_config(size):\n    pass\n", "its get_config needs an argument"),
    "field.py": (
        "from dualcontrast.trainer.config import schema\n"
        "def get_config():\n"
        "    return schema.replace(schema.Config(), {'training.batchsize': 8})\n",
        "did you mean training.batch_size?",
    ),
}


@pytest.fixture(name="cases", scope="module")
def _cases(tmp_path_factory) -> list[tuple[list[str], str]]:
    """Command lines, and what is said."""
    folder = tmp_path_factory.mktemp("mistakes")
    name = "images-00000-of-00001.tfrecord"
    shard = {"name": name, "records": 1, "bytes": 1, "sha256": "0" * 64}
    size = {"resolution": 8, "channels": 3, "count": 1, "shards": [shard]}
    how = {"encoding": "png", "crop": "none", "filter": "lanczos", "source": "photos"}
    content = {"version": 1, **size, **how, "rejected": 0, "request": {}}
    (folder / "manifest.json").write_text(json.dumps(content))
    (folder / name).write_bytes(b"0")
    places = [f"--data={folder}", f"--workdir={folder / 'run'}"]
    fields = MISSPELT | UNFIT | CONTRADICTIONS
    cases = [
        (["--config=stylegan2_e", *places, f"--config.{field}"], said)
        for field, said in fields.items()
    ]
    for file, (text, said) in FILES.items():
        if text is not None:
            (folder / file).write_text(text)
        cases.append(([f"--config={folder / file}", *places], said))
    assert len(cases) == 40
    return cases


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.faults)])
def test_a_mistake_is_answered_by_what_to_type(every, cases, count_faults):
    tried = cases[::every]
    count_faults("config mistakes", len(tried))
    done = subprocess.run(
        [sys.executable, "-c", DRIVER],
        input=json.dumps([arguments for arguments, _ in tried]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    wrong = [
        (arguments[-1], code, out, err)
        for (arguments, said), (code, out, err) in zip(tried, json.loads(done.stdout), strict=True)
        if code != 2 or out or said not in err or len(err.splitlines()) > 2
    ]
    assert wrong == []
