"""The hosts that train together, as TF_CONFIG names them, told without TensorFlow."""

import dataclasses
import json
import os
import socket
import time
from typing import Any

from dualcontrast.trainer import connection
from dualcontrast.trainer.errors import LostHost, UserError

_EXAMPLE = (
    'expected {"cluster": {"worker": ["HOST:PORT", "HOST:PORT"]},'
    ' "task": {"type": "worker", "index": 0}}'
)
_UNSET = "to train on this host alone: env -u TF_CONFIG dualcontrast-train ..."
_KINDS = ("chief", "worker")  # in TensorFlow's order: the chief, or else the first worker, is first
_LONGEST = 60
_PAUSE_SECONDS = 0.2


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The hosts of a run.

    Attributes:
      addresses: HOST:PORT of each. The first host is the chief, which writes the run's files.
      index: of this host among them.
      kinds: of each, "chief" or "worker".
    """

    addresses: tuple[str, ...] = ("localhost",)
    index: int = 0
    kinds: tuple[str, ...] = ("worker",)

    @property
    def is_chief(self) -> bool:
        return self.index == 0

    def name(self, index: int) -> str:
        """Returns what a host is called in messages."""
        return f"host {index} ({self.addresses[index]})"

    def index_of(self, kind: str, number: int) -> int:
        """Returns which host TensorFlow calls task `number` of a kind."""
        return self.kinds.index(kind) + number


def of_environment() -> Cluster:
    """Returns the hosts that TF_CONFIG names, this one alone where it names none.

    Raises:
      UserError: TF_CONFIG is no description of hosts that train together, this one among them.
    """
    text = os.environ.get("TF_CONFIG", "").strip()
    if not text:
        return Cluster()
    try:
        return _parse(json.loads(text))
    except (ValueError, RecursionError) as error:
        what = str(error) if isinstance(error, UserError) else "no JSON"
        shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
        raise UserError(f"TF_CONFIG={shown}: {what}; {_EXAMPLE};\n{_UNSET}") from None


def check_port(cluster: Cluster) -> None:
    """Checks that this host can listen where the others look for it.

    Raises:
      UserError: another program does.
    """
    address = cluster.addresses[cluster.index]
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("", _port(address)))
        except OSError as error:
            raise UserError(
                f"port {_port(address)} of TF_CONFIG's {address} cannot be used here:"
                f" {error.strerror}.\nEnd the program that has it (ss -ltnp lists them), or write"
                " another port in the TF_CONFIG of every host."
            ) from None


def wait_for_others(cluster: Cluster, seconds: float) -> None:
    """Waits until all other hosts listen, as they do when they are about to join the chief.

    TensorFlow's chief would wait for them without an end.

    Raises:
      LostHost: one has not come in so many seconds.
    """
    ends = time.monotonic() + seconds
    for index, address in enumerate(cluster.addresses):
        while index != cluster.index and not _listens(address):
            if time.monotonic() > ends:
                raise LostHost(
                    f"{cluster.name(index)} has not come in {seconds:g} seconds: start the same"
                    " command on all hosts"
                )
            time.sleep(_PAUSE_SECONDS)


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    return not connection.refusal(host, int(port), seconds=2)


def _parse(config: Any) -> Cluster:
    hosts = _objects(config, "cluster")
    if strange := sorted(set(hosts) - set(_KINDS)):
        raise UserError(f"hosts of the kind {strange[0]!r} train nothing here")
    addresses: list[str] = []
    kinds: list[str] = []
    for kind in _KINDS:
        found = hosts.get(kind, [])
        if not isinstance(found, list) or not all(map(_is_address, found)):
            raise UserError(f"cluster.{kind} is no list of HOST:PORT")
        addresses += found
        kinds += [kind] * len(found)
    if kinds.count("chief") > 1:
        raise UserError("there can be one chief")
    if len(set(addresses)) < len(addresses):
        raise UserError("two hosts have one address")
    if len(addresses) < 2:
        return Cluster()
    task = _objects(config, "task")
    kind, number = task.get("type"), task.get("index")
    # TensorFlow takes text too, as a shell's variable may come.
    number = int(number) if str(number).isdecimal() else -1
    if not 0 <= number < kinds.count(kind):
        raise UserError(f"task {json.dumps(task)} is none of its hosts")
    return Cluster(tuple(addresses), kinds.index(kind) + number, tuple(kinds))


def _objects(config: Any, name: str) -> dict[str, Any]:
    found = config.get(name, {}) if isinstance(config, dict) else None
    if not isinstance(found, dict):
        raise UserError(f"{name} is no object" if isinstance(config, dict) else "no object")
    return found


def _is_address(address: Any) -> bool:
    return isinstance(address, str) and address.rpartition(":")[0] != "" and _port(address) > 0


def _port(address: str) -> int:
    port = address.rpartition(":")[2]
    return int(port) if port.isdecimal() and int(port) < 1 << 16 else 0
