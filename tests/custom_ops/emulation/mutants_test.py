"""The harnesses find what is wrong: each of these slips in the kernels' bodies is noticed.

A mutant is a copy of the kernels with one text replaced; the text must occur once, so that a change
of the kernels that makes a mutant void is noticed as well.
"""

import concurrent.futures
import dataclasses
import os
import pathlib
import shutil
import subprocess

import pytest

from tests.custom_ops.emulation import conftest

CALLS = {
    "upfirdn2d": ("upfirdn2d.cc", "Upfirdn2dDifferential"),
    "bias_act": ("bias_act.cc", "BiasActDifferential"),
    "local_aggregation": ("local_aggregation.cc", "LocalAggregationDifferential"),
    "divisor": ("arithmetic.cc", "CheckDivisor"),
    "conversions": ("arithmetic.cc", "CheckConversions"),
    "launches": ("launches.cc", "CheckLaunches"),
}


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One slip.

    Attributes:
      kind: what is wrong, in a few words.
      check: which of `CALLS` is to notice.
      file: the header of the kernels that is changed.
      old: a text that occurs there once.
      new: what takes its place.
      noticed: what the complaint must contain.
      type: the one that the harness is compiled for.
    """

    kind: str
    check: str
    file: str
    old: str
    new: str
    noticed: str = ""
    type: str = "float"


def _of(check: str, *slips: tuple) -> list[Mutant]:
    return [Mutant(kind, check, *rest) for kind, *rest in slips]


MUTANTS = [
    *_of(
        "upfirdn2d",
        (
            "forgotten barrier",
            "upfirdn2d_gpu.h",
            "    } else {\n      const int rows",
            "    }\n    {\n      const int rows",
            "uninitialised read: shared cell",
        ),
        (
            "unwritten cell",
            "upfirdn2d_gpu.h",
            "row < p.mid_y;",
            "row < p.mid_y - 1;",
            "uninitialised read: shared cell",
        ),
        (
            "two threads write a cell",
            "upfirdn2d_gpu.h",
            "thread / kPacks % 8, thread",
            "thread / kPacks / 2 % 8, thread",
            "write/write race: shared cell",
        ),
        (
            "shared read past the last tap",
            "upfirdn2d_body.h",
            "cell + k * stride",
            "cell + (k + 1) * stride",
            "shared cell",
        ),
        (
            "output past the last row",
            "upfirdn2d_gpu.h",
            "row < rows; row +=",
            "row < p.tile_y; row +=",
        ),
        (
            "read below the image",
            "upfirdn2d_body.h",
            "pixel_row < p.y.in;",
            "pixel_row <= p.y.in;",
            "global read outside",
        ),
        (
            "dropped tap",
            "upfirdn2d_body.h",
            "axis.taps - tap + axis.up.value - 1",
            "axis.taps - tap",
        ),
        ("wrong rounding", "upfirdn2d_body.h", "start >= 0 ? quotient : -quotient", "quotient"),
        ("sides swapped", "upfirdn2d_body.h", "output ? x.out : x.in", "output ? y.out : y.in"),
        ("wrong flip", "upfirdn2d_params.h", "= a.filter[height - 1 - t]", "= a.filter[t]", "y["),
        (
            "padding of the wrong end",
            "upfirdn2d_params.h",
            "a.padding[2 * i])",
            "a.padding[2 * i + 1])",
            "y[",
        ),
        (
            "last tile dropped",
            "upfirdn2d_params.h",
            "(p->x.out + p->tile_x - 1) / p->tile_x",
            "std::max(1, p->x.out / p->tile_x)",
            "y not written",
        ),
    ),
    *_of(
        "bias_act",
        (
            "forgotten barrier",
            "bias_act_gpu.h",
            "      return;\n    }\n    if (over_rows)",
            "    }\n    if (over_rows)",
            "shared cell",
        ),
        (
            "shared memory too small",
            "bias_act_gpu.h",
            "static_cast<int64_t>(p.tile) * p.stride",
            "static_cast<int64_t>(p.tile - 1) * p.stride",
            "out of bounds: shared cell",
        ),
        (
            "read past the last row",
            "bias_act_gpu.h",
            "below < p.tile ? static_cast<int>(below) : p.tile",
            "p.tile",
            "global read outside",
        ),
        (
            "wrong clamp mask",
            "platform.h",
            "(size.v < limit) & (size.v > -limit)",
            "(size.v < limit)",
            "dx[",
        ),
        (
            "clamp lost where it is too small",
            "bias_act_body.h",
            "if (clamp >= A(0)) value",
            "if (clamp > A(0)) value",
            "y[",
            "dualcontrast::Half",
        ),
        (
            "level of a sum dropped",
            "bias_act_cpu.h",
            "last = level.count <= kGroup;",
            "last = true;",
        ),
        (
            "row of a sum dropped",
            "bias_act_body.h",
            "row < end; ++row)",
            "row + 1 < end; ++row)",
            "over_",
        ),
        (
            "channels left over dropped",
            "bias_act_body.h",
            "; channel < channels; ++channel) sum",
            "; channel + 1 < channels; ++channel) sum",
            "over_channels",
        ),
        (
            "noise of another row",
            "bias_act_body.h",
            "r - p.noise_rows.Quotient(r) * p.noise_rows.value",
            "p.noise_rows.Quotient(r)",
        ),
        (
            "wrong derivative",
            "bias_act_params.h",
            "derivative[k + 1] -= slope;",
            "derivative[k + 1] += slope;",
            "dx[",
        ),
    ),
    *_of(
        "local_aggregation",
        (
            "wrong border",
            "local_aggregation_body.h",
            "top = y < p.height ? 0 : y - p.height + 1;",
            "top = y < p.height ? 0 : y - p.height;",
        ),
        (
            "swapped strides",
            "local_aggregation_body.h",
            "* p.window * p.maps)",
            "* p.window * p.groups)",
        ),
        (
            "output past the last column",
            "local_aggregation_gpu.h",
            "p.width + p.window - 1) return;",
            "p.width + p.window) return;",
        ),
        (
            "group dropped",
            "local_aggregation_body.h",
            "for (int m = M; m < groups; ++m)",
            "for (int m = M; m < groups - 1; ++m)",
            "weights[",
        ),
        (
            "groups made twice",
            "local_aggregation_body.h",
            "group += 4) body",
            "group += 3) body",
            "written twice",
        ),
    ),
    *_of("divisor", ("multiplier off by one", "divisor.h", "(value) + 1);", "(value));")),
    *_of(
        "conversions",
        ("ties away from even", "platform.h", "0xfffu + ((magnitude >> 13) & 1u)", "0x1000u"),
        ("subnormals flushed", "platform.h", "if (magnitude < (1u << 23)) {", "if (false) {"),
        ("no vector of NaN", "platform.h", "(0x7fc0u & none)", "(0x7f80u & none)"),
    ),
    *_of(
        "launches",
        (
            "more shared memory than there is",
            "upfirdn2d_gpu.h",
            "if (MidCells(*p) > kGpuCells)",
            "if (MidCells(*p) > 2 * kGpuCells)",
            "shared memory",
        ),
        (
            "offset of 32 bits",
            "bias_act_body.h",
            "offset((where.row + row) * p.channels",
            "offset(static_cast<int>(where.row + row) * p.channels",
            "offset",
        ),
    ),
]


def _complaint(mutant: Mutant, folder: pathlib.Path) -> str:
    """Returns what the harness says of a mutant; empty if it notices nothing."""
    kernels = folder / "kernels"
    shutil.copytree(conftest.KERNELS, kernels, ignore=shutil.ignore_patterns("*.cc", "*.cu"))
    text = (kernels / mutant.file).read_text()
    assert text.count(mutant.old) == 1, f"{mutant.file} has not once: {mutant.old}"
    (kernels / mutant.file).write_text(text.replace(mutant.old, mutant.new))
    source, check = CALLS[mutant.check]
    flags = [*conftest.CHECKED, "-O0", f"-DDC_ONE_CHECK={check}", f"-DDC_ONE_TYPE={mutant.type}"]
    harness = conftest.compile_harness(folder, [source, "main.cc"], flags, kernels, jobs=1)
    command = [harness, "check", "400", "1"]
    # One that loops for ever is noticed, too.
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return "does not end"
    if result.returncode == 0:
        return ""
    return result.stderr.strip() or f"ends with {result.returncode}"


@pytest.fixture(name="complaints", scope="module")
def _complaints(tmp_path_factory) -> dict[Mutant, concurrent.futures.Future]:
    """What is said of each mutant, made side by side."""
    folder = tmp_path_factory.mktemp("mutants")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return {
            mutant: pool.submit(_complaint, mutant, folder / str(i))
            for i, mutant in enumerate(MUTANTS)
        }


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.check}: {mutant.kind}")
def test_a_slip_is_noticed(complaints, mutant):
    complaint = complaints[mutant].result()
    print(complaint)
    assert complaint, f"nobody notices {mutant.new!r} for {mutant.old!r} in {mutant.file}"
    assert mutant.noticed in complaint
