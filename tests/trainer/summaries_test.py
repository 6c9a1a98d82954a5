"""Each step is once in metrics.jsonl and once in TensorBoard, however often a run was resumed."""

import pytest
import tensorflow as tf

from dualcontrast.trainer import progress, summaries
from dualcontrast.trainer.checkpoints import run_path
from dualcontrast.trainer.errors import UserError


def row(images_seen: int) -> dict:
    return {"images_seen": images_seen, "phase": "contrast", "loss/D": float(images_seen)}


def write(log: progress.Log, steps) -> None:
    """Logs as a run does: numbers, a grid, an evaluation."""
    for images_seen in steps:
        log.write(row(images_seen))
        log.write_picture("fakes", b"a picture", images_seen)
        log.write_scalars({"fid/embedded-20": 1.0}, images_seen)


def steps_of(workdir) -> tuple[list[int], list[tuple[str, int]]]:
    """Returns the steps of metrics.jsonl, and tags and steps of TensorBoard's events, sorted."""
    shown = []
    for path in (workdir / "tensorboard").glob("*.tfevents.*"):
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            shown += [(value.tag, event.step) for value in event.summary.value]
    return [found["images_seen"] for found in progress.rows(workdir)], sorted(shown)


def assert_once(workdir, steps) -> None:
    steps = list(steps)
    expected = [(tag, n) for tag in ("fakes", "fid/embedded-20", "loss/D") for n in steps]
    assert steps_of(workdir) == (steps, expected)


def test_what_came_after_the_checkpoint_is_in_neither_log_twice(tmp_path):
    write(progress.Log(tmp_path, None), range(0, 48, 8))
    write(progress.Log(tmp_path, 24), range(32, 72, 8))
    assert_once(tmp_path, range(0, 72, 8))


def test_a_run_resumed_again_and_again_shows_each_step_once(tmp_path):
    write(progress.Log(tmp_path, None), [0, 8, 16])
    for _ in range(3):  # dies each time before its next checkpoint
        write(progress.Log(tmp_path, 8), [16, 24, 32])
    write(progress.Log(tmp_path, 16), [24])
    assert_once(tmp_path, [0, 8, 16, 24])


def test_what_a_start_without_a_checkpoint_left_goes(tmp_path):
    write(progress.Log(tmp_path, None), [0, 8, 16])
    write(progress.Log(tmp_path, None), [0, 8])
    assert_once(tmp_path, [0, 8])


def test_half_an_event_and_half_a_line_of_a_killed_process_go(tmp_path):
    write(progress.Log(tmp_path, None), [0, 8])
    (events,) = (tmp_path / "tensorboard").iterdir()
    for path in (events, tmp_path / run_path.METRICS_NAME):
        with open(path, "r+b") as file:
            file.truncate(path.stat().st_size - 9)
    write(progress.Log(tmp_path, 0), [8, 16])
    assert_once(tmp_path, [0, 8, 16])


def test_what_is_repeated_at_the_step_of_the_checkpoint_is_not_shown_again(tmp_path):
    write(progress.Log(tmp_path, None), [0, 8])
    log = progress.Log(tmp_path, 8)
    log.write_scalars({"fid/embedded-20": 1.0, "fid/embedded-50": 2.0}, 8)
    log.write_picture("fakes", b"a picture", 8)
    shown = steps_of(tmp_path)[1]
    assert len(shown) == len(set(shown)) == 7


def test_events_that_cannot_be_read_are_named(tmp_path):
    path = tmp_path / "events.out.tfevents.1.host"
    path.mkdir()
    with pytest.raises(UserError, match="events.out.tfevents.1.host cannot be read") as caught:
        summaries.Summaries(tmp_path, 0)
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("name", ["notes.txt", "plugins", "events.out.tfevents.1.host.tmp"])
def test_other_files_in_the_folder_are_left_alone(name, tmp_path):
    (tmp_path / name).write_text("not an event")
    summaries.Summaries(tmp_path, 0).scalars({"loss/D": 1.0}, 8)
    assert (tmp_path / name).read_text() == "not an event"
