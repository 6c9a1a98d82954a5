"""The commands that the experiments and their page show can be typed."""

import ast
import json
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

from dualcontrast.configs.paper import datasets
from dualcontrast.trainer.config import config_flags

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "experiments.md"
PAPERS = [name for name in config_flags.names() if name.startswith(("sg1_", "sg2e_", "sngan_"))]
MODULES = {
    "dualcontrast-convert": "dualcontrast.tools.convert",
    "dualcontrast-train": "dualcontrast.trainer.train",
    "dualcontrast-evaluate": "dualcontrast.tools.evaluate",
}


def commands(text: str) -> list[list[str]]:
    """The commands of a text, cut as a shell would; one may go on behind a backslash."""
    joined = re.sub(r" *\\\n *", " ", text)
    lines = [line.strip() for line in joined.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith("dualcontrast-")]


def docstring(name: str) -> str:
    """What a file of configs/ says about itself."""
    return ast.get_docstring(ast.parse((ROOT / "configs" / f"{name}.py").read_text()))


OTHERS = [
    "ada",
    "ada_cifar10",
    "few_scenes",
    "advaug_cifar10",
    "biggan_hinge",
    "biggan_imagenet",
    "unetgan_bce",
    "unetgan_scenes32",
    "unetgan_stylegan2",
    "r3gan",
    "stylegan",
    "sndcgan",
    "snresnet18",
    "sg2small",
]
OTHERS += ["sg2afhq"]
SHOWN = {name: commands(docstring(name)) for name in [*PAPERS, *OTHERS]} | {
    "page": commands(PAGE.read_text(encoding="utf-8"))
}

# Each binary has flags of its own, so each is asked in a process of its own.
PARSE = """
import importlib, json, sys
from absl import flags
importlib.import_module(sys.argv[1])
for command in json.load(sys.stdin):
    flags.FLAGS.unparse_flags()
    try:
        rest = flags.FLAGS(command)[1:]
        if rest: print(command, "takes no", rest)
    except flags.Error as error:
        print(command, error)
"""


@pytest.mark.parametrize("binary", MODULES)
def test_every_command_has_flags_and_values_that_exist(binary):
    shown = [command for some in SHOWN.values() for command in some if command[0] == binary]
    assert len(shown) >= len(PAPERS)
    result = subprocess.run(
        [sys.executable, "-c", PARSE, MODULES[binary]],
        input=json.dumps(shown),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (0, ""), result.stdout + result.stderr


def value(command: list[str], flag: str) -> str:
    """The value of a flag that a command has."""
    (found,) = [word for word in command if word.startswith(f"--{flag}=")]
    return found.partition("=")[2]


@pytest.mark.parametrize("name", PAPERS)
def test_an_experiment_shows_how_it_is_made_trained_and_measured(name):
    convert, train, evaluate = SHOWN[name]
    experiment, _, argument = value(train, "config").partition(":")
    chosen = datasets.find(argument)
    assert experiment == name
    assert value(convert, "dest") == value(train, "data") == f"data/{argument}"
    assert value(train, "workdir") == value(evaluate, "run") == f"runs/{name}_{argument}"
    # Generated images are compared with the whole dataset.
    assert value(evaluate, "data") == f"data/{chosen.dataset.name}"
    assert ("--mirror" in evaluate) == chosen.dataset.mirror
    assert set(convert[1:]) == conversion(argument)


def conversion(argument: str) -> set[str]:
    """The flags that convert a training set, or the whole of a dataset that is used in parts."""
    by_name = {dataset.name: dataset for dataset in datasets.DATASETS}
    limit = set()
    if argument in datasets.TRAINING_SETS:
        chosen = datasets.find(argument)
        dataset = chosen.dataset
        limit = {f"--max_images={chosen.images}"} if dataset.limited else limit
    else:
        dataset = by_name[argument]
    return {*shlex.split(dataset.conversion), f"--dest=data/{argument}"} | limit


def test_the_page_converts_every_dataset_as_the_experiments_do():
    shown = {}
    for command in SHOWN["page"]:
        if command[0] == "dualcontrast-convert":
            shown[value(command, "dest").removeprefix("data/")] = set(command[1:])
    assert {dataset.name for dataset in datasets.DATASETS} <= set(shown)
    assert shown == {argument: conversion(argument) for argument in shown}


def test_the_page_trains_experiments_that_exist():
    trained = [command for command in SHOWN["page"] if command[0] == "dualcontrast-train"]
    for command in trained:
        config_flags.load(value(command, "config"))
    assert trained


def test_the_page_lists_every_experiment_and_origin():
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert [name for name in PAPERS if f"`{name}`" not in text] == []
    assert [x.origin for x in datasets.DATASETS if x.origin not in text] == []
