"""Two hosts train what one does; one that is lost ends the other, and both go on to equal bits.

The hosts are processes that reach each other through this machine's own network.
"""

import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer import cluster, hosts

HERE = pathlib.Path(__file__).parent
ROUNDING = 1e-6
COMMON = {
    "training.batch_size": 8,
    "training.checkpoint_every_images": 80,
    "training.keep_checkpoints": 100,
    "training.log_every_images": 80,
    "training.grid_every_images": 10_000,
    "evaluation.every_images": 0,
    # Adam divides a gradient by its own size, and so makes large what is nothing but rounding.
    "schedule.generator.adam_epsilon": 0.1,
    "schedule.discriminator.adam_epsilon": 0.1,
}
# True gradients of 0, or all but 0, of which there is little but rounding: the logits' common part,
# which a contrast does not see and of which the other losses' halves cancel near logits of 0, and
# biases before a normalisation.
WITHOUT_SLOPE = re.compile(
    "discriminator.*logit.*bias|(generator|average).*(dense|conv[0-9]+)[._]+bias"
)
# The dual contrastive loss contrasts with all images of both hosts, references are another stream.
CONTRAST = COMMON | {
    "generator.latent_size": 8,
    "generator.w_size": 8,
    "generator.mapping_layers": 1,
    "generator.fmap_base": 32,
    "generator.fmap_max": 8,
    "generator.path_length_weight": 0.0,
    "discriminator.fmap_base": 32,
    "discriminator.fmap_max": 8,
    "discriminator.attention.pairing": "reference",
    "discriminator.attention.san.patch_size": 3,
    "loss.warmup_images": 0,
    "training.total_images": 80,
}
# Batch normalisation takes its moments over both.
NORMALISED = COMMON | {
    "loss": "non_saturating",
    "generator.architecture": "dcgan",
    "generator.latent_size": 4,
    "generator.width": 2,
    "discriminator.architecture": "dcgan",
    "discriminator.width": 2,
    "schedule.generator_batch_size": 8,
    "schedule.discriminator_steps": 1,
}
SHORT = {"training.total_images": 80}
LONG = {"training.total_images": 800}
FOR_MANY_KILLS = LONG | {"training.total_images": 2400}
# The chief measures while the other waits.
MEASURED = {"evaluation.every_images": 800, "evaluation.images": 96}


class Pair:
    """A command on two hosts."""

    def __init__(self, command, changes=((), ()), text=None):
        with socket.socket() as one, socket.socket() as two:
            addresses = [_free(one), _free(two)]
        self.processes = [
            subprocess.Popen(
                [*command, *changes[index]],
                env=os.environ | {"TF_CONFIG": _tf_config(addresses, index)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for index in range(2)
        ]
        for process in self.processes:
            process.stdin.write(text or "")
            process.stdin.close()
            process.stdin = None

    def read_until(self, words):
        """Reads what the chief prints."""
        line, late = "", threading.Timer(900, self.processes[0].kill)
        late.daemon = True
        late.start()
        while words not in line:
            line = self.processes[0].stdout.readline()
            assert line, "it ended before, or was too late"
        late.cancel()

    def end(self, code):
        """Waits for both, and returns what they printed."""
        found = [process.communicate(timeout=900)[0] for process in self.processes]
        assert [process.returncode for process in self.processes] == [code, code], found
        return found

    def kill(self, index):
        """Kills one, and returns what the other printed and how many seconds that took."""
        self.processes[index].send_signal(signal.SIGKILL)
        started = time.monotonic()
        printed, _ = self.processes[1 - index].communicate(timeout=900)
        self.processes[index].communicate()
        assert self.processes[1 - index].returncode == 3, printed
        return printed, time.monotonic() - started

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()


def _free(server):
    server.bind(("localhost", 0))
    return f"localhost:{server.getsockname()[1]}"


def _tf_config(addresses, index):
    return json.dumps(
        {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
    )


@pytest.fixture(name="pair")
def _pair():
    """Starts pairs, of which none outlives its test."""
    started = []

    def start(*arguments, **options):
        started.append(Pair(*arguments, **options))
        return started[-1]

    yield start
    for pair in started:
        pair.close()


@pytest.fixture(scope="module")
def undisturbed(dataset, tmp_path_factory):
    """The folders of runs on one host and on two."""
    alone, two = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("two")
    program = [sys.executable, HERE / "train_both.py", dataset.folder]

    def runs(length):
        both = {"contrast": ("stylegan2_e", CONTRAST), "normalised": ("sngan_adv", length)}
        return json.dumps(both)

    subprocess.run([*program, alone], input=runs(NORMALISED | SHORT), text=True, check=True)
    pair = Pair([*program, two], text=runs(NORMALISED | LONG))
    try:
        pair.end(0)
    finally:
        pair.close()
    return alone, two


def variables(workdir, images):
    """Every saved variable of a checkpoint, by its name there."""
    reader = tf.train.load_checkpoint(str(workdir / "checkpoints" / f"images-{images}"))
    return {
        name.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE"): reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if not name.startswith(("_CHECKPOINTABLE", "save_counter"))
    }


@pytest.mark.parametrize("name", ["contrast", "normalised"])
def test_two_hosts_train_what_one_does(name, undisturbed):
    alone, two = (variables(folder / name, 80) for folder in undisturbed)
    assert alone.keys() == two.keys() and len(alone) > 50
    for path, expected in alone.items():
        if WITHOUT_SLOPE.match(path):
            continue
        error = np.linalg.norm(two[path].astype(np.float64) - expected)
        assert error <= ROUNDING * _scale(alone, path), path
    assert all((undisturbed[1] / name / file).exists() for file in ("metrics.jsonl", "grids"))


def _scale(all_variables, path):
    """The length of a variable, or of what it was computed from."""
    length = np.linalg.norm(all_variables[path])
    if path.startswith("average/"):  # of the weights, from small differences
        return max(length, np.linalg.norm(all_variables[path.replace("average", "generator", 1)]))
    if path.endswith("_momentum"):  # the last gradient: a sum of samples' that may cancel
        return max(length, np.sqrt(all_variables[path.replace("momentum", "velocity")].sum()))
    return length


@pytest.fixture(name="command")
def _command(dataset, tiny, tmp_path):
    fields = {f"--config.{name}={value}" for name, value in (NORMALISED | LONG | MEASURED).items()}
    folders = [f"--data={dataset.folder}", f"--workdir={tmp_path / 'run'}"]
    return tiny.binary("trainer.train", "--config=sngan_adv", *folders, *sorted(fields))


def assert_equal_bits(undisturbed, workdir, images):
    expected, found = (variables(folder, images) for folder in (undisturbed, workdir))
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(value, found[name], err_msg=name)


def test_a_lost_host_ends_the_other_and_a_signal_to_one_stops_both_with_equal_bits_in_the_end(
    undisturbed, command, tmp_path, pair, count_faults
):
    count_faults("lost hosts", 1)
    first = pair(command)
    first.read_until("/s eta")
    printed, seconds = first.kill(1)
    assert seconds < 30
    line = printed.splitlines()[-1]
    assert "error: host 1 (localhost:" in line and "the same command on all hosts" in line

    second = pair(command)
    second.read_until("/s eta")
    second.processes[1].send_signal(signal.SIGTERM)
    for printed in second.end(128 + signal.SIGTERM):
        assert "the same command resumes" in printed

    third = pair(command).end(0)
    assert "resuming at" in third[0] and "fid " in third[0] and "fid " not in third[1]
    assert_equal_bits(undisturbed[1] / "normalised", tmp_path / "run", 800)


def test_a_chief_that_leaves_before_it_has_answered_the_last_word_is_not_lost(monkeypatch):
    class Gone:
        def get_config_key_value(self, key, milliseconds):
            return '{"result": 7}'

        def set_config_key_value(self, key, value):
            raise tf.errors.UnavailableError(None, None, "Socket closed")

    monkeypatch.setattr(hosts, "_context", Gone)
    second = hosts.Hosts(cluster.Cluster(("a:1", "b:1"), 1, ("worker", "worker")), None)
    assert second.part(0) == 7


@pytest.mark.faults
def test_hosts_lost_again_and_again_end_with_equal_bits(command, tmp_path, pair, count_faults):
    count_faults("lost hosts", 4)
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    length = [f"--config.{name}={value}" for name, value in FOR_MANY_KILLS.items()]
    command = [*command, *length]
    pair([*command, f"--workdir={tmp_path / 'undisturbed'}"]).end(0)
    for _ in range(4):
        disturbed = pair(command)
        for _ in range(rng.randint(1, 4)):
            disturbed.read_until("/s eta")
        disturbed.kill(rng.randrange(2))
    pair(command).end(0)
    assert_equal_bits(tmp_path / "undisturbed", tmp_path / "run", 2400)


def test_hosts_that_were_started_differently_are_refused_and_write_nothing(
    dataset, write_labelled, command, tmp_path, pair
):
    images = np.zeros([4, 8, 8, 3], np.uint8)
    other = write_labelled(tmp_path / "other", images, [0, 1, 0, 1], ["a", "b"])
    changes = ["--config.training.batch_size=16", f"--data={other.folder}"]
    for printed in pair(command, ([], changes)).end(2):
        assert "training.batch_size: 8 -> 16" in printed and "count 96 -> 4" in printed
        assert "from host 0 (localhost:" in printed and "Traceback" not in printed
    assert not (tmp_path / "run").exists()
