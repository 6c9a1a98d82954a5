"""Convolutions with vectors of any CPU under sanitizers, against the definition.

The sources of an engine are the same for all instruction sets: with vectors that the compiler
splits, those of NEON and AVX-512 run on machines that have neither.
"""

import pathlib

import pytest

from tests.custom_ops.emulation import conftest

# Floats a vector and rows of a block, of conv2d_neon.cc, conv2d_avx2.cc and conv2d_avx512.cc.
ENGINES = {"neon": (4, 12), "avx2": (8, 6), "avx512": (16, 12)}
# With its own instructions an engine loads and stores parts of vectors by masks.
MASKS = {"avx2": ["-mavx2", "-mfma"], "avx512": ["-march=skylake-avx512"]}
FEATURES = {"avx2": "avx2", "avx512": "avx512bw"}
SANITIZERS = {"address": conftest.SANITIZERS, "thread": ["-fsanitize=thread"]}


@pytest.mark.slow
@pytest.mark.parametrize("sanitizer", SANITIZERS)
@pytest.mark.parametrize("engine", ENGINES)
def test_every_form_touches_what_it_may_and_agrees_with_the_definition(engine, sanitizer, tmp_path):
    check(engine, sanitizer, [], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("engine", MASKS)
def test_masked_vectors_agree_with_the_definition(engine, tmp_path):
    cpu = pathlib.Path("/proc/cpuinfo")
    if not cpu.exists() or FEATURES[engine] not in cpu.read_text().split():
        pytest.skip(f"this CPU has no {engine}")
    check(engine, "address", MASKS[engine], tmp_path)


def check(engine, sanitizer, instructions, tmp_path):
    lanes, rows = ENGINES[engine]
    flags = [
        f"-DDC_CONV2D_LANES={lanes}",
        f"-DDC_CONV2D_ROWS={rows}",
        "-DDC_CHECKED",
        *instructions,
    ]
    # Vectors wider than the machine's have no ABI, and cross no function that is not inlined.
    flags += ["-std=c++17", *conftest.WARNINGS, "-Wno-psabi", "-Og", "-g1", *SANITIZERS[sanitizer]]
    harness = conftest.compile_harness(tmp_path, ["conv2d.cc"], flags)
    assert conftest.run_harness(harness, 60 if sanitizer == "address" else 20, 1)
