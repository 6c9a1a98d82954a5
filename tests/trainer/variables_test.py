"""Environment variables that would be ignored are refused."""

import json
import pathlib
import re

import pytest

from dualcontrast.trainer import variables
from dualcontrast.trainer.errors import UserError

ROOT = pathlib.Path(__file__).parents[2]
TWO = ["one:2222", "two:2222"]


@pytest.mark.parametrize(
    "config, words",
    [
        ({"cluster": {"worker": TWO}, "task": {"type": "worker", "index": 0}}, "names 2 hosts"),
        ({"cluster": {"chief": ["a:1"], "worker": TWO, "ps": ["b:1"]}}, "names 4 hosts"),
        ({"cluster": {"worker": {"0": "a:1", "3": "b:1", "7": "c:1"}}}, "names 3 hosts"),
        (
            {"cluster": {"chief": ["a:1"]}, "task": {"type": "evaluator", "index": 0}},
            "names 2 hosts",
        ),
        ("worker=one:2222", "is no cluster in JSON"),
        ([TWO], "is no cluster in JSON"),
        ({"cluster": 2}, "is no cluster in JSON"),
    ],
)
def test_a_cluster_is_refused_in_a_line_that_says_how_to_go_on(config, words, monkeypatch):
    text = config if isinstance(config, str) else json.dumps(config)
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match=words) as caught:
        variables.check_one_host()
    assert "env -u TF_CONFIG" in str(caught.value) and len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("text", ["", " ", "{}", '{"cluster": {"worker": ["a:1"]}}'])
def test_one_host_is_no_cluster(text, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    variables.check_one_host()


@pytest.mark.parametrize(
    "name, hint",
    [
        ("DUALCONTRAST_OP", "did you mean DUALCONTRAST_OPS"),
        ("DUALCONTRAST_CUDA_ARCH", "did you mean DUALCONTRAST_CUDA_ARCHS"),
        ("DUALCONTRAST_CACHE_DIR", "did you mean DUALCONTRAST_CACHE"),
        ("DUALCONTRAST_THREADS", "DUALCONTRAST_CACHE"),
    ],
)
def test_a_misspelt_variable_is_refused(name, hint, monkeypatch):
    monkeypatch.setenv(name, "1")
    with pytest.raises(UserError, match=f"unknown environment variable {name}: .*{hint}"):
        variables.check_own()


def test_every_variable_that_is_read_is_known():
    found = set()
    for package in ("augmentation", "custom_ops", "layers", "losses", "tools", "trainer"):
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            found |= set(re.findall(r"\"(DUALCONTRAST_[A-Z_]+[A-Z])\"", text))
    assert found == set(variables._OWN)
