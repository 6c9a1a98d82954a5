"""What hosts tell each other, on a store in this process: threads are the hosts."""

import concurrent.futures
import threading
import time

import pytest
import tensorflow as tf

from dualcontrast.trainer import errors, hosts
from dualcontrast.trainer.cluster import Cluster

ADDRESSES = ("zero:1", "one:1", "two:1")
KINDS = ("chief", "worker", "worker")


class Store:
    """What TensorFlow's coordination service is asked for."""

    def __init__(self):
        self._words, self._changed = {}, threading.Condition()

    def set_config_key_value(self, key, value):
        with self._changed:
            if key in self._words:
                raise tf.errors.AlreadyExistsError(None, None, key)
            self._words[key] = value
            self._changed.notify_all()

    def get_config_key_value(self, key, milliseconds):
        with self._changed:
            if not self._changed.wait_for(lambda: key in self._words, milliseconds / 1000):
                raise tf.errors.DeadlineExceededError(None, None, key)
            return self._words[key]


@pytest.fixture(name="on_all")
def _on_all(monkeypatch):
    """Runs a function of (hosts, index) on new ones; returns what each returned, or the error."""
    monkeypatch.setattr(hosts, "_LOOK_SECONDS", 0.01)

    def run(function):
        store = Store()
        monkeypatch.setattr(hosts, "_context", lambda: store)

        def on_host(index):
            try:
                return function(hosts.Hosts(Cluster(ADDRESSES, index, KINDS), None), index)
            except errors.UserError as error:
                return error

        with concurrent.futures.ThreadPoolExecutor(len(ADDRESSES)) as pool:
            return list(pool.map(on_host, range(len(ADDRESSES))))

    return run


def test_the_chief_works_and_all_have_what_it_found(on_all):
    done = []

    def work(index):
        done.append(index)
        return {"found": index}

    def twice(joined, index):
        return [joined.on_chief(lambda: work(index)) for _ in range(2)]

    assert on_all(twice) == [[{"found": 0}] * 2] * 3
    assert done == [0, 0]


def test_a_mistake_on_the_chief_is_an_error_on_all(on_all):
    def refuse():
        raise errors.UserError("the folder is taken")

    said = [str(error) for error in on_all(lambda joined, _: joined.on_chief(refuse))]
    assert said == ["the folder is taken"] + ["host 0 (zero:1): the folder is taken"] * 2


def test_the_chief_leaves_after_all_have_heard_how_it_ends(on_all, monkeypatch):
    told, tell = [], hosts._tell

    def slowly(key, word):
        time.sleep(0.1 * (word is True))
        told.append(word)
        tell(key, word)

    monkeypatch.setattr(hosts, "_tell", slowly)
    assert on_all(lambda joined, index: (joined.part(index), len(told)))[0] == (0, 3)


def test_the_chief_hears_that_a_host_which_waits_is_to_stop(on_all):
    def evaluate(joined, index):
        def work():
            while not joined.is_asked():
                pass
            return "stopped"

        # Both that wait were asked, and one can tell.
        return joined.on_chief(work, lambda: index)

    assert on_all(evaluate) == ["stopped"] * 3


def test_a_difference_is_an_error_on_all_that_names_the_host(on_all):
    def differences(one, other):
        return [f"seed: {one} -> {other}"] if one != other else []

    assert on_all(lambda joined, _: joined.check_same(1, differences)) == [None] * 3
    for error in on_all(lambda joined, index: joined.check_same(index // 2, differences)):
        assert "seed: 0 -> 1, from host 0 (zero:1) to host 2 (two:1)." in str(error)


LOST = "Collective ops is aborted by: /job:worker/replica:0/task:1 stopped sending heartbeats"


@pytest.mark.parametrize(
    "error, words",
    [
        (tf.errors.UnavailableError(None, None, LOST), "host 2 (two:1) ended"),
        (tf.errors.InternalError(None, None, LOST), "host 2 (two:1) ended"),
        # The first name is where it was noticed.
        (tf.errors.AbortedError(None, None, f"On /job:worker/task:0: {LOST}"), "host 2 (two:1)"),
        (tf.errors.DeadlineExceededError(None, None, "Deadline"), "another host ended"),
    ],
)
def test_a_lost_host_is_named_in_a_line(error, words):
    with pytest.raises(errors.LostHost) as caught:
        with hosts.Hosts(Cluster(ADDRESSES, 1, KINDS), None).together():
            raise error
    assert words in str(caught.value) and len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("addresses", [("localhost",), ADDRESSES])
def test_other_errors_of_tensorflow_are_not_of_hosts(addresses):
    kinds = KINDS[: len(addresses)]
    error = tf.errors.ResourceExhaustedError(None, None, "no memory")
    with pytest.raises(tf.errors.ResourceExhaustedError):
        with hosts.Hosts(Cluster(addresses, 0, kinds), None).together():
            raise error
