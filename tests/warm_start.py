"""Runs the project's binaries as forks of a process that has imported TensorFlow.

A start of one takes seconds to import what all of them import.
A fork has its arguments, environment, folder and files, runs the module as `python -m` does
and ends as it does. What a test kills or interrupts is started from nothing, and so is what tests
how binaries start, or has variables that TensorFlow reads when it is imported.
"""

import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading

_IMPORTED = ("trainer.loop", "trainer.evaluation.periodic")


class WarmStart:
    """The client's side; one process of tests has one."""

    def __init__(self):
        self._server = None

    def run(
        self, module: str, arguments: list[str], seconds: float, settings: dict | None = None
    ) -> subprocess.CompletedProcess:
        """Runs a module to its end, and returns what it printed.

        Args:
          module: such as dualcontrast.trainer.train.
          arguments: of its command line.
          seconds: after which it is killed.
          settings: added to its environment.

        Raises:
          subprocess.TimeoutExpired: it was killed.
        """
        if self._server is None:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            self._server = subprocess.Popen([sys.executable, __file__], text=True, **pipes)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            request = {
                "module": module,
                "arguments": arguments,
                "environment": {**os.environ, **(settings or {})},
                "folder": os.getcwd(),
                "files": [f"/proc/{os.getpid()}/fd/{file.fileno()}" for file in (out, err)],
                "seconds": seconds,
            }
            self._server.stdin.write(json.dumps(request) + "\n")
            self._server.stdin.flush()
            code = json.loads(self._server.stdout.readline())
            printed = []
            for file in (out, err):
                file.seek(0)
                printed.append(file.read().decode())
        command = [sys.executable, "-m", module, *arguments]
        if code is None:
            raise subprocess.TimeoutExpired(command, seconds, *printed)
        return subprocess.CompletedProcess(command, code, *printed)

    def close(self) -> None:
        """Ends the server."""
        if self._server is not None:
            self._server.communicate()


def _serve() -> None:
    from dualcontrast.trainer import tensorflow_start

    tensorflow_start.start()
    for name in _IMPORTED:
        importlib.import_module(f"dualcontrast.{name}")
    while request := sys.stdin.readline():
        request = json.loads(request)
        child = os.fork()
        if not child:
            _become(request)
            return
        late = threading.Timer(request["seconds"], os.kill, (child, signal.SIGKILL))
        late.start()
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status) if late.is_alive() else None
        late.cancel()
        late.join()  # A fork copies no thread, but what it holds.
        print(json.dumps(code), flush=True)


def _become(request: dict) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for place, path in enumerate(request["files"], 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND), place)
    os.dup2(nothing, 0)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.path[0] = request["folder"]  # as of `python -m`; this file's folder so far
    sys.argv = [request["module"], *request["arguments"]]
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _serve()
