"""The program that checks a GPU builds, finds faults, and says in a line when there is no GPU."""

import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from dualcontrast.custom_ops import toolchain
from dualcontrast.tools import gpu_check
from dualcontrast.tools.benchmarks import kernel_model
from dualcontrast.trainer.errors import UserError

EMULATED = pathlib.Path(__file__).resolve().parent / "emulated"
NO_DRIVER = not pathlib.Path("/dev/nvidia0").exists()


@pytest.fixture(scope="module", name="emulated")
def _emulated(tmp_path_factory) -> pathlib.Path:
    """The program with the processor for a GPU: the launches are loops, the memory is its own."""
    if not shutil.which("g++"):
        pytest.skip("there is no g++")
    program = tmp_path_factory.mktemp("emulated") / "harness"
    flags = ["-std=c++17", "-O1", "-march=native", "-ffp-contract=fast"]
    flags += [f"-I{folder}" for folder in (EMULATED, toolchain.SOURCES, gpu_check.HARNESS)]
    sources = [*gpu_check.HARNESS.glob("*.cc"), EMULATED / "launches.cc"]
    objects = [str(program.with_name(f"{source.name}.o")) for source in sources]

    def compile_one(source: pathlib.Path, made: str) -> None:
        subprocess.run(["g++", *flags, "-c", str(source), "-o", made], check=True)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_one, sources, objects))
    subprocess.run(["g++", *objects, "-o", str(program)], check=True)
    return program


def check(program: pathlib.Path, operation: str, fault: str = "") -> dict:
    """What the program finds in some random cases."""
    command = [str(program), "check", operation, "7", "60"]
    environment = {**os.environ, "FAULT": fault}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)
    assert done.returncode == (1 if found["failures"] else 0)
    return found


@pytest.mark.parametrize("operation", gpu_check.OPERATIONS)
def test_right_kernels_pass_the_random_cases(emulated, operation):
    found = check(emulated, operation)
    assert found["failures"] == []
    assert found["cases"] == 60 and found["comparisons"] >= 60
    assert found["same_bits"] > found["comparisons"] / 2
    assert found["largest_share_of_bound"] < 0.5


@pytest.mark.parametrize("operation", gpu_check.OPERATIONS)
def test_a_thread_that_does_nothing_is_found(emulated, operation):
    failures = check(emulated, operation, "idle")["failures"]
    # What it should have written is not a number still.
    assert len(failures) >= 60 and any("nan" in line for line in failures)


@pytest.mark.parametrize("operation", gpu_check.OPERATIONS)
def test_runs_that_differ_are_found(emulated, operation):
    failures = check(emulated, operation, "fickle")["failures"]
    assert any("runs differ" in line for line in failures)


def test_every_prediction_can_be_measured(emulated):
    commands = {work.arguments[0]: work.arguments for work in kernel_model.predictions(2)}
    assert len(commands) == 6
    for command, (_, *numbers) in commands.items():
        # The same numbers, of small tensors.
        small = ["1", "8", "4", *("3", "2")] if "agg" in command else ["1", "8", "4", *numbers[3:]]
        found = gpu_check.run_harness(emulated, "time", command, *small, "bfloat16")
        assert found["seconds"] > 0


def test_the_device_is_described(emulated):
    assert gpu_check.run_harness(emulated, "device")["name"] == "emulated"


def test_a_program_that_fails_is_told_in_a_line(emulated):
    with pytest.raises(UserError, match="time aggregation .* fails on the GPU: type must be"):
        gpu_check.run_harness(emulated, "time", "aggregation", "1", "8", "4", "3", "2", "int8")


def test_a_launch_that_fails_is_a_failure_of_the_report(tmp_path):
    program = tmp_path / "harness"
    program.write_text("#!/bin/sh\necho upfirdn2d: misaligned address >&2\nexit 4\n")
    program.chmod(0o755)
    found = gpu_check.check(program, "upfirdn2d", 0)
    assert len(found["failures"]) == 1 and "misaligned address" in found["failures"][0]


@pytest.mark.skipif(not NO_DRIVER, reason="there is a GPU")
def test_the_program_compiles_and_asks_for_a_gpu(tmp_path):
    if not toolchain.nvcc():
        pytest.skip("there is no nvcc")
    program = gpu_check.compile_harness(tmp_path, ("80",))
    with pytest.raises(UserError, match="^no GPU: .*: gpu_check needs an NVIDIA GPU and its"):
        gpu_check.run_harness(program, "device")


@pytest.mark.skipif(not NO_DRIVER, reason="there is a GPU")
def test_the_command_without_a_gpu_says_so_in_a_line(tmp_path):
    environment = {**os.environ, "DUALCONTRAST_CUDA_ARCHS": ""}
    command = [sys.executable, "-m", "dualcontrast.tools.gpu_check"]
    command.append(f"--report={tmp_path / 'report.json'}")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "no GPU here" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_compiler_is_told_in_a_line(tmp_path, monkeypatch):
    monkeypatch.setenv("NVCC", "/nowhere/nvcc")
    with pytest.raises(UserError, match="^no nvcc in NVCC"):
        gpu_check.compile_harness(tmp_path, ("80",))


def recorded() -> dict:
    """What a GPU might have given."""
    check_found = {"cases": 400, "comparisons": 400, "same_bits": 399, "failures": []}
    work = kernel_model.predictions(4)[0]
    return {
        "device": {"name": "NVIDIA H100 80GB HBM3", "capability": "9.0"},
        "operations": {name: dict(check_found) for name in gpu_check.OPERATIONS},
        "times": [{"work": work, "type": "float32", "seconds": 4e-4}],
        "sanitizer": {"memcheck upfirdn2d": "clean in 9 s"},
        "tensorflow": {"note": "not installed", "failures": []},
    }


def test_the_report_is_json_with_predictions_beside_times(tmp_path):
    path = tmp_path / "report.json"
    gpu_check.write(path, gpu_check.summary(recorded()))
    report = json.loads(path.read_text())
    assert report["passed"] and report["wrong"] == []
    (measured,) = report["times"]
    # 1078 MB at 3350 GB/s, and in the 0.4 ms that were measured.
    assert measured["predicted_seconds"] == pytest.approx(322e-6, rel=0.01)
    assert measured["bytes_per_second"] == pytest.approx(2.7e12, rel=0.01)
    assert report["operations"]["bias_act"]["same_bits"] == 399


def test_a_gpu_that_is_not_modelled_has_no_prediction():
    found = recorded()
    found["device"]["name"] = "NVIDIA T4"
    assert gpu_check.summary(found)["times"][0]["predicted_seconds"] is None


@pytest.mark.parametrize("part", ["operations", "sanitizer", "tensorflow"])
def test_a_report_with_a_fault_does_not_pass(part):
    found = recorded()
    if part == "operations":
        found[part]["upfirdn2d"]["failures"] = ["[0] is 1, expected 2"]
    elif part == "sanitizer":
        found[part]["memcheck upfirdn2d"] = "errors, exit code 9: ..."
    else:
        found[part]["failures"] = ["bias_act cuda differs by 0.1"]
    report = gpu_check.summary(found)
    assert not report["passed"] and len(report["wrong"]) == 1


def test_a_report_that_cannot_be_written_is_told_in_a_line(tmp_path):
    with pytest.raises(UserError, match="cannot be written: Is a directory"):
        gpu_check.write(tmp_path, gpu_check.summary(recorded()))


def test_implementations_are_compared_with_their_derivatives():
    differences = gpu_check.compare(("ref", "ref"))
    assert differences == {f"{name} ref": 0 for name in gpu_check.OPERATIONS}
