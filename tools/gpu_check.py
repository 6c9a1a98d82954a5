"""Checks the CUDA kernels on this machine's GPU, and writes what was found as JSON.

  python -m dualcontrast.tools.gpu_check --report=report.json

It takes less than ten minutes and needs nvcc, g++ and an NVIDIA GPU. TensorFlow is not needed for:

  random cases    each operation against its own CPU code, three runs with the same bits
  times           of the sizes of docs/kernels.md, beside what was predicted
  sanitizer       memcheck, racecheck, initcheck, synccheck, where compute-sanitizer is found
                  (pip install nvidia-cuda-sanitizer-api)

Where TensorFlow sees the GPU, the operations are compared through it as well. The exit code is 1
when something was wrong.
"""

import contextlib
import importlib.metadata
import json
import pathlib
import shutil
import subprocess
import tempfile
import time
from typing import Any

from absl import flags

from dualcontrast.custom_ops import toolchain
from dualcontrast.tools.benchmarks import kernel_model
from dualcontrast.trainer import errors, files, path_flags
from dualcontrast.trainer.errors import UserError

_REPORT = path_flags.define("report", None, "The JSON file to write.", required=True)
_SEED = flags.DEFINE_integer("seed", 0, "Of the random cases.", lower_bound=0)

HARNESS = pathlib.Path(__file__).resolve().with_suffix("")  # the folder of the program's sources
OPERATIONS = ("upfirdn2d", "bias_act", "local_aggregation")
TYPES = {"float32": 4, "float16": 2, "bfloat16": 2}
SANITIZERS = ("memcheck", "racecheck", "initcheck", "synccheck")
CASES, SANITIZED_CASES = 400, 200
_NO_GPU = 3  # the harness's exit code
# Four sanitizers on three operations then stay below six minutes.
_SANITIZER_SECONDS = 30


def main(argv: list[str]) -> int:
    """Runs all checks; returns 0 when nothing was wrong, else 1."""
    errors.no_arguments(argv)
    output = pathlib.Path(_REPORT.value)
    if not output.parent.is_dir() or output.is_dir():
        raise UserError(f"--report={output}: expected a file in a folder that exists")
    architectures = _architectures()
    with tempfile.TemporaryDirectory() as folder:
        print("compiling the kernels and their checks: a minute or two", flush=True)
        harness = compile_harness(pathlib.Path(folder), architectures)
        device = run_harness(harness, "device")
        operations = {name: check(harness, name, _SEED.value) for name in OPERATIONS}
        sound = not any(found["failures"] for found in operations.values())
        found = {
            "device": device,
            "operations": operations,
            # Of wrong kernels no time is worth knowing.
            "times": _times(harness) if sound else [],
            "sanitizer": _sanitize(harness),
        }
    found["tensorflow"] = _tensorflow()
    report = summary(found)
    write(output, report)
    print(f"{'all right' if report['passed'] else 'WRONG'}: {output}")
    return 0 if report["passed"] else 1


def compile_harness(folder: pathlib.Path, architectures: tuple[str, ...]) -> pathlib.Path:
    """Compiles the kernels and the program that checks them; returns the program.

    Args:
      folder: where to put it.
      architectures: compute capabilities, as ("80", "90").

    Raises:
      UserError: there is no nvcc, or it fails.
    """
    nvcc = toolchain.nvcc()
    if not nvcc:
        raise UserError("no nvcc in NVCC, PATH, CUDA_HOME/bin or /usr/local/cuda/bin: install CUDA")
    program = folder / "harness"
    targets = [f"-gencode=arch=compute_{name},code=sm_{name}" for name in architectures]
    # -O1, of the CPU's side: more would only take longer, and fuse fewer additions.
    command = [nvcc, "--std=c++17", "-O1", "-t", "0", f"-I{toolchain.SOURCES}", *targets]
    command += ["-Xcompiler", "-march=native,-ffp-contract=fast"]
    sources = [*sorted(HARNESS.glob("*.cc")), *sorted(toolchain.SOURCES.glob("*.cu"))]
    command += [*map(str, sources), "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in (done.stderr + done.stdout).splitlines() if "error" in line]
        raise UserError(f"{nvcc} fails: {(said or ['no message'])[0]}")
    return program


def run_harness(harness: pathlib.Path, *words: str) -> dict[str, Any]:
    """Returns what the program prints for a command.

    Raises:
      UserError: there is no GPU, or the program fails.
    """
    done = subprocess.run([str(harness), *words], capture_output=True, text=True, check=False)
    if done.returncode == _NO_GPU:
        raise UserError(f"{done.stderr.strip()}: gpu_check needs an NVIDIA GPU and its driver")
    with contextlib.suppress(ValueError):  # of what is no JSON
        return json.loads(done.stdout)
    lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    raise UserError(f"{' '.join(words)} fails on the GPU: {lines[-1]}")


def check(harness: pathlib.Path, operation: str, seed: int) -> dict[str, Any]:
    """Returns what random cases of an operation gave; a failed launch is one of their failures."""
    try:
        found = run_harness(harness, "check", operation, str(seed), str(CASES))
    except UserError as error:
        found = {"cases": CASES, "comparisons": 0, "failures": [str(error)]}
    wrong = len(found["failures"])
    print(f"{operation}: {found['comparisons']} comparisons, {wrong} wrong", flush=True)
    return found


def prediction(work: kernel_model.Prediction, device: str) -> float | None:
    """Returns the predicted seconds, or None for a GPU that kernel_model does not know."""
    known = [gpu for gpu in kernel_model.GPUS if gpu.called in device]
    return work.seconds(known[0]) if known else None


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """Returns the report: what was found, what was predicted, and whether all of it is right.

    Args:
      found: "device", "operations", "times", "sanitizer" and "tensorflow".
    """
    times = []
    for measured in found["times"]:
        work: kernel_model.Prediction = measured["work"]
        times.append(
            {
                "kernel": work.kernel,
                "size": work.size,
                "type": measured["type"],
                "seconds": measured["seconds"],
                "predicted_seconds": prediction(work, found["device"]["name"]),
                "bytes_per_second": work.moved / measured["seconds"],
            }
        )
    wrong = [name for name, result in found["operations"].items() if result["failures"]]
    wrong += [f"sanitizer: {name}" for name, said in found["sanitizer"].items() if "errors" in said]
    wrong += [f"tensorflow: {line}" for line in found["tensorflow"]["failures"]]
    version = importlib.metadata.version("dualcontrast")
    return {"passed": not wrong, "wrong": wrong, "version": version, **found, "times": times}


def write(path: pathlib.Path, report: dict[str, Any]) -> None:
    """Writes the report.

    Raises:
      UserError: the file cannot be written.
    """
    files.write_object(path, report)


def compare(implementations: tuple[str, ...]) -> dict[str, float]:
    """Compares implementations of the operations and their derivatives, through TensorFlow.

    Returns:
      The largest difference from the last implementation, as a share of the largest value.
    """
    import tensorflow as tf

    from dualcontrast.custom_ops import bias_act, local_aggregation, upfirdn2d

    def normal(*shape: int) -> tf.Tensor:
        return tf.random.stateless_normal(shape, [0, len(shape)])

    calls = {
        "upfirdn2d": (
            lambda impl, x: upfirdn2d.upsample_2d(x, upfirdn2d.lowpass(), impl=impl),
            [normal(4, 33, 17, 24)],
        ),
        "bias_act": (
            lambda impl, x, b, n: bias_act.bias_act(x, b, n, activation="lrelu", impl=impl),
            [normal(4, 16, 16, 24), normal(24), normal(4, 16, 16, 1)],
        ),
        "local_aggregation": (
            lambda impl, w, v: local_aggregation.local_aggregation(w, v, impl=impl),
            [normal(2, 16, 16, 25, 8), normal(2, 20, 20, 32)],
        ),
    }
    return {
        f"{name} {impl}": _difference(
            _with_gradients(call, impl, operands),
            _with_gradients(call, implementations[-1], operands),
        )
        for name, (call, operands) in calls.items()
        for impl in implementations[:-1]
    }


def run() -> None:
    """The console command."""
    errors.run(main)


def _architectures() -> tuple[str, ...]:
    try:
        found = toolchain.architectures()
    except toolchain.BuildError as error:
        raise UserError(str(error)) from error
    if not found:
        raise UserError("no GPU here: gpu_check needs an NVIDIA GPU and its driver")
    return found


def _times(harness: pathlib.Path) -> list[dict[str, Any]]:
    measured = []
    for name, width in TYPES.items():
        for work in kernel_model.predictions(width):
            seconds = run_harness(harness, "time", *work.arguments, name)["seconds"]
            measured.append({"work": work, "type": name, "seconds": seconds})
    print(f"{len(measured)} times measured", flush=True)
    return measured


def _sanitizer() -> str | None:
    """compute-sanitizer: of the PyPI package, or of the toolkit."""
    name = "nvidia-cuda-sanitizer-api"
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files(name) or []:
            if file.name == "compute-sanitizer":
                return str(file.locate())
    return shutil.which("compute-sanitizer") or shutil.which(
        "/usr/local/cuda/bin/compute-sanitizer"
    )


def _sanitize(harness: pathlib.Path) -> dict[str, str]:
    tool = _sanitizer()
    if not tool:
        return {"all": "not run: no compute-sanitizer; pip install nvidia-cuda-sanitizer-api"}
    said = {}
    for check in SANITIZERS:
        for operation in OPERATIONS:
            command = [tool, "--tool", check, "--error-exitcode", "9", str(harness), "check"]
            command += [operation, str(_SEED.value), str(SANITIZED_CASES)]
            said[f"{check} {operation}"] = _sanitized(command)
        print(f"{check} done", flush=True)
    return said


def _sanitized(command: list[str]) -> str:
    started = time.monotonic()
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_SANITIZER_SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"not finished in {_SANITIZER_SECONDS} s"
    if done.returncode:
        return f"errors, exit code {done.returncode}: {(done.stdout + done.stderr)[-1000:]}"
    return f"clean in {time.monotonic() - started:.0f} s"


def _tensorflow() -> dict[str, Any]:
    """What TensorFlow computes on this GPU, where it is installed and sees it."""
    try:
        import tensorflow as tf
    except ImportError:
        return {"note": "not installed", "failures": []}
    if not tf.config.list_physical_devices("GPU"):
        return {"note": "TensorFlow sees no GPU", "failures": []}
    # Else convolutions and products of the plain operations are in TF32.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        differences = compare(("cuda", "cpu", "ref"))
    except tf.errors.OpError as error:
        return {"note": "failed", "failures": [error.message]}
    failures = [f"{name} differs by {d:.2g}" for name, d in differences.items() if not d < 1e-5]
    return {"note": "compared", "differences": differences, "failures": failures}


def _with_gradients(call, impl: str, operands: list) -> list:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(operands)
        result = call(impl, *operands)
        weighted = tf.reduce_sum(result * tf.sin(result))
    return [result, *tape.gradient(weighted, operands)]


def _difference(results: list, expected: list) -> float:
    import numpy as np

    differences = []
    for got, want in zip(results, expected, strict=True):
        error = np.abs(got.numpy() - want.numpy()).max()
        differences.append(float(error / np.abs(want.numpy()).max()))
    return max(differences)


if __name__ == "__main__":
    run()
