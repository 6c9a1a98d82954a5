"""What a run ran on is kept, a line a start, and what may change its bits is said."""

import json

import pytest
import tensorflow as tf

from dualcontrast.trainer import devices
from dualcontrast.trainer.checkpoints import environment

# Of a start, as `of_training` returns it.
FOUND = {
    "dualcontrast": "0.1.0",
    "tensorflow": "2.21.0",
    "keras": "3.15.1",
    "numpy": "2.3.0",
    "pillow": "12.0",
    "processor": "x86_64, 2 cores",
    "processor_model": "a model",
    "devices": "1 CPU",
    "deterministic": True,
    "tf32": False,
    "operations": {"bias_act float32": "cpu", "upfirdn2d float32": "ref"},
    "variables": {},
}


def lines(workdir) -> list[dict]:
    return [json.loads(line) for line in (workdir / environment.FILE_NAME).open()]


def test_every_start_has_a_line(tmp_path):
    for images_seen in (0, 64, 64, 128):
        environment.record_start(tmp_path, images_seen, FOUND)
    assert [line["images_seen"] for line in lines(tmp_path)] == [0, 64, 64, 128]
    assert all({"started", *FOUND} <= line.keys() for line in lines(tmp_path))


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"tensorflow": "2.20.0"}, "tensorflow 2.21.0 -> 2.20.0"),
        ({"keras": "3.16.0"}, "keras 3.15.1 -> 3.16.0"),
        (
            {"operations": {"bias_act float32": "ref", "upfirdn2d float32": "ref"}},
            "operations bias_act float32 cpu, upfirdn2d float32 ref"
            " -> bias_act float32 ref, upfirdn2d float32 ref",
        ),
        ({"deterministic": False}, "deterministic True -> False"),
        ({"tf32": True}, "tf32 False -> True"),
        ({"devices": "2 NVIDIA A100"}, "devices 1 CPU -> 2 NVIDIA A100"),
        (
            {"variables": {"TF_ENABLE_ONEDNN_OPTS": "0"}},
            "variables none -> TF_ENABLE_ONEDNN_OPTS 0",
        ),
    ],
)
def test_what_may_change_the_bits_of_a_resumed_run_is_said_and_recorded(changes, words, tmp_path):
    assert environment.record_start(tmp_path, 0, FOUND) == ""
    assert environment.record_start(tmp_path, 64, {**FOUND, **changes}) == words
    kept = lines(tmp_path)
    assert kept[0]["images_seen"] == 0 and kept[0].items() >= FOUND.items()
    assert kept[1].items() >= changes.items()


@pytest.mark.parametrize("changes", [{}, {"pillow": "12.1"}])
def test_nothing_is_said_where_nothing_changes_the_bits(changes, tmp_path):
    environment.record_start(tmp_path, 0, FOUND)
    assert environment.record_start(tmp_path, 64, {**FOUND, **changes}) == ""


def test_a_run_that_was_never_deterministic_is_warned_of_when_it_goes_on(tmp_path):
    chance = {**FOUND, "deterministic": False}
    assert environment.record_start(tmp_path, 0, chance) == ""
    said = environment.record_start(tmp_path, 64, chance)
    assert said == "TensorFlow is not deterministic"


def test_a_start_without_a_checkpoint_continues_nothing(tmp_path):
    environment.record_start(tmp_path, 0, FOUND)
    assert environment.record_start(tmp_path, 0, {**FOUND, "tensorflow": "2.20.0"}) == ""


def test_what_an_older_version_recorded_is_the_first_start(tmp_path):
    older = {"python": "3.12.1", "tensorflow": "2.20.0", "processor": "x86_64, 2 cores"}
    (tmp_path / "environment.json").write_text(json.dumps(older))
    said = environment.record_start(tmp_path, 64, FOUND)
    assert said == "tensorflow 2.20.0 -> 2.21.0"
    assert environment.starts(tmp_path)[0] == older


@pytest.mark.parametrize("allowed", [True, False])
def test_whether_tf32_is_allowed_reaches_tensorflow_and_the_record(allowed):
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    try:
        devices.allow_tf32(allowed)
        assert tf.config.experimental.tensor_float_32_execution_enabled() == allowed
        assert environment.of_training(1, "float32", is_deterministic=True)["tf32"] == allowed
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)


def test_this_process_says_what_it_computes_with():
    found = environment.of_training(1, "mixed_bfloat16", is_deterministic=True)
    assert found["devices"] == "1 CPU" and found["deterministic"]
    assert found.keys() >= FOUND.keys()
    kinds = {name.split()[1] for name in found["operations"]}
    assert kinds == {"float32", "bfloat16"} and len(found["operations"]) == 7
    convolutions = found["operations"].pop("conv2d float32")
    assert convolutions.split()[0] in ("cudnn", "ref", "avx2", "avx512", "neon")
    assert set(found["operations"].values()) <= {"cuda", "cpu", "ref"}
