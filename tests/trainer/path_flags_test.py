"""Flags that hold paths stand for them as a shell would."""

import pathlib
import re

import pytest
from absl import flags

import dualcontrast
from dualcontrast.trainer import path_flags

ROOT = pathlib.Path(dualcontrast.__file__).parent.parent
PATHS = "data extractor inception vgg16 lpips cache run output model image images save report json"
PATHS = f"{PATHS} source dest workdir config".split()


@pytest.fixture(name="home", autouse=True)
def _home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/[me]")


@pytest.mark.parametrize(
    "typed, meant",
    [
        ("~/x", "/home/[me]/x"),
        ("~", "/home/[me]"),
        ("~nobody-of-this-name/x", "~nobody-of-this-name/x"),
        ("./~/x", "./~/x"),
        ("a~b", "a~b"),
        ("100%d $HOME #1 [*]?", "100%d $HOME #1 [*]?"),
        ("tfds:cifar10", "tfds:cifar10"),
    ],
)
def test_a_tilde_is_the_home_folder_where_a_shell_would_say_so(typed, meant):
    values = flags.FlagValues()
    place = path_flags.define("place", None, "A place.", flag_values=values)
    values(["command", f"--place={typed}"])
    assert place.value == meant


def test_no_flag_that_holds_a_path_is_a_plain_string():
    plain = re.compile(r'DEFINE_(?:multi_)?string\(\s*"(\w+)"')
    sources = [path for part in ("tools", "trainer") for path in (ROOT / part).rglob("*.py")]
    found = {name for path in sources for name in plain.findall(path.read_text(encoding="utf-8"))}
    assert len(sources) > 50 and found and found.isdisjoint(PATHS)


def test_a_scheme_is_refused_where_a_flag_is_for_files_of_this_machine():
    values = flags.FlagValues()
    path_flags.define("output", None, "A folder.", flag_values=values)
    run = path_flags.define("run", None, "A run.", flag_values=values, may_have_scheme=True)
    values(["command", "--run=gs://bucket/run"])
    assert run.value == "gs://bucket/run"
    with pytest.raises(flags.IllegalFlagValueError, match="gs:// is not for this flag"):
        values(["command", "--output=gs://bucket/samples"])
