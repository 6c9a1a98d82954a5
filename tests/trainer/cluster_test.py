"""What TF_CONFIG may say, and what is said of the rest."""

import json
import socket

import pytest

from dualcontrast.trainer import cluster
from dualcontrast.trainer.errors import LostHost, UserError

TWO = ["one:2222", "two:2222"]
FIRST = {"type": "worker", "index": 0}


@pytest.mark.parametrize(
    "config, words",
    [
        ("worker=one:2222", "no JSON"),
        ([TWO], "no object"),
        ({"cluster": 2, "task": FIRST}, "cluster is no object"),
        ({"cluster": {"worker": "one:2222"}, "task": FIRST}, "cluster.worker is no list"),
        ({"cluster": {"worker": ["one", "two"]}, "task": FIRST}, "cluster.worker is no list"),
        ({"cluster": {"worker": ["one:0", "two:1"]}, "task": FIRST}, "cluster.worker is no list"),
        ({"cluster": {"worker": ["one:1", "one:1"]}, "task": FIRST}, "two hosts have one address"),
        ({"cluster": {"worker": TWO, "ps": ["b:1"]}, "task": FIRST}, "of the kind 'ps'"),
        ({"cluster": {"chief": TWO}, "task": FIRST}, "there can be one chief"),
        ({"cluster": {"chief": 1, "worker": TWO}, "task": FIRST}, "chief is no list of HOST:PORT"),
        ({"cluster": {"chief": "a:1"}, "task": FIRST}, "chief is no list of HOST:PORT"),
        ({"cluster": {"worker": TWO}}, "task {} is none of its hosts"),
        ({"cluster": {"worker": TWO}, "task": {"type": "worker", "index": 2}}, "is none of its"),
        ({"cluster": {"worker": TWO}, "task": {"type": "chief", "index": 0}}, "is none of its"),
    ],
)
def test_what_names_no_hosts_is_refused_with_what_would(config, words, monkeypatch):
    text = config if isinstance(config, str) else json.dumps(config)
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError) as caught:
        cluster.of_environment()
    message = str(caught.value)
    assert words in message and '"index": 0' in message and "env -u TF_CONFIG" in message
    assert len(message.splitlines()) == 2


@pytest.mark.parametrize("text", ["", " ", "{}", '{"cluster": {"worker": ["a:1"]}}'])
def test_one_host_needs_no_others(text, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    assert cluster.of_environment() == cluster.Cluster()


def test_the_chief_comes_first_and_else_the_first_worker(monkeypatch):
    named = {"worker": TWO, "chief": ["zero:1"]}
    for kind, number, index in (("chief", 0, 0), ("worker", 0, 1), ("worker", "1", 2)):
        task = {"type": kind, "index": number}
        monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": named, "task": task}))
        found = cluster.of_environment()
        assert found.addresses == ("zero:1", *TWO)
        assert found.index == found.index_of(kind, int(number)) == index
        assert found.is_chief == (index == 0)


def test_a_port_in_use_is_refused_and_a_free_one_is_not():
    with socket.socket() as server:
        server.bind(("localhost", 0))
        server.listen()
        port = server.getsockname()[1]
        two = cluster.Cluster((f"localhost:{port}", "other:1"), 0, ("worker", "worker"))
        with pytest.raises(UserError, match=f"port {port} .* cannot be used here: Address already"):
            cluster.check_port(two)
    cluster.check_port(two)


def test_the_chief_waits_for_the_others_and_says_who_has_not_come():
    with socket.socket() as server:
        server.bind(("localhost", 0))
        port = server.getsockname()[1]
        two = cluster.Cluster(("localhost:1", f"localhost:{port}"), 0, ("worker", "worker"))
        with pytest.raises(LostHost, match=rf"host 1 \(localhost:{port}\) has not come in 0.1"):
            cluster.wait_for_others(two, 0.1)
        server.listen()
        cluster.wait_for_others(two, 0.1)
