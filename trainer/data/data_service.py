"""Where the tf.data services are that decode a run's images, and what is said of one that is gone.

Without TensorFlow, so that a wrong address is answered at once. `image_stream` sends the work.
"""

import contextlib
import os
import re
import sys
import threading
import time
from collections.abc import Iterator

from dualcontrast.trainer import connection, errors

# How long a service may take to start.
START_SECONDS = 10
# A service that accepts connections and sends nothing for so long has no worker, or hangs.
SILENT_SECONDS = 120
_LOOK_SECONDS = 10
_ADDRESS = re.compile(r"grpc://(\[[0-9a-fA-F:]+\]|[^\[\]:/\s]+):(\d{1,5})")


def parse(addresses: list[str]) -> tuple[str, ...]:
    """Returns addresses as TensorFlow takes them.

    Args:
      addresses: as in grpc://HOST:PORT.

    Raises:
      UserError: one is no such address, or is given twice.
    """
    for address in addresses:
        if not _ADDRESS.fullmatch(address):
            raise errors.UserError(
                f"--data_service={address} is no address: expected one such as grpc://HOST:5050,"
                " or several with commas between"
            )
    if len(set(addresses)) < len(addresses):
        raise errors.UserError(
            f"--data_service={','.join(addresses)} names one twice: give each its own"
        )
    return tuple(addresses)


def check(addresses: tuple[str, ...]) -> None:
    """Checks that every service is there; waits a little for one that is being started.

    Raises:
      UserError: one is not.
    """
    last = time.monotonic() + START_SECONDS
    for address in addresses:
        while reason := _unreachable(address, max(1.0, last - time.monotonic())):
            if time.monotonic() > last:
                raise errors.UserError(
                    f"--data_service={address} cannot be reached in {START_SECONDS} seconds:"
                    f" {reason}.\n"
                    "Start it there: python -m dualcontrast.tools.data_service --help"
                )
            time.sleep(0.5)


@contextlib.contextmanager
def watched(addresses: tuple[str, ...]) -> Iterator[None]:
    """Ends the process with exit code 3 if its block waits for a service that is gone.

    The block waits inside of TensorFlow, which tries for an hour and hears of no exception.

    Args:
      addresses: of the services; none to watch nothing.
    """
    if not addresses:
        yield
        return
    arrived = threading.Event()
    threading.Thread(target=_watch, args=(addresses, arrived), daemon=True).start()
    try:
        yield
    finally:
        arrived.set()


def _watch(addresses: tuple[str, ...], arrived: threading.Event) -> None:
    started = time.monotonic()
    gone: dict[str, str] = {}
    while not arrived.wait(_LOOK_SECONDS):
        before, gone = gone, {}
        for address in addresses:
            if reason := _unreachable(address, _LOOK_SECONDS):
                gone[address] = reason
        twice = [address for address in gone if address in before]
        if arrived.is_set():
            return  # It came while we looked.
        if twice:  # once may have been a name that was not found in time
            _end(f"the data service {twice[0]} is gone ({gone[twice[0]]})")
        if time.monotonic() - started > SILENT_SECONDS:
            _end(f"the data service sends nothing for {SILENT_SECONDS} seconds")


def _end(what: str) -> None:
    code = errors.fail(f"{what}: start it, then the same command again", 3)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _unreachable(address: str, seconds: float) -> str:
    """Returns why a service accepts no connection; empty when it does."""
    host, port = _ADDRESS.fullmatch(address).groups()
    return connection.refusal(host, int(port), seconds)
