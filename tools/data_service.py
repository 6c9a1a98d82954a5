"""Decodes images for trainings on this machine or others, by TensorFlow's data service.

  python -m dualcontrast.tools.data_service --port=5050
  dualcontrast-train --config=demo --data=demo/data --workdir=demo/run \
      --data_service=grpc://localhost:5050

For trainings on other machines give the name by which they reach this one, --host=NAME. It must see
the dataset under the path that the training gives as --data. It runs until Ctrl-C or SIGTERM.

The ports have no password: open them to the hosts of the trainings, and to nobody else.
"""

import os
import signal
import socket
import sys
from typing import NoReturn

from absl import flags

from dualcontrast.trainer import errors, tensorflow_start
from dualcontrast.trainer.errors import UserError

_HOST = flags.DEFINE_string(
    "host", "localhost", "The name by which trainings reach this machine; see above."
)
_PORT = flags.DEFINE_integer(
    "port", 5050, "Of the dispatcher; the next one is the worker's. 0 for any two.", 0, 2**16 - 2
)


def main(argv: list[str]) -> None:
    """Serves until a signal."""
    errors.no_arguments(argv)
    ending = {signal.SIGINT, signal.SIGTERM}
    ports = [_PORT.value, _PORT.value + 1] if _PORT.value else [0, 0]
    for port in ports:
        _check_free(port)
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)  # of all threads: they wait for `sigwait`
    tensorflow_start.start()
    import tensorflow as tf

    service = tf.data.experimental.service
    host = f"[{_HOST.value}]" if ":" in _HOST.value else _HOST.value
    dispatcher = service.DispatchServer(service.DispatcherConfig(port=ports[0]))
    worker = service.WorkerServer(
        service.WorkerConfig(
            dispatcher_address=dispatcher.target.partition("://")[2],
            worker_address=f"{host}:%port%",
            port=ports[1],
        )
    )
    print(f"serving at {dispatcher.target.replace('localhost', host)}", flush=True)
    _hold(dispatcher, worker, until=ending)


def _hold(*servers: object, until: set[signal.Signals]) -> NoReturn:
    """Ends the process at a signal; servers serve, in threads of their own, while they are held."""
    signal.sigwait(until)
    # At once: TensorFlow's own way out mostly takes a second, but took 19 and 65 in tests that ran
    # beside others. There is nothing to save.
    sys.stdout.flush()
    os._exit(0)


def _check_free(port: int) -> None:
    """Checks that nobody listens at a port: TensorFlow would share it, and get half of the calls.

    Raises:
      UserError: somebody does.
    """
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("", port))
        except OSError as error:
            raise UserError(
                f"port {port} cannot be used: {error.strerror}.\n"
                "Give another --port, the first of two that are free (ss -ltnp lists those in use)."
            ) from None


def run() -> None:
    """The command."""
    errors.run(main)


if __name__ == "__main__":
    run()
