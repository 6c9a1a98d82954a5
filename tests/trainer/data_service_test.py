"""What a tf.data service decodes is what the trainer itself would: in two processes, to the bit."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer.checkpoints import discovery
from dualcontrast.trainer.data import data_service, image_stream, manifest
from dualcontrast.trainer.errors import UserError

SMALL = {
    "generator.architecture": "dcgan",
    "generator.latent_size": 4,
    "generator.width": 2,
    "discriminator.architecture": "dcgan",
    "discriminator.width": 2,
    "training.batch_size": 8,
    "training.total_images": 48,
    "training.checkpoint_every_images": 48,
    "training.grid_every_images": 10_000,
    "evaluation.every_images": 0,
    "schedule.generator_batch_size": 8,
    "schedule.discriminator_steps": 2,
}


class Service:
    """The command that serves, in a folder of its own."""

    def __init__(self, folder: pathlib.Path):
        command = [sys.executable, "-m", "dualcontrast.tools.data_service", "--port=0"]
        self.process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
        said = self.process.stdout.readline().split()
        assert said[:2] == ["serving", "at"], said
        self.address = said[2]
        self.port = int(self.address.rpartition(":")[2])

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        self.process.stdout.close()
        return self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    started = Service(tmp_path_factory.mktemp("elsewhere"))
    yield started
    assert started.end(signal.SIGTERM) == 0


def batches(dataset, count, **how) -> list[np.ndarray]:
    """The first batches of a stream from image 40 on."""
    stream = image_stream.labelled_batches(
        dataset, batch_size=8, seed=3, start_image=40, mirror=True, **how
    )
    return [images for images, _ in stream.take(count).as_numpy_iterator()]


@pytest.mark.parametrize("services", [1, 3])
@pytest.mark.parametrize("own", [{}, {"replicas": 4, "own": range(1, 3)}], ids=["all", "own"])
def test_the_stream_is_the_same_through_a_service(dataset, service, services, own, monkeypatch):
    # More than two epochs. One service stands for several: each share is a job of its own. It runs
    # in another folder than the one from which the dataset's path is given.
    monkeypatch.chdir(dataset.folder.parent)
    dataset = manifest.open_dataset(dataset.folder.name)
    expected = batches(dataset, 30, **own)
    served = batches(dataset, 30, services=(service.address,) * services, **own)
    np.testing.assert_array_equal(served, expected)


def test_a_training_has_the_bits_of_one_that_decodes_itself(dataset, service, tiny, tmp_path):
    found = []
    for name, flags in (("one", []), ("two", [f"--data_service={service.address}"])):
        overrides = [f"--config.{field}={value}" for field, value in SMALL.items()]
        places = [f"--data={dataset.folder}", f"--workdir={tmp_path / name}"]
        done = tiny.run("trainer.train", "--config=sngan_adv", *places, *overrides, *flags)
        assert done.returncode == 0, done.stderr
        prefix = discovery.newest_whole(tmp_path / name)
        found.append(tf.train.load_checkpoint(str(prefix)))
    one, two = found
    names = [n for n in one.get_variable_to_shape_map() if not n.startswith("_CHECKPOINTABLE")]
    assert len(names) > 50
    for name in names:
        np.testing.assert_array_equal(one.get_tensor(name), two.get_tensor(name), err_msg=name)
    assert one.get_tensor("images_seen/.ATTRIBUTES/VARIABLE_VALUE") == 48


def test_a_second_worker_is_noticed(dataset, tmp_path):
    parts = tf.data.experimental.service
    dispatcher = parts.DispatchServer()
    place = dispatcher.target.partition("://")[2]
    workers = [parts.WorkerServer(parts.WorkerConfig(dispatcher_address=place)) for _ in range(2)]
    services = (dispatcher.target,)
    with pytest.raises(image_stream.READ_ERRORS) as caught:
        for _ in range(40):  # On a busy machine the second one may begin late.
            batches(dataset, 50, services=services)
    text = str(image_stream.explain(caught.value, dataset, services))
    assert "The data service failed: " in text and "it has several workers" in text, text
    assert len(text.splitlines()) == 2 and len(workers) == 2


def test_what_a_service_does_not_have_is_said(dataset, service, tmp_path):
    error = tf.errors.NotFoundError(None, None, "{{node A}} images-0.tfrecord; No such file")
    text = str(image_stream.explain(error, dataset, (service.address,)))
    assert text.startswith("The data service failed: images-0.tfrecord; No such file\n")
    assert str(dataset.folder) in text


def test_a_training_ends_when_its_service_is_gone(tmp_path):
    # The loop's part alone: what it waits for never comes.
    script = (
        "import sys, time; from dualcontrast.trainer.data import data_service\n"
        "data_service._LOOK_SECONDS = 0.2\n"
        "data_service.SILENT_SECONDS = float(sys.argv[2])\n"
        "with data_service.watched((sys.argv[1],)): time.sleep(60)\n"
    )
    with socket.create_server(("localhost", 0)) as listening:
        address = f"grpc://localhost:{listening.getsockname()[1]}"
        command = [sys.executable, "-c", script, address]
        silent = subprocess.run([*command, "0.5"], capture_output=True, text=True, check=False)
        waiting = subprocess.Popen([*command, "60"], stderr=subprocess.PIPE, text=True)
        time.sleep(1)
        assert waiting.poll() is None
    assert silent.returncode == 3 and "sends nothing for 0.5 seconds" in silent.stderr
    said = waiting.communicate(timeout=30)[1]
    assert waiting.returncode == 3 and f"the data service {address} is gone" in said, said
    assert len(said.splitlines()) == 1 == len(silent.stderr.splitlines())


def test_one_look_that_fails_ends_nothing(monkeypatch):
    looks = iter(["no such name", "", "no such name", ""])
    monkeypatch.setattr(data_service, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(data_service, "_unreachable", lambda *_: next(looks, ""))
    ended = []
    monkeypatch.setattr(os, "_exit", ended.append)
    with data_service.watched(("grpc://localhost:9",)):
        time.sleep(0.3)
    assert ended == [] and next(looks, None) is None


@pytest.mark.parametrize("host", ["a..b", ".", 70 * "a"])
def test_what_is_no_name_of_a_host_is_told(host, monkeypatch):
    monkeypatch.setattr(data_service, "START_SECONDS", 0)
    with pytest.raises(UserError, match="cannot be reached in 0 seconds: that is no name"):
        data_service.check((f"grpc://{host}:5050",))


def test_a_service_that_sends_in_time_is_let_be(monkeypatch):
    monkeypatch.setattr(data_service, "_LOOK_SECONDS", 0.01)
    ended = []
    monkeypatch.setattr(os, "_exit", ended.append)
    with data_service.watched(("grpc://localhost:9",)):
        pass
    time.sleep(0.1)
    assert ended == []


@pytest.mark.parametrize(
    "given",
    ["localhost:5050", "http://localhost:5050", "grpc://localhost", "grpc://a:5,grpc://a:5", "a"],
)
def test_what_is_no_address_is_refused(given):
    with pytest.raises(UserError, match=f"--data_service={given} (is no|names one twice)"):
        data_service.parse(given.split(","))


def test_addresses_are_kept_as_tensorflow_takes_them():
    given = ["grpc://localhost:5050", "grpc://[::1]:5050"]
    assert data_service.parse(given) == tuple(given) and data_service.parse([]) == ()


def test_a_service_that_is_not_there_is_told_in_time(monkeypatch):
    monkeypatch.setattr(data_service, "START_SECONDS", 1)
    with socket.socket() as nobody:
        nobody.bind(("localhost", 0))
        address = f"grpc://localhost:{nobody.getsockname()[1]}"
    started = time.monotonic()
    with pytest.raises(UserError) as caught:
        data_service.check((address,))
    first, second = str(caught.value).splitlines()
    assert first == f"--data_service={address} cannot be reached in 1 seconds: Connection refused."
    assert second.startswith("Start it there: ") and time.monotonic() - started > 1


def test_a_service_that_is_just_being_started_is_waited_for():
    with socket.socket() as later:
        later.bind(("localhost", 0))
        timer = threading.Timer(0.7, later.listen)
        timer.start()
        data_service.check((f"grpc://localhost:{later.getsockname()[1]}",))
        timer.join()


def test_a_port_in_use_is_told(service, tiny):
    done = tiny.run("tools.data_service", f"--port={service.port}")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 2, done.stderr
    assert f"port {service.port} cannot be used: Address already in use" in done.stderr
