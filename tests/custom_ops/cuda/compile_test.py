"""Every kernel compiles for every architecture without a warning, to code without spills."""

import pytest

KERNELS = 73  # 30 of upfirdn2d, 25 of bias_act, 18 of local_aggregation


def assert_sound(compiled, architectures: int) -> None:
    """Asserts that all kernels are there, and that none keeps a variable in slow memory."""
    assert compiled.errors == {}
    assert len(compiled.resources) == KERNELS * architectures
    slow = {
        kernel: taken
        for kernel, taken in compiled.resources.items()
        if taken.spills > 0 or taken.stack > 0
    }
    assert slow == {}


def test_kernels_compile_for_the_usual_architectures(usual):
    assert_sound(usual, 3)


@pytest.mark.slow
def test_kernels_compile_for_every_other_architecture(others):
    assert_sound(others, len({architecture for _, architecture in others.resources}))
    assert len(others.objects) == 3
