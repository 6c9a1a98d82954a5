"""A run that is killed at any moment and started again ends with the bits of one that never was."""

import random
import signal
import subprocess
import time

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer.checkpoints import checkpoint

# Small networks, so that a start costs seconds. From a start to its kill are about 100 images, so
# that no run ends before its last one.
LENGTH = {"training.total_images": 1536, "training.checkpoint_every_images": 32}
FOR_MANY_KILLS = LENGTH | {"training.total_images": 4096}


def final_variables(workdir) -> dict[str, np.ndarray]:
    """Every saved variable of the newest checkpoint: weights, slots, averages, counters."""
    reader = tf.train.load_checkpoint(str(workdir / checkpoint.FOLDER))
    return {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        # What TensorFlow adds: a description of the objects, and how many saves there were.
        if not name.startswith(("_CHECKPOINTABLE", "save_counter"))
    }


def assert_equal_bits(one: dict, two: dict) -> None:
    assert one.keys() == two.keys() and len(one) > 150
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], err_msg=name)


def start(command: list[str]) -> subprocess.Popen:
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def kill_after(process: subprocess.Popen, lines: int, delay: float) -> bool:
    """Kills the process after so many lines and seconds; says whether it was still running."""
    for _ in range(lines):
        if not process.stdout.readline():
            break
    time.sleep(delay)
    alive = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return alive


@pytest.fixture(scope="module")
def undisturbed(dataset, tmp_path_factory, tiny):
    return _train(dataset, tmp_path_factory.mktemp("undisturbed"), tiny, LENGTH)


@pytest.fixture(scope="module")
def long_undisturbed(dataset, tmp_path_factory, tiny):
    return _train(dataset, tmp_path_factory.mktemp("undisturbed"), tiny, FOR_MANY_KILLS)


def _train(dataset, workdir, tiny, length):
    done = tiny.run("trainer.train", *tiny.train_arguments(dataset, workdir, length))
    assert done.returncode == 0, done.stderr
    return workdir


def test_a_run_killed_again_and_again_ends_with_equal_bits(
    undisturbed, dataset, tmp_path, tiny, count_faults
):
    count_faults("random kills", 6)
    kill_again_and_again(6, LENGTH, undisturbed, dataset, tmp_path, tiny)


@pytest.mark.faults
@pytest.mark.parametrize("half", [1, 2])  # of 40 kills, for two processes
def test_a_run_killed_many_times_ends_with_equal_bits(
    half, long_undisturbed, dataset, tmp_path, tiny, count_faults
):
    count_faults("random kills", 20)
    kill_again_and_again(20, FOR_MANY_KILLS, long_undisturbed, dataset, tmp_path, tiny)


def kill_again_and_again(kills, length, undisturbed, dataset, workdir, tiny):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    command = tiny.binary("trainer.train", *tiny.train_arguments(dataset, workdir, length))
    for _ in range(kills):
        # The first line says where it resumes; after it comes one every 4 iterations.
        alive = kill_after(start(command), rng.randint(1, 4), rng.expovariate(10))
        assert alive, "the run was complete before its last kill"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert_equal_bits(final_variables(undisturbed), final_variables(workdir))
    assert (workdir / "metrics.jsonl").read_text().count("\n") == (
        undisturbed / "metrics.jsonl"
    ).read_text().count("\n")
    assert not list((workdir / checkpoint.FOLDER).glob("*_temp*"))
    assert not list(workdir.rglob("*.tmp"))


def test_sigterm_saves_at_that_step_and_exits_143(undisturbed, dataset, tmp_path, tiny):
    command = tiny.binary("trainer.train", *tiny.train_arguments(dataset, tmp_path, LENGTH))
    process = start(command)
    while "/s eta" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 143, output
    assert "the same command resumes" in output
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "resuming at" in done.stdout, done.stdout + done.stderr
    assert_equal_bits(final_variables(undisturbed), final_variables(tmp_path))


def test_a_finished_run_says_so_and_changes_nothing(undisturbed, dataset, tiny):
    before = final_variables(undisturbed)
    done = tiny.run("trainer.train", *tiny.train_arguments(dataset, undisturbed, LENGTH))
    assert done.returncode == 0 and "done: 1,536 images" in done.stdout
    assert_equal_bits(before, final_variables(undisturbed))
