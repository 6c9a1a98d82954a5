"""The kernels' bodies on emulated machines: against the definitions, in memory that watches them.

What runs is what the CPU and CUDA operations run; see checked_memory.h for what is noticed.
"""

import concurrent.futures
import os
import re
import subprocess

import pytest

from tests.custom_ops.emulation.conftest import run_harness

OPERATIONS = ["upfirdn2d", "bias_act", "local_aggregation"]
CALLS = {"upfirdn2d": 120, "bias_act": 80, "local_aggregation": 120}
# Sub-command, count and seed.
DEFAULT = [
    *[(f"fuzz_{operation}", 30_000, 1) for operation in OPERATIONS],
    *[(operation, CALLS[operation], 1) for operation in OPERATIONS],
    ("conversions", 3_000_000, 1),
    ("divisor", 3_000_000, 1),
    ("launches", 0, 0),
]
SLOW = [
    *[(f"fuzz_{operation}", 2_000_000, 1_000_000) for operation in OPERATIONS],
    *[(operation, 20 * CALLS[operation], 10_000) for operation in OPERATIONS],
]


@pytest.fixture(name="results", scope="module")
def _results(sanitized) -> dict[tuple, subprocess.CompletedProcess]:
    """Of the sub-commands in `DEFAULT`, which run side by side."""

    def run(arguments: tuple) -> subprocess.CompletedProcess:
        command = [sanitized, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(DEFAULT, pool.map(run, DEFAULT)))


@pytest.mark.parametrize("arguments", DEFAULT, ids=lambda arguments: arguments[0])
def test_it_agrees_with_the_definition_and_touches_what_it_may(results, arguments):
    result = results[arguments]
    print(result.stdout)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("arguments", SLOW, ids=lambda arguments: arguments[0])
def test_it_does_so_in_many_calls(sanitized, arguments):
    print(run_harness(sanitized, *arguments))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_vectors_and_arrays_of_lanes_agree_in_every_bit(sanitized, arrays, operation):
    vectors = run_harness(sanitized, operation, 30, 1000)
    assert re.search("digest [0-9a-f]{16}", vectors)
    assert run_harness(arrays, operation, 30, 1000) == vectors


def test_results_that_bypass_the_caches_are_the_same(streams):
    assert run_harness(streams).count("\n") == 4


@pytest.mark.parametrize("operation", OPERATIONS)
def test_threads_do_not_race(threads, operation):
    printed = run_harness(threads, operation)
    blocks = re.findall(r": (\d+) blocks of \d+ threads in (\d) phases", printed)
    assert sum(int(count) for count, _ in blocks) >= 24
    assert ("2" in {phases for _, phases in blocks}) == (operation != "local_aggregation")


@pytest.mark.parametrize("operation", ["upfirdn2d", "bias_act"])
def test_threads_that_do_not_wait_race(threads, operation, monkeypatch):
    monkeypatch.setenv("TSAN_OPTIONS", "halt_on_error=1")
    command = [threads, operation, "no_barrier"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode != 0 and "data race" in result.stderr
