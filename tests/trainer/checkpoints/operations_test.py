"""A run goes on with the forms of operations that it began with."""

import json

import pytest

from dualcontrast.custom_ops import implementation, measured
from dualcontrast.trainer import files
from dualcontrast.trainer.checkpoints import operations


@pytest.fixture(name="choose")
def _choose(monkeypatch):
    """Chooses between two forms as a new process on a machine where `fastest` is the faster."""

    def choose(fastest):
        seconds = {"ref": 2.0, "cpu": 2.0, fastest: 1.0}
        monkeypatch.setattr(measured, "_used", {})
        monkeypatch.setattr(measured, "_found", {})
        monkeypatch.setattr(measured, "_path", lambda: None)
        monkeypatch.setattr(measured, "measure", lambda _: measured.Measurement(seconds, 3, 0))
        return measured.fastest("an operation", dict, allowed=("ref", "cpu"))

    monkeypatch.setattr(measured, "_imposed", {})
    return choose


def test_a_resumed_run_takes_the_forms_of_its_first_start(choose, tmp_path):
    implementation.impose(operations.read(tmp_path))  # of a run that has none yet
    assert choose("cpu") == "cpu"
    operations.record(tmp_path)
    assert choose("ref") == "ref"
    implementation.impose(operations.read(tmp_path))
    assert choose("ref") == "cpu"


def test_the_record_names_the_implementation_and_is_written_when_it_changes(choose, tmp_path):
    choose("cpu")
    with implementation.using("ref"):
        operations.record(tmp_path)
    path = tmp_path / operations.FILE_NAME
    expected = {"impl": "ref", "convolutions": "ref", "forms": {"an operation": "cpu"}}
    assert json.loads(path.read_text()) == expected
    before = path.stat().st_mtime_ns
    with implementation.using("ref"):
        operations.record(tmp_path)
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize("content", ["{", "{}", '{"forms": 3}'])
def test_a_damaged_record_is_named(content, tmp_path):
    (tmp_path / operations.FILE_NAME).write_text(content)
    with pytest.raises(files.FileError, match="operations.json is damaged"):
        implementation.impose(operations.read(tmp_path))
