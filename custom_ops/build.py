"""Compiles the operations and keeps the result, so that every later start finds it.

  python -m dualcontrast.custom_ops.build

The operations compile themselves when they are first used. This command does it beforehand, says
what was built and where, and tries again after a failure.

Environment variables:
  CXX                       the C++ compiler (default: g++, then c++)
  NVCC, CUDA_HOME           the CUDA compiler (default: nvcc of the PATH, then /usr/local/cuda)
  DUALCONTRAST_CUDA_ARCHS   GPUs to compile for, as in "80;90" (default: those of this machine)
  DUALCONTRAST_CACHE        where to keep the result (default: dualcontrast in XDG_CACHE_HOME or
                            in ~/.cache)
"""

import argparse
import concurrent.futures
import contextlib
import dataclasses
import json
import logging
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from dualcontrast.custom_ops import file_lock, toolchain
from dualcontrast.custom_ops.toolchain import COMMAND, LIBRARY, BuildError

_log = logging.getLogger("dualcontrast")


@dataclasses.dataclass(frozen=True)
class Build:
    """A compiled library.

    Attributes:
      library: the shared object.
      cuda: whether it holds the CUDA kernels.
      architectures: compute capabilities of these, as in "90"; newer GPUs use the newest one's PTX.
      note: why there are no CUDA kernels, or "".
      seconds: how long the compilers ran, now or when the cached library was made.
      cached: whether it was there already.
    """

    library: pathlib.Path
    cuda: bool
    architectures: tuple[str, ...]
    note: str
    seconds: float
    cached: bool


class _Failure(Exception):
    """A compiler failed; the text is its first error, `log` all that was run and printed."""

    def __init__(self, summary: str, log: str):
        super().__init__(summary)
        self.log = log


def build(retry: bool = False) -> Build:
    """Compiles the operations, or finds them in the cache.

    Processes that start together compile once: one does, the others wait for it.

    Args:
      retry: whether to compile again what failed before.

    Raises:
      BuildError: there is no compiler, it failed (now or, without `retry`, before), or the cache
        cannot be written or not be trusted.
    """
    plan = toolchain.plan()
    try:
        cache = _cache()
        found = _find(plan, cache, retry)
        if found:
            return found
        _log.info("compiling the operations, once (about a minute)")
        with _locked(cache / "lock") as alone:
            return _find(plan, cache, retry) or _compile(plan, cache, alone)
    except OSError as error:
        hint = "set DUALCONTRAST_CACHE to a folder that can be written and has room"
        raise BuildError(f"no cache for compiled operations: {error}: {hint}") from error


def compile_commands() -> list[list[str]]:
    """Returns what `build` would run, in a folder `.`: one command a source, and the link.

    Raises:
      BuildError: there is no compiler.
    """
    plan = toolchain.plan()
    compiles, link = toolchain.commands(plan, pathlib.Path("."), plan.cuda is not None)
    return [*compiles, link]


# The cache: a library per key in a folder `ops-KEY`, or the log of its failure in `ops-KEY.failed`.


def _cache() -> pathlib.Path:
    """The folder of all libraries, which is made when missing, and trusted as code is."""
    folder = _cache_path()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.geteuid():
        hint = "set DUALCONTRAST_CACHE to a folder of your own"
        raise BuildError(f"{folder} belongs to another user, whose code is not run: {hint}")
    if status.st_mode & 0o022:
        hint = f"type chmod go-w {shlex.quote(str(folder))}"
        raise BuildError(f"{folder} can be written by others, whose code is not run: {hint}")
    return folder


def _cache_path() -> pathlib.Path:
    named = os.environ.get("DUALCONTRAST_CACHE")
    if named:
        return pathlib.Path(named).absolute()
    base = pathlib.Path(os.environ.get("XDG_CACHE_HOME", ""))
    if base.is_absolute():  # the XDG specification has other ones ignored
        return base / "dualcontrast"
    try:
        return pathlib.Path.home() / ".cache" / "dualcontrast"
    except RuntimeError as error:
        raise BuildError("no home folder for a cache: set DUALCONTRAST_CACHE to one") from error


def _find(plan: toolchain.Plan, cache: pathlib.Path, retry: bool) -> Build | None:
    """The library as it was built before, None when there is none.

    Raises:
      BuildError: building it failed before, and `retry` is not set.
    """
    found = _read(cache / f"ops-{plan.key}", plan)
    if found and not (retry and plan.cuda and not found.cuda):
        return found
    failed = cache / f"ops-{plan.key}.failed"
    if failed.exists() and not retry:
        raise _failed(failed.read_text(errors="replace").partition("\n")[0], failed)
    return None


def _read(folder: pathlib.Path, plan: toolchain.Plan) -> Build | None:
    library = folder / LIBRARY
    try:
        record = json.loads((folder / "build.json").read_text())
        # Loading a library that lost its end may kill the process.
        if record.pop("sha256") != toolchain.digest(library):
            return None
        architectures = tuple(record.pop("architectures"))
        note = record.pop("note") or ("" if record["cuda"] else plan.note)
        return Build(library, architectures=architectures, note=note, cached=True, **record)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _failed(summary: str, log: pathlib.Path) -> BuildError:
    return BuildError(f"{summary} (log: {log}); once mended, type {COMMAND}")


@contextlib.contextmanager
def _locked(path: pathlib.Path) -> Iterator[bool]:
    """Waits for a lock between processes; yields whether the file system has locks at all."""
    with open(path, "wb") as file:
        locked = file_lock.acquire(file, wait=True)
        if not locked:
            _log.warning("%s cannot be locked: several processes may compile at once", path)
        yield locked


def _compile(plan: toolchain.Plan, cache: pathlib.Path, alone: bool) -> Build:
    """Compiles and publishes.

    Args:
      plan: what to compile.
      cache: where to publish.
      alone: whether the caller holds the lock.
    """
    for stale in cache.glob("tmp-*") if alone else ():  # of builders that were killed
        shutil.rmtree(stale, ignore_errors=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix="tmp-", dir=cache))
    failed = cache / f"ops-{plan.key}.failed"
    try:
        started = time.monotonic()
        cuda, note, log = _try_with_cuda(plan, work)
        _check_unchanged(plan)
        record = {
            "sha256": toolchain.digest(work / LIBRARY),
            "cuda": cuda,
            "architectures": plan.cuda.architectures if cuda else (),
            "note": note,
            "seconds": round(time.monotonic() - started, 1),
        }
        made = work / "made"
        made.mkdir()
        (work / LIBRARY).rename(made / LIBRARY)
        (made / "build.json").write_text(json.dumps(record, indent=2) + "\n")
        (made / "build.log").write_text(log)
        _publish(made, cache / f"ops-{plan.key}", work / "replaced")
        failed.unlink(missing_ok=True)
    except _Failure as failure:
        if "No space left on device" in failure.log:  # not a fault of the sources: the next may try
            raise OSError(f"No space left on device: {cache}") from failure
        _check_unchanged(plan)
        (work / "log").write_text(f"{failure}\n{failure.log}")
        (work / "log").rename(failed)
        raise _failed(str(failure), failed) from failure
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return dataclasses.replace(_read(cache / f"ops-{plan.key}", plan), cached=False)


def _check_unchanged(plan: toolchain.Plan) -> None:
    """Keeps what was compiled from sources under edit from being taken for the edited ones."""
    if toolchain.plan().key != plan.key:
        raise BuildError(f"{toolchain.SOURCES} changed while it was compiled: start again")


def _publish(folder: pathlib.Path, target: pathlib.Path, replaced: pathlib.Path) -> None:
    """Brings a folder to the disk, then gives it its name: a reader finds all of it or nothing."""
    for path in [*folder.iterdir(), folder]:
        _sync(path)
    if target.exists():
        target.rename(replaced)
    folder.rename(target)
    _sync(target.parent)


def _sync(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# The compilers.


def _try_with_cuda(plan: toolchain.Plan, work: pathlib.Path) -> tuple[bool, str, str]:
    """Compiles with CUDA where planned, and without it if that fails.

    Returns:
      Whether CUDA is in, why it had to be left out, and the log.
    """
    note, log = "", ""
    if plan.cuda:
        try:
            return True, note, _run(plan, work, cuda=True)
        except _Failure as failure:
            note, log = f"CUDA failed (see build.log beside the library): {failure}", failure.log
    log += _run(plan, work, cuda=False)
    if note:
        _log.warning("operations compiled for the CPU only: %s", note)
    return False, note, log


def _run(plan: toolchain.Plan, work: pathlib.Path, cuda: bool) -> str:
    """Leaves the library in `work`; returns the log."""
    compiles, link = toolchain.commands(plan, work, cuda)
    log = _run_together(compiles, work)
    return log + _run_together([link], work)


def _run_together(commands: list[list[str]], work: pathlib.Path) -> str:
    """Runs commands, as many at once as there are processors.

    Raises:
      _Failure: one failed.
    """
    # What compilers leave when they are killed goes with the folder.
    environment = {**os.environ, "LC_ALL": "C", "TMPDIR": str(work)}
    running = []

    def run(command: list[str]) -> tuple[str, int]:
        process = subprocess.Popen(
            command, env=environment, start_new_session=True, **toolchain.PIPES
        )
        running.append(process)
        return process.communicate()[0], process.returncode

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            results = list(pool.map(run, commands))
        except BaseException:  # an interruption does not wait for compilers
            for process in running:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
            raise
    log = "".join(f"$ {shlex.join(c)}\n{output}\n" for c, (output, _) in zip(commands, results))
    for command, (output, code) in zip(commands, results):
        if code != 0:
            raise _Failure(_summary(command, output, code), log)
    return log


def _summary(command: list[str], output: str, code: int) -> str:
    """One line on a failure: of a compiler's many the first that names an error."""
    lines = [line for line in output.splitlines() if line.strip()]
    errors = r"(error|fatal)\s*:|undefined reference|cannot find"
    telling = [line for line in lines if re.search(errors, line)]
    said = (telling or lines[-1:] or [f"exit code {code}"])[0]
    return f"{command[0]} fails: {said.replace(f'{toolchain.SOURCES}/', '')}"


# The command.


def main() -> int:
    """Builds and prints a report; returns 0, 2 for a failure, or 130 for an interruption."""
    parser = argparse.ArgumentParser(
        prog=COMMAND, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    try:
        with _quiet():
            import tensorflow as tf
        built = build(retry=True)
        try:
            tf.load_op_library(str(built.library))
        except (tf.errors.OpError, RuntimeError) as error:
            raise BuildError(f"TensorFlow cannot load {built.library}: {error}") from error
        print(_report(built, toolchain.plan()))
    except KeyboardInterrupt:
        return 130
    except (BuildError, ImportError) as error:
        print(f"{COMMAND}: error: {error}", file=sys.stderr)
        return 2
    return 0


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Drops standard error: TensorFlow greets there before it reads any setting."""
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def _report(built: Build, plan: toolchain.Plan) -> str:
    when = "found, compiled before" if built.cached else "compiled now"
    cuda = f"not in the library: {built.note}"
    if built.cuda:
        cuda = f"for {' '.join(built.architectures)} and newer, by {plan.cuda.nvcc}"
    rows = {
        "library": f"{built.library}",
        "state": f"{when} in {built.seconds:.1f} s; TensorFlow loads it",
        "compiler": plan.version,
        "flags": shlex.join(plan.flags),
        "CUDA": cuda,
    }
    return "\n".join(f"{name:<10}{value}" for name, value in rows.items())


if __name__ == "__main__":
    sys.exit(main())
