"""What is said to the user is true when it is said."""

import ast
import json
import pathlib
import re

import pytest

from dualcontrast.trainer import metrics_window
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import advice, config_flags, contradictions, schema, serialisation
from dualcontrast.trainer.errors import UserError

ROOT = pathlib.Path(__file__).parents[2]


def with_checkpoint(workdir: pathlib.Path) -> pathlib.Path:
    (workdir / "checkpoints").mkdir()
    (workdir / "checkpoints" / "images-64.index").touch()
    return workdir


def advised(changes: dict, workdir, replicas: int = 1) -> str:
    """Returns what is said of a configuration with changes, in one line."""
    with pytest.raises(UserError) as caught:
        config = schema.replace(schema.Config(), {"data.resolution": 32, "data.channels": 3})
        config = schema.replace(config, changes)
        schema.validate(config)
        contradictions.check_replicas(config, replicas)
    error = advice.of_run(caught.value, workdir, config_flags.known_fields())
    return str(error).replace("\n", " ")


MISTAKES = [
    ({"training.batch_size": 8}, 3, "training.batch_size"),
    ({"training.total_images": 40}, 1, "loss.warmup_images"),
    ({"training.accumulation": 3, "training.batch_size": 32}, 1, "training.accumulation"),
    (
        {
            "schedule.generator.decay_from_images": 8,
            "schedule.generator.decay_to_images": 16,
            "training.total_images": 25_000_000,
        },
        1,
        "schedule.generator.decay_to_images",
    ),
    ({"generator.attention.kind": "san", "generator.attention.resolution": 64}, 1, "attention"),
]


@pytest.mark.parametrize("changes, replicas, field", MISTAKES)
def test_a_run_is_not_advised_to_change_what_it_keeps(changes, replicas, field, tmp_path):
    assert f"try --config.{field}" in advised(changes, tmp_path, replicas).replace(
        "generator.attention.resolution", "attention"
    )
    said = advised(changes, with_checkpoint(tmp_path), replicas)
    assert "try --config" not in said and "keeps its" in said and field in said
    assert "--full --workdir=ANOTHER" in said


def test_advice_to_change_what_a_run_may_change_stays(tmp_path):
    error = UserError("too long: try --config.training.total_images=10")
    fields = config_flags.known_fields()
    assert advice.of_run(error, with_checkpoint(tmp_path), fields) is error


CONTENTS = {
    "an unknown field": ({"training": {"speed": 3}}, "training.speed"),
    "an unknown section": ({"telemetry": {"url": "x"}}, "telemetry.url"),
    "an unknown family": ({"generator": {"family": "diffusion"}}, "diffusion"),
    "an unknown loss": ({"loss": {"family": "energy"}}, "energy"),
    "a value of another kind": ({"training": {"batch_size": "many"}}, "batch_size"),
    "what contradicts itself": ({"training": {"total_images": 3}}, "loss.warmup_images"),
    "a missing section": ({"discriminator": None}, "discriminator"),
}


@pytest.mark.parametrize("how", CONTENTS)
def test_a_config_of_another_version_is_named_without_advice_that_cannot_be_followed(how, tmp_path):
    changes, words = CONTENTS[how]
    content = json.loads(serialisation.to_json(schema.Config()))
    for section, fields in changes.items():
        if fields is None:
            del content[section]
        else:
            content[section] = content.get(section, {}) | fields
    path = tmp_path / checkpoint.CONFIG_NAME
    path.write_text(json.dumps(content))
    assert_named(path, words)


@pytest.mark.parametrize("kept", [0, 1, 40, 200])
def test_a_config_that_was_cut_is_named(kept, tmp_path):
    path = tmp_path / checkpoint.CONFIG_NAME
    path.write_text(serialisation.to_json(schema.Config())[:kept])
    assert_named(path, "JSON")


def assert_named(path: pathlib.Path, words: str) -> None:
    with pytest.raises(UserError) as caught:
        checkpoint.read_config(path.parent)
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"{path}: ") and words in first
    # Whoever reads a run has no flags for its configuration.
    assert "--" not in first and "did you mean" not in first
    assert "restore it from a copy" in second


def test_a_run_that_diverges_is_not_told_of_a_checkpoint_that_there_may_not_be():
    text = str(metrics_window.diverged("r1 is nan at 8 images"))
    assert "No checkpoint holds it" in text and "last checkpoint" not in text
    for word in re.findall(r"[a-z]+\.[a-z_0-9]+", text):
        assert word in config_flags.known_fields(), word


@pytest.mark.parametrize("earlier", [0, 1])
def test_a_full_disk_speaks_of_earlier_checkpoints_where_there_are_some(
    earlier, tmp_path, monkeypatch
):
    class Run:
        images_seen = checkpoint.tf.Variable(72, dtype=checkpoint.tf.int64)

        def checkpoint(self):
            return checkpoint.tf.train.Checkpoint(images_seen=self.images_seen)

    def refuse(*_):
        raise OSError(28, "No space left on device")

    if earlier:
        with_checkpoint(tmp_path)
    monkeypatch.setattr(checkpoint.writing, "write", refuse)
    with pytest.raises(UserError, match="Make room") as caught:
        checkpoint.Checkpoints(tmp_path, Run(), keep=2).save()
    assert ("Earlier checkpoints are untouched" in str(caught.value)) == bool(earlier)


def module_of(name: str) -> pathlib.Path:
    return ROOT / (name.removeprefix("dualcontrast.").replace(".", "/") + ".py")


def strings_of(tree: ast.AST) -> list[str]:
    """Returns the texts of a module, formatted ones by their constant parts, without docstrings."""
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in documents
    ]


def flags_of(path: pathlib.Path) -> set[str]:
    """Returns the flags of a command: what it and the modules of tools/ that it uses define."""
    found, seen, waiting = set(), set(), [path]
    while waiting:
        module = waiting.pop()
        if module in seen or not module.is_file():
            continue
        seen.add(module)
        text = module.read_text(encoding="utf-8")
        found |= set(re.findall(r"flags\.(?i:define)\w*\(\s*\"(\w+)\"", text))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("dualcontrast.tools"):
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
                waiting += map(module_of, names)
    return found


# Of other programs that a message names, and of absl.
FOREIGN = {"help", "target", "config", "std", "tool", "port"}


def test_a_command_names_its_own_flags_only():
    seen = 0
    for path in (ROOT / "tools").glob("*.py"):
        known = flags_of(path) | FOREIGN
        for string in strings_of(ast.parse(path.read_text(encoding="utf-8"))):
            if "dualcontrast-" in string:
                continue  # It is another command's.
            for flag in re.findall(r"--([a-z][a-z_0-9-]+)", string):
                if "-" in flag:
                    continue  # Ours have none inside.
                seen += 1
                assert {flag, flag.removeprefix("no")} & known, (path.name, flag, string)
    assert seen > 30
