"""Compiles the harnesses of the kernels' bodies, once a session each."""

import concurrent.futures
import os
import pathlib
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
KERNELS = HERE.parents[2] / "custom_ops" / "kernels"
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
# Calls in place of inlined checks compile in half the time. Undefined behaviour ends the run, as
# does an error of an address.
# What is left out finds nothing that a wrong address does not, and takes a third of the compiler's
# time.
SANITIZERS = [
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-fno-sanitize=null,object-size,vptr",
    "--param=asan-instrumentation-with-call-threshold=0",
]
# As on the machine that the operations are compiled for, but for contraction: without it vectors
# and arrays of lanes must agree in every bit.
CHECKED = ["-std=c++17", "-march=native", "-ffp-contract=off", "-DDC_CHECKED"]


def pytest_collection_modifyitems(items):
    """Skips what is compiled here where there is no compiler."""
    if shutil.which("g++") is None:
        for item in items:
            if HERE in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="there is no g++"))


def compile_harness(
    folder: pathlib.Path,
    sources: list[str],
    flags: list[str],
    kernels: pathlib.Path = KERNELS,
    jobs: int | None = None,
) -> pathlib.Path:
    """Returns the program made of `sources`, names of files beside this one, in a new folder."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["g++", *flags, f"-I{HERE}", f"-I{kernels}"]

    def compile_one(name: str) -> str:
        compiled = folder / f"{name}.o"
        run_compiler([*command, "-c", HERE / name, "-o", compiled])
        return str(compiled)

    with concurrent.futures.ThreadPoolExecutor(jobs or os.cpu_count()) as pool:
        objects = list(pool.map(compile_one, sources))
    run_compiler([*command, *objects, "-o", folder / "harness"])
    return folder / "harness"


def run_compiler(command: list) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{result.args} says:\n{result.stderr[-4000:]}"


DIFFERENTIAL = ["upfirdn2d.cc", "bias_act.cc", "local_aggregation.cc"]
FUZZ = ["upfirdn2d_fuzz.cc", "bias_act_fuzz.cc", "local_aggregation_fuzz.cc"]
ARITHMETIC = ["arithmetic.cc", "launches.cc"]


def run_harness(harness: pathlib.Path, *arguments) -> str:
    """Returns what a harness printed; its complaint is the assertion's."""
    command = [harness, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{arguments} ended with {result.returncode}: {result.stderr}"
    return result.stdout


@pytest.fixture(name="sanitized", scope="session")
def _sanitized(tmp_path_factory) -> pathlib.Path:
    """Everything, with the CPU's vectors and the address and undefined-behaviour sanitizers."""
    # The longest first, so that no core waits for the last.
    sources = [*DIFFERENTIAL, *FUZZ, *ARITHMETIC, "main.cc"]
    flags = [*CHECKED, *WARNINGS, "-Og", "-g1", *SANITIZERS]
    return compile_harness(tmp_path_factory.mktemp("sanitized"), sources, flags)


@pytest.fixture(name="arrays", scope="session")
def _arrays(tmp_path_factory) -> pathlib.Path:
    """The calls, with the arrays of lanes of CUDA."""
    sources = [*DIFFERENTIAL, "main.cc"]
    flags = [*CHECKED, *WARNINGS, "-Og", "-DDC_SCALAR_LANES", "-DDC_CALLS_ONLY"]
    return compile_harness(tmp_path_factory.mktemp("arrays"), sources, flags)


@pytest.fixture(name="streams", scope="session")
def _streams(tmp_path_factory) -> pathlib.Path:
    """As the operations are compiled: results that bypass the caches are seen by no checker."""
    flags = ["-std=c++17", "-march=native", "-ffp-contract=off", *WARNINGS, "-O1", *SANITIZERS]
    return compile_harness(tmp_path_factory.mktemp("streams"), ["streams.cc"], flags)


@pytest.fixture(name="threads", scope="session")
def _threads(tmp_path_factory) -> pathlib.Path:
    """Blocks on real threads, under the thread sanitizer and with memory that nobody watches."""
    flags = ["-std=c++20", *WARNINGS, "-O1", "-g1", "-fsanitize=thread", "-DDC_SCALAR_LANES"]
    return compile_harness(tmp_path_factory.mktemp("threads"), ["threads.cc"], flags)
