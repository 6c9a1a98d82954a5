"""What every kernel takes of a GPU is written down: registers, memory, and so many at once.

`resources.csv` is what the compiler said when it was last looked at. A change that takes more fails
here. Where it is worth what it takes, write the table anew and look at the difference:

  DUALCONTRAST_WRITE_RESOURCES=1 python -m pytest -m "" tests/custom_ops/cuda/resources_test.py
"""

import csv
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from dualcontrast.custom_ops import toolchain

HERE = pathlib.Path(__file__).resolve().parent
TABLE = HERE / "resources.csv"
COLUMNS = ["kernel", "architecture", "registers", "barriers", "static_shared", "launch_shared"]
COLUMNS += ["stack", "spills", "blocks", "occupancy"]
WRITE = os.environ.get("DUALCONTRAST_WRITE_RESOURCES") == "1"
AGAIN = 'DUALCONTRAST_WRITE_RESOURCES=1 python -m pytest -m "" tests/custom_ops/cuda'

# Compilers differ by a few registers from one source to a like one.
REGISTER_SLACK = 8
THREADS = 256  # a block, of all kernels


@dataclasses.dataclass(frozen=True)
class Multiprocessor:
    """What one multiprocessor holds at once; all have 65,536 registers."""

    threads: int
    blocks: int
    shared: int


# "Technical specifications per compute capability" of NVIDIA's programming guide. 8.8 is not in it.
MULTIPROCESSORS = {
    "75": Multiprocessor(1024, 16, 64 << 10),
    "80": Multiprocessor(2048, 32, 164 << 10),
    "86": Multiprocessor(1536, 16, 100 << 10),
    "87": Multiprocessor(1536, 16, 164 << 10),
    "89": Multiprocessor(1536, 24, 100 << 10),
    "90": Multiprocessor(2048, 32, 228 << 10),
    "100": Multiprocessor(2048, 32, 228 << 10),
    "103": Multiprocessor(2048, 32, 228 << 10),
    "110": Multiprocessor(1536, 24, 228 << 10),
    "120": Multiprocessor(1536, 24, 100 << 10),
    "121": Multiprocessor(1536, 24, 100 << 10),
}


def blocks_at_once(architecture: str, registers: int, shared: int) -> int:
    """How many blocks of a kernel one multiprocessor holds.

    Args:
      architecture: as "90".
      registers: a thread.
      shared: bytes a block.
    """
    has = MULTIPROCESSORS[architecture]
    # A warp gets registers by 256, and each of the four schedulers its own quarter of the warps.
    warp = -(-registers // 8) * 8 * 32
    warps = 65536 // 4 // warp * 4
    # Since Ampere the system keeps 1 KB of a block's shared memory.
    taken = -(-(shared + (0 if architecture == "75" else 1024)) // 256) * 256
    by_shared = has.shared // taken if taken else has.blocks
    return min(has.threads // THREADS, has.blocks, warps // (THREADS // 32), by_shared)


@pytest.fixture(scope="module", name="launch_shared")
def _launch_shared(tmp_path_factory) -> dict[str, int]:
    """Bytes of shared memory that a kernel is launched with, as the launches compute them."""
    if not shutil.which("g++"):
        pytest.skip("there is no g++")
    program = tmp_path_factory.mktemp("launch_sizes") / "launch_sizes"
    source = str(HERE / "launch_sizes.cc")
    include = f"-I{toolchain.SOURCES}"
    subprocess.run(["g++", "-std=c++17", include, source, "-o", str(program)], check=True)
    said = subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout
    return {name: int(bytes_) for name, bytes_ in re.findall(r"^(.*)\t(\d+)$", said, re.M)}


def rows(compiled, launch_shared: dict[str, int]) -> list[dict[str, str]]:
    """The lines of the table for what was compiled, in the order of the names."""
    made = []
    for (kernel, architecture), taken in compiled.resources.items():
        shared = launch_shared.get(kernel, 0)
        blocks, occupancy = "", ""
        if architecture in MULTIPROCESSORS:
            count = blocks_at_once(architecture, taken.registers, shared + taken.shared)
            threads = MULTIPROCESSORS[architecture].threads
            blocks, occupancy = count, f"{count * THREADS / threads:.2f}"
        values = [kernel, architecture, taken.registers, taken.barriers, taken.shared, shared]
        values += [taken.stack, taken.spills, blocks, occupancy]
        made.append(dict(zip(COLUMNS, map(str, values), strict=True)))
    return sorted(made, key=lambda row: (row["kernel"], int(row["architecture"])))


def read() -> dict[tuple[str, str], dict[str, str]]:
    """The committed lines by kernel and architecture."""
    with open(TABLE, newline="") as file:
        file.readline()  # the compiler
        return {(row["kernel"], row["architecture"]): row for row in csv.DictReader(file)}


def write(lines: list[dict[str, str]], compiler: str) -> None:
    """Replaces the lines of the architectures that are given, and keeps the others'."""
    given = {row["architecture"] for row in lines}
    kept = [row for row in read().values() if row["architecture"] not in given]
    ordered = sorted(kept + lines, key=lambda row: (row["kernel"], int(row["architecture"])))
    with open(TABLE, "w", newline="") as file:
        file.write(f"# nvcc {compiler}\n")
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(ordered)


def worse(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """What a kernel takes more of than is written down, as sentences."""
    what = f"{now['kernel']} on sm_{now['architecture']}"
    found = []
    if int(now["registers"]) >= int(before["registers"]) + REGISTER_SLACK:
        found.append(f"{what}: {now['registers']} registers, {before['registers']} before")
    for column in ("stack", "spills", "launch_shared", "static_shared", "barriers"):
        if int(now[column]) > int(before[column]):
            found.append(f"{what}: {column} {now[column]}, {before[column]} before")
    if now["occupancy"] and float(now["occupancy"]) < float(before["occupancy"]):
        found.append(f"{what}: occupancy {now['occupancy']}, {before['occupancy']} before")
    return found


def compiler_version() -> str:
    """The compiler's release, as "13.0"."""
    said = subprocess.run(
        [toolchain.nvcc(), "--version"], capture_output=True, text=True, check=True
    )
    return re.search(r"release ([\d.]+)", said.stdout)[1]


def check(compiled, launch_shared: dict[str, int]) -> None:
    """Compares with the table, or writes it where that was asked for."""
    made = rows(compiled, launch_shared)
    if WRITE:
        write(made, compiler_version())
    written = TABLE.read_text().partition("\n")[0].removeprefix("# nvcc ")
    if written != compiler_version():
        pytest.skip(f"the table is of nvcc {written}, this is {compiler_version()}")
    table = read()
    asked = {(row["kernel"], row["architecture"]) for row in made}
    architectures = {row["architecture"] for row in made}
    assert asked == {key for key in table if key[1] in architectures}, AGAIN
    found = [line for row in made for line in worse(table[row["kernel"], row["architecture"]], row)]
    assert not found, "\n".join([*found, f"on purpose? {AGAIN}"])


def test_kernels_take_no_more_than_is_written_down(usual, launch_shared):
    check(usual, launch_shared)


@pytest.mark.slow
def test_kernels_take_no_more_than_is_written_down_on_other_architectures(others, launch_shared):
    check(others, launch_shared)


def test_every_launch_with_shared_memory_is_of_a_kernel(launch_shared):
    kernels = {kernel for kernel, _ in read()}
    assert set(launch_shared) <= kernels
    assert all(0 < size <= 48 << 10 for size in launch_shared.values())
    silent = {kernel for kernel in kernels if "Separable" in kernel or "Backward" in kernel}
    assert silent == set(launch_shared)


def test_more_registers_spills_or_less_occupancy_are_found():
    before = next(iter(read().values()))
    assert worse(before, before) == []
    fewer = {**before, "occupancy": "0.01", "registers": str(int(before["registers"]) + 8)}
    more = {**fewer, "spills": "4", "stack": "8"}
    assert len(worse(before, more)) == 4
    slack = {**before, "registers": str(int(before["registers"]) + 7)}
    assert worse(before, slack) == []


def test_occupancy_is_what_the_guide_computes():
    # 64 registers * 256 threads = 16,384: four blocks of 65,536.
    assert blocks_at_once("80", 64, 0) == 4
    # 65 registers are given as 72, which leaves 28 warps: three blocks of eight.
    assert blocks_at_once("80", 65, 0) == 3
    # 1,024 threads are four blocks, however little they take.
    assert blocks_at_once("75", 16, 0) == 4
    # 2 * (48 + 1) of 100 KB.
    assert blocks_at_once("89", 32, 48 << 10) == 2
