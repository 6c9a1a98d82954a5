"""Which compilers there are, what they are told, and the key of all that a library depends on."""

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from typing import Any

SOURCES = pathlib.Path(__file__).resolve().parent / "kernels"
LIBRARY = "libdualcontrast_ops.so"
COMMAND = "python -m dualcontrast.custom_ops.build"

# For GPUs that do not say what they are: Turing, which nvcc 13 starts with, to Hopper.
ARCHITECTURES = ("75", "80", "86", "89", "90")
_DEVICES = pathlib.Path("/dev")

# No -ffast-math here and no --use_fast_math below: results may differ from TensorFlow's by
# rounding only, and infinities and NaNs have to stay what they are.
_CXX_FLAGS: tuple[str, ...] = ("-std=c++17", "-O3", "-march=native", "-fPIC", "-fno-math-errno")
_CXX_FLAGS += ("-fvisibility=hidden", "-Wall", "-Wextra")
_NVCC_FLAGS = ("--std=c++17", "-O3", "-Xcompiler", "-fPIC,-fvisibility=hidden")
# An undefined symbol fails the link and not, much later, the load.
_LINK_FLAGS = ("-Wl,--exclude-libs,ALL", "-Wl,-Bsymbolic", "-Wl,-z,defs")
_CUDA_RUNTIME = ("-lcudart_static", "-lculibos", "-lrt", "-lpthread", "-ldl")

# How every compiler is started.
PIPES: dict[str, Any] = {
    "stdin": subprocess.DEVNULL,
    "stdout": subprocess.PIPE,
    "stderr": subprocess.STDOUT,
    "text": True,
    "errors": "replace",
}


class BuildError(RuntimeError):
    """The operations cannot be compiled; the text is one line that says why and what to do."""


@dataclasses.dataclass(frozen=True)
class Cuda:
    nvcc: str
    version: str
    architectures: tuple[str, ...]
    flags: tuple[str, ...]
    link_flags: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Plan:
    """What would be run, and the key: a digest of all that the library depends on."""

    compiler: tuple[str, ...]
    version: str
    flags: tuple[str, ...]
    link_flags: tuple[str, ...]
    cuda: Cuda | None
    note: str
    key: str


def plan() -> Plan:
    """What to run here and now; raises BuildError where there is no compiler."""
    # Imported here, so that -h answers at once and main() can keep TensorFlow's greeting down.
    import tensorflow as tf

    if not any(SOURCES.glob("*.cc")):
        raise BuildError(f"no C++ sources in {SOURCES}: install dualcontrast again")
    compiler = _compiler()
    version = _ask(*compiler, "--version").partition("\n")[0]
    include = tf.sysconfig.get_include()
    processor = _ask(*compiler, "-march=native", "-dM", "-E", "-xc++", os.devnull)
    flags = [*_CXX_FLAGS, *_without_half_floats(processor)]
    for flag in tf.sysconfig.get_compile_flags():
        # As headers of the system TensorFlow's give no warnings.
        flags += ["-isystem", flag[2:]] if flag.startswith("-I") else [flag]
    cuda, note = _find_cuda(compiler)
    facts = [
        [(path.name, digest(path)) for path in _sources("*.cc", "*.cu", "*.h")],
        # Where TensorFlow is installed makes no difference to what is built.
        [flag.replace(include, "") for flag in flags],
        [_LINK_FLAGS, version, processor],
        [tf.__version__, tf.version.GIT_VERSION, tf.version.COMPILER_VERSION],
        [cuda.version, cuda.flags, _CUDA_RUNTIME] if cuda else [],
    ]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    link_flags = (*tf.sysconfig.get_link_flags(), *_LINK_FLAGS)
    return Plan(compiler, version, tuple(flags), link_flags, cuda, note, key)


def _without_half_floats(processor: str) -> list[str]:
    """Returns the flag without which TensorFlow's headers do not compile for some processors.

    Eigen, as TensorFlow 2.21 brings it, has errors in what it includes for AVX-512 FP16 alone.

    Args:
      processor: what the compiler defines for it.
    """
    return ["-mno-avx512fp16"] if "__AVX512FP16__" in processor else []


def _sources(*patterns: str) -> list[pathlib.Path]:
    return sorted(path for pattern in patterns for path in SOURCES.glob(pattern))


def digest(path: pathlib.Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _compiler() -> tuple[str, ...]:
    """The words that start the C++ compiler: $CXX may be "ccache g++"."""
    named = shlex.split(os.environ.get("CXX", ""))
    for words in [named] if named else [["g++"], ["c++"]]:
        if shutil.which(words[0]):
            return tuple(words)
    missing = f"CXX={os.environ['CXX']} is not a program" if named else "no C++ compiler found"
    raise BuildError(f"{missing}: install g++, or set CXX to a compiler, then type {COMMAND}")


def _find_cuda(compiler: tuple[str, ...]) -> tuple[Cuda | None, str]:
    """How to compile the CUDA kernels, or None and why not."""
    if not any(SOURCES.glob("*.cu")):
        return None, "there are no CUDA sources"
    named = architectures()
    if not named:
        return None, 'no GPU here; DUALCONTRAST_CUDA_ARCHS="80;90" compiles for others'
    program = nvcc()
    if not program:
        return None, "no nvcc in NVCC, PATH, CUDA_HOME/bin or /usr/local/cuda/bin"
    try:
        version = _ask(program, "--version")
        dry_run = _ask(program, "--dryrun", "-x", "cu", os.devnull)
    except BuildError as error:
        return None, str(error)
    flags = [*_NVCC_FLAGS, "-ccbin", compiler[-1]]
    for name in named:
        flags += ["-gencode", f"arch=compute_{name},code=sm_{name}"]
    newest = named[-1]
    flags += ["-gencode", f"arch=compute_{newest},code=compute_{newest}"]
    # nvcc alone knows where its runtime is; the nvcc that was found may be a script.
    folders = re.search(r"^#\$ LIBRARIES=(.*)$", dry_run, re.MULTILINE)
    link_flags = (*shlex.split(folders[1] if folders else ""), *_CUDA_RUNTIME)
    return Cuda(program, version, named, tuple(flags), link_flags), ""


def nvcc() -> str | None:
    """The CUDA compiler, or None."""
    if os.environ.get("NVCC"):
        return shutil.which(os.environ["NVCC"])
    folders = [os.environ.get("CUDA_HOME"), "/usr/local/cuda"]
    places = ["nvcc", *(f"{folder}/bin/nvcc" for folder in folders if folder)]
    return next((found for found in map(shutil.which, places) if found), None)


def architectures() -> tuple[str, ...]:
    """Compute capabilities to compile for, oldest first: the user's, or the GPUs', or none."""
    named = os.environ.get("DUALCONTRAST_CUDA_ARCHS", "")
    if named:
        if not re.fullmatch(r"\d{2,3}[a-z]?(;\d{2,3}[a-z]?)*", named):
            raise BuildError(f'DUALCONTRAST_CUDA_ARCHS="{named}": expected the form "80;90"')
        return _ordered(named.split(";"))
    with contextlib.suppress(BuildError):
        answer = _ask("nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader")
        found = re.findall(r"^(\d+)\.(\d+)\s*$", answer, re.MULTILINE)
        if found:
            return _ordered(major + minor for major, minor in found)
    # A container may have the GPU without nvidia-smi, and an old nvidia-smi knows no compute_cap.
    return ARCHITECTURES if any(_DEVICES.glob("nvidia[0-9]*")) else ()


def _ordered(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names), key=lambda name: (int(re.sub(r"\D", "", name)), name)))


def _ask(*command: str) -> str:
    """What a program prints that answers at once."""
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        answer = subprocess.run(command, env=environment, timeout=60, check=True, **PIPES)
    except (OSError, subprocess.SubprocessError) as error:
        raise BuildError(f"{shlex.join(command)} fails: {error}") from error
    return answer.stdout


def commands(plan: Plan, folder: pathlib.Path, cuda: bool) -> tuple[list[list[str]], list[str]]:
    """A command for each source, and the link, with all they write in `folder`."""
    tools = {".cc": [*plan.compiler, *plan.flags]}
    if cuda:
        tools[".cc"].append("-DDUALCONTRAST_CUDA=1")
        tools[".cu"] = [plan.cuda.nvcc, *plan.cuda.flags]
    sources = _sources(*(f"*{suffix}" for suffix in tools))
    objects = [str(folder / f"{path.name}.o") for path in sources]
    compiles = [
        [*tools[path.suffix], "-c", str(path), "-o", made] for path, made in zip(sources, objects)
    ]
    # CUDA's runtime comes before TensorFlow, which exports stubs of the runtime that it was made
    # with: these would win, and the kernels be registered with the wrong one.
    runtime = plan.cuda.link_flags if cuda else ()
    output = ["-shared", "-o", str(folder / LIBRARY)]
    return compiles, [*plan.compiler, *output, *objects, *runtime, *plan.link_flags]
