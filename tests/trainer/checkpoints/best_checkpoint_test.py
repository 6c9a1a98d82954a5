"""The best checkpoint is the best of its protocol."""

import json

import pytest
import tensorflow as tf

from dualcontrast.trainer.checkpoints import best_checkpoint
from dualcontrast.trainer.errors import UserError


class Run:
    """A state of one variable."""

    def __init__(self):
        self.weight = tf.Variable(1.0)

    def checkpoint(self) -> tf.train.Checkpoint:
        return tf.train.Checkpoint(weight=self.weight)


def record(workdir) -> dict:
    return json.loads((workdir / "best" / "best.json").read_text())


def test_the_best_value_survives_a_restart(tmp_path):
    first = best_checkpoint.Best(tmp_path, Run())
    assert first.offer(5.0, 8, "fid of 20") is None
    assert first.offer(6.0, 16, "fid of 20") == 5.0
    again = best_checkpoint.Best(tmp_path, Run())
    assert again.offer(5.0, 8, "fid of 20") == 5.0
    assert again.offer(4.0, 24, "fid of 20") is None
    (tmp_path / "best" / "images-24.index").unlink()
    assert best_checkpoint.Best(tmp_path, Run()).offer(9.0, 32, "fid of 20") is None


@pytest.mark.parametrize("value", [90.0, 5.0, 1.0])
def test_a_best_of_another_protocol_is_not_compared_and_gives_way(value, tmp_path, capsys):
    best_checkpoint.Best(tmp_path, Run()).offer(5.0, 8, "fid of 20")
    resumed = best_checkpoint.Best(tmp_path, Run())
    assert resumed.offer(value, 16, "fid of 50") is None
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 1 and "images-8, fid 5, was measured with other images" in said[0]
    assert record(tmp_path) == {
        "fid": value,
        "images_seen": 16,
        "request": "fid of 50",
        "checkpoint": "images-16",
    }
    assert sorted(path.name for path in (tmp_path / "best").glob("*.index")) == ["images-16.index"]
    # And from there on as ever.
    assert resumed.offer(value + 1, 24, "fid of 50") == value
    assert capsys.readouterr().out == ""


def test_a_record_without_a_protocol_is_not_compared(tmp_path, capsys):
    best_checkpoint.Best(tmp_path, Run()).offer(5.0, 8, "fid of 20")
    old = record(tmp_path)
    del old["request"]
    (tmp_path / "best" / "best.json").write_text(json.dumps(old))
    assert best_checkpoint.Best(tmp_path, Run()).offer(9.0, 16, "fid of 20") is None
    assert "nobody knows how" in capsys.readouterr().out


@pytest.mark.parametrize(
    "content", [b'{"fid": 5.0, "images_', b'{"fid": "5"}', b"\xff\xfe", b"[]", b""]
)
def test_a_damaged_record_is_named_and_nothing_is_lost(content, tmp_path):
    best_checkpoint.Best(tmp_path, Run()).offer(5.0, 8, "fid of 20")
    (tmp_path / "best" / "best.json").write_bytes(content)
    with pytest.raises(UserError, match="best.json is damaged") as caught:
        best_checkpoint.Best(tmp_path, Run())
    assert len(str(caught.value).splitlines()) == 2
    assert (tmp_path / "best" / "images-8.index").exists()
