"""The CUDA kernels compiled to machine code, and what compiler and disassembler say of them."""

import collections
import dataclasses
import importlib.metadata
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from dualcontrast.custom_ops import toolchain

SOURCES = sorted(toolchain.SOURCES.glob("*.cu"))
# The oldest, the most widespread, and the newest whose kernels are most often trained on.
USUAL = ("75", "80", "90")
# Spills are errors like every warning; -fatbin makes the real machine code of each architecture.
NVCC_FLAGS = ["--std=c++17", "-O3", "-t", "2", "-fatbin"]
NVCC_FLAGS += ["-Xptxas", "-v,-warn-spills,-warn-lmem-usage", "-Werror", "all-warnings"]

# "Compiling entry function 'NAME' for 'sm_90'", "Function properties", "0 bytes stack", "Used 9".
PTXAS = re.compile(
    r"Compiling entry function '(?P<name>\w+)' for 'sm_(?P<architecture>\w+)'\n.*\n"
    r"\s*(?P<stack>\d+) bytes stack frame, (?P<stores>\d+) bytes spill stores, "
    r"(?P<loads>\d+) bytes spill loads\n"
    r".*Used (?P<registers>\d+) registers, used (?P<barriers>\d+) barriers(?P<rest>.*)"
)
# "/*05b0*/   @!P0 LDG.E.128 R4, ..."
INSTRUCTION = re.compile(r"^\s*/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9_.]*)", re.M)


@dataclasses.dataclass(frozen=True)
class Resources:
    """What a kernel takes: registers a thread, barriers, and bytes of memory."""

    registers: int
    barriers: int
    shared: int
    stack: int
    spills: int


@dataclasses.dataclass(frozen=True)
class Compiled:
    """The kernels for some architectures.

    Attributes:
      errors: what the compiler said against each source, by name; empty where it took all.
      resources: by kernel and architecture.
      objects: the machine code of each source.
    """

    errors: dict[str, str]
    resources: dict[tuple[str, str], Resources]
    objects: list[pathlib.Path]

    def instructions(self, architecture: str) -> dict[str, collections.Counter]:
        """How often each kernel has each instruction, by its full name, as in LDG.E.128."""
        found = {}
        for path in self.objects:
            found |= _instructions(path, architecture)
        return found


def nvcc() -> str:
    """The compiler; skips the test where there is none."""
    found = toolchain.nvcc()
    if not found:
        pytest.skip("there is no nvcc")
    return found


def readable(mangled: str) -> str:
    """Names of kernels as "upfirdn2d SeparableBlock<float, 4, 2, 1, 4>", in any text."""
    if not shutil.which("c++filt"):
        pytest.skip("there is no c++filt")
    plain = subprocess.run(
        ["c++filt"], input=mangled, capture_output=True, text=True, check=True
    ).stdout
    # The block's threads are 256 for all.
    plain = re.sub(
        r"void dualcontrast::(\w+)::\(anonymous namespace\)::Run\w*<dualcontrast::\w+::"
        r"(\w+)<(.*?)(?:, 256)?>, [\w:]+>\(.*?\)(?='|\n|$)",
        r"\1 \2<\3>",
        plain,
    )
    plain = re.sub(r"dualcontrast::(\w+)::\(anonymous namespace\)::(\w+)\(.*\)", r"\1 \2", plain)
    return plain.replace("dualcontrast::", "")


def cuobjdump() -> str:
    """The disassembler of the PyPI package or of the toolkit; skips the test without one."""
    try:
        files = importlib.metadata.files("nvidia-cuda-cuobjdump") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    inside = [str(file.locate()) for file in files if file.name == "cuobjdump"]
    found = (inside or [shutil.which("cuobjdump")])[0]
    if not found:
        pytest.skip("there is no cuobjdump: pip install nvidia-cuda-cuobjdump nvidia-cuda-nvdisasm")
    return found


def architectures() -> list[str]:
    """All that the compiler makes machine code for, as "90"."""
    answer = subprocess.run([nvcc(), "--list-gpu-code"], capture_output=True, text=True, check=True)
    return re.findall(r"^sm_(\w+)$", answer.stdout, re.MULTILINE)


def _compile(names: list[str], folder: pathlib.Path) -> Compiled:
    targets = [f"-gencode=arch=compute_{name},code=sm_{name}" for name in names]
    errors, said, objects = {}, "", []
    for source in SOURCES:
        objects.append(folder / f"{source.stem}.fatbin")
        command = [nvcc(), *NVCC_FLAGS, *targets, str(source), "-o", str(objects[-1])]
        environment = {**os.environ, "LC_ALL": "C", "TMPDIR": str(folder)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        said += done.stderr + done.stdout
        if done.returncode:
            errors[source.name] = (done.stderr + done.stdout)[-2000:]
    return Compiled(errors, _resources(said), objects)


def _resources(said: str) -> dict[tuple[str, str], Resources]:
    found = {}
    matches = list(PTXAS.finditer(said))
    names = readable("".join(match["name"] + "\n" for match in matches)).splitlines()
    for name, match in zip(names, matches, strict=True):
        shared = re.search(r"(\d+) bytes smem", match["rest"])
        found[name, match["architecture"]] = Resources(
            registers=int(match["registers"]),
            barriers=int(match["barriers"]),
            shared=int(shared[1]) if shared else 0,
            stack=int(match["stack"]),
            spills=int(match["stores"]) + int(match["loads"]),
        )
    return found


def _instructions(path: pathlib.Path, architecture: str) -> dict[str, collections.Counter]:
    command = [cuobjdump(), "-sass", "-arch", f"sm_{architecture}", str(path)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    parts = [part.partition("\n") for part in re.split(r"^\s*Function : ", text, flags=re.M)[1:]]
    names = readable("".join(f"{name}\n" for name, _, _ in parts)).splitlines()
    return {
        name: collections.Counter(INSTRUCTION.findall(code))
        for name, (_, _, code) in zip(names, parts, strict=True)
    }


@pytest.fixture(scope="session", name="usual")
def _usual(tmp_path_factory) -> Compiled:
    """The kernels for the usual architectures: about 25 seconds."""
    return _compile(list(USUAL), tmp_path_factory.mktemp("usual"))


@pytest.fixture(scope="session", name="others")
def _others(tmp_path_factory) -> Compiled:
    """The kernels for all other architectures: minutes."""
    names = [name for name in architectures() if name not in USUAL]
    return _compile(names, tmp_path_factory.mktemp("others"))
