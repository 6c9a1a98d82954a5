"""dualcontrast-plan as a user runs it, and what the trainer makes of its file."""

import ast
import pathlib
import re

import pytest

from dualcontrast.trainer.config import config_flags, schema


@pytest.fixture(name="data", scope="module")
def _data(bench, tmp_path_factory):
    """Sixty scenes at 8x8."""
    folder = tmp_path_factory.mktemp("plan") / "scenes"
    return bench.convert("scenes", folder, "--resolution=8", "--max_images=60").folder


@pytest.fixture(name="planned", scope="module")
def _planned(bench, data):
    """What the command printed, and its file."""
    output = data.parent / "plan.py"
    ((code, out, err),) = bench.calls("plan", [f"--data={data}", f"--output={output}"])
    assert code == 0, err
    return out, output


@pytest.fixture(name="train")
def _train(data, warm_start):
    """Runs the trainer on a plan; returns what it printed."""

    def run(output: pathlib.Path, *arguments: str) -> str:
        words = [f"--config={output}", f"--data={data}", f"--workdir={data.parent / 'run'}"]
        done = warm_start.run("dualcontrast.trainer.train", [*words, *arguments], 120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_the_trainer_takes_the_file_and_trains(planned, train):
    shown = train(planned[1], "--dry_run")
    assert "memory, estimated" in shown and "warmup_images: 1200" in shown  # 20 passes
    changes = {"training.total_images": 64, "loss.warmup_images": 32, "evaluation.every_images": 0}
    flags = [f"--config.{path}={value}" for path, value in changes.items()]
    assert "done: 64 images" in train(planned[1], *flags)


def test_every_field_has_a_reason_above_and_the_lines_are_short(planned):
    text = planned[1].read_text()
    assert ast.get_docstring(ast.parse(text)).startswith("60 images at 8x8")
    lines = text[text.index("Config(),") :].splitlines()
    assert max(map(len, lines)) <= 100
    paths = re.findall(r'^ +"([a-z0-9_.]+)": .+,$', text, re.MULTILINE)
    assert len(paths) > 20 and len(set(paths)) == len(paths)
    # A comment is followed by fields, and the first line is a comment.
    body = [line.strip() for line in lines[2:] if line.strip().startswith(("#", '"'))]
    pairs = zip(body, body[1:])
    assert body[0][0] == "#" and not any(a[0] == b[0] == "#" for a, b in pairs)


def test_the_file_says_what_it_does(planned):
    config = config_flags.load(str(planned[1]))
    for path, value in re.findall(r'^ +"([a-z0-9_.]+)": (.+),$', planned[1].read_text(), re.M):
        found = getattr(config, path).family if path in schema.CHOICES else schema.get(config, path)
        assert found == ast.literal_eval(value), path


def test_the_commands_that_it_prints_are_those_of_the_file(planned, data):
    out, output = planned
    commands = [line for line in out.splitlines() if line.startswith("dualcontrast-")]
    assert [line.split()[0].split("-")[1] for line in commands] == ["train", "generate", "evaluate"]
    assert f"--config={output} --data={data} --workdir=runs/scenes" in commands[0]
    assert all(line in output.read_text() for line in commands)


def test_names_that_a_shell_would_cut_are_quoted_and_stay_python(bench, data):
    folder = data.rename(data.parent / 'my "new" \\ data')
    output = data.parent / "quoted.py"
    try:
        ((code, out, err),) = bench.calls("plan", [f"--data={folder}", f"--output={output}"])
        assert code == 0, err
        shown = ast.get_docstring(ast.parse(output.read_text()))
    finally:
        folder.rename(data)
    assert f"--data='{folder}'" in out and f"--data='{folder}'" in shown


def test_what_cannot_be_planned_is_refused_and_nothing_is_written(bench, data):
    output = data.parent / "never.py"
    words = [f"--data={data}", f"--output={output}"]
    answers = bench.calls("plan", [*words, "--hours=0.0001"], [*words, "--memory_gib=0.01"])
    for (code, _, err), text in zip(answers, ("try --hours=", "expected more memory"), strict=True):
        assert code == 2 and text in err and len(err.splitlines()) <= 2, err
    assert not output.exists()


def test_a_measured_rate_is_said_to_be_measured(bench, data):
    output = data.parent / "measured.py"
    words = [f"--data={data}", f"--output={output}", "--measure", "--hours=1"]
    ((code, out, err),) = bench.calls("plan", words)
    assert code == 0 and "measured here in 16 iterations" in out, err
    rate = float(re.search(r"at ([\d.e+]+) images a second", out)[1])
    total = config_flags.load(str(output)).training.total_images
    # Two digits of the length, three of the rate.
    assert 0.89 * 3600 * rate < total <= 1.01 * 3600 * rate
