"""The machine code does what the sources claim: barriers, wide accesses, and nothing by the way.

Instructions are counted where they stand, not how often they run. Kernels are named as in
`upfirdn2d SeparableBlock<float, 4, 2, 1, 4>`: type, channels in one access, then what it is
specialised for.
"""

import re
from collections import Counter

import pytest

USUAL = ["75", "80", "90"]


def count(instructions: Counter, pattern: str) -> int:
    """How many instructions have a full name that matches from its start."""
    return sum(number for name, number in instructions.items() if re.match(pattern, name))


def arguments(kernel: str) -> list[str]:
    """What a kernel is specialised for, as ["float", "4", "2", "1", "4"]."""
    return kernel.partition("<")[2].rstrip(">").split(", ")


def is_wide(kernel: str) -> bool:
    """Whether a thread's access is of more than one channel."""
    return len(arguments(kernel)) > 1 and arguments(kernel)[1] != "1"


def phases(kernel: str) -> int:
    """How many phases a kernel has, between which its threads wait for each other."""
    return 2 if "Separable" in kernel or "Backward" in kernel else 1


def divides(kernel: str) -> bool:
    """Smooth activations divide, once a channel: 1 / (1 + exp(-x)), and tanh by the same means."""
    return "bias_act" in kernel and arguments(kernel)[2:] == ["false"]


def offences(kernel: str, found: Counter) -> list[str]:
    """What a kernel has that none may have, or lacks that it claims."""
    wrong = []

    def expect(what: str, pattern: str, expected: int) -> None:
        if count(found, pattern) != expected:
            wrong.append(f"{kernel}: {what}: {count(found, pattern)}, expected {expected}")

    expect("barriers", r"BAR\b", phases(kernel) - 1)
    # Variables in memory, and accesses of which the compiler does not know to what memory.
    expect("local memory", r"(LDL|STL)\b", 0)
    expect("generic accesses", r"(LD|ST)\b", 0)
    # Sums in an order of chance; what a warp does as one, which no emulation of phases shows.
    expect("atomics", r"(ATOM|ATOMG|ATOMS|RED|REDG|REDUX)\b", 0)
    expect("exchanges in a warp", r"(SHFL|MATCH)\b", 0)
    # Double precision is 32 or 64 times slower on most GPUs.
    expect("arithmetic in float64", r"(DADD|DMUL|DFMA|DSETP)\b", 0)
    if not divides(kernel):
        expect("divisions, roots, exponentials", r"MUFU\b", 0)
    if not kernel.startswith("bias_act"):
        expect("conversions of float64", r"F2F\.\w+\.F64|F2F\.F64", 0)
    return wrong + narrow_accesses(kernel, found) + wrong_multiplications(kernel, found)


def narrow_accesses(kernel: str, found: Counter) -> list[str]:
    """Accesses of one channel in kernels that claim more; 128 bits, 64 in local_aggregation."""
    if not is_wide(kernel):
        return []
    bits = "64" if kernel.startswith("local") else "128"
    # Of bias_act: a row's noise, which its channels share; a tile's sums, one a channel or row.
    backward = "Backward" in kernel
    alone = {
        "LDG": 1 if kernel.startswith("bias_act") and (not backward or divides(kernel)) else 0,
        "STG": 2 if backward else 0,
        "STS": 0,
    }
    if not backward:  # where the sums over rows take neighbouring channels by neighbouring threads
        alone["LDS"] = 0
    wrong = []
    for access, expected in alone.items():
        wide = count(found, rf"{access}\b.*\.{bits}\b")
        narrow = count(found, rf"{access}\b") - wide
        if narrow != expected:
            wrong.append(f"{kernel}: {access} of less than {bits} bits: {narrow}, not {expected}")
        if access in ("LDG", "STG") and not wide:
            wrong.append(f"{kernel}: no {access} of {bits} bits")
    return wrong


def wrong_multiplications(kernel: str, found: Counter) -> list[str]:
    """Fused multiply-adds of a specialised resampling that are more than the formula's."""
    if "Separable" not in kernel or arguments(kernel)[2] == "0":
        return []
    lanes, up, _, taps = map(int, arguments(kernel)[1:])
    # A pixel that is loaded counts once along the row; an output takes taps / up along the column.
    expected = lanes * (count(found, r"LDG\b") + taps // up * count(found, r"STG\b"))
    # Blackwell has an instruction for two.
    made = count(found, r"FFMA\b") + count(found, r"FFMA2\b") * 2
    return [] if made == expected else [f"{kernel}: FFMA: {made}, expected {expected}"]


def assert_as_claimed(compiled, architecture: str) -> None:
    """Asserts that no kernel has an offence."""
    kernels = compiled.instructions(architecture)
    assert len(kernels) == len({name for name, _ in compiled.resources})
    found = [line for kernel, counts in kernels.items() for line in offences(kernel, counts)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("architecture", USUAL)
def test_the_machine_code_does_what_the_sources_claim(usual, architecture):
    assert_as_claimed(usual, architecture)


@pytest.mark.slow
def test_the_machine_code_of_every_other_architecture_does_what_the_sources_claim(others):
    for architecture in sorted({architecture for _, architecture in others.resources}):
        assert_as_claimed(others, architecture)


FAULTS = {
    "a second barrier": {"BAR.SYNC.DEFER_BLOCKING": 1},
    "an atomic sum": {"RED.E.ADD.F32.FTZ.RN.STRONG.GPU": 1},
    "a variable in memory": {"LDL.64": 1},
    "a division": {"MUFU.RCP": 1},
    "a sum in float64": {"DADD": 1},
    "a load of one channel": {"LDG.E.CONSTANT": 1},
    "a multiplication too many": {"FFMA": 1},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault):
    kernel = "upfirdn2d SeparableBlock<float, 4, 2, 1, 4>"
    good = Counter({"BAR.SYNC": 1, "LDG.E.128.CONSTANT": 4, "STG.E.128": 3, "FFMA": 4 * (4 + 6)})
    good += Counter({"LDS.U.128": 6, "STS.128": 1})
    assert offences(kernel, good) == []
    assert offences(kernel, good + Counter(FAULTS[fault]))
