"""What is predicted of an iteration follows from shapes, and the documents say the same."""

import dataclasses
import itertools
import pathlib

import pytest

from dualcontrast.tools.benchmarks import convolutions, iteration_model, kernel_model
from dualcontrast.tools.benchmarks.iteration_model import Way

ROOT = pathlib.Path(__file__).resolve().parents[3]
ARITHMETICS = ("float32", "TF32", "bfloat16")
GPU = kernel_model.Gpu("a GPU", "a GPU", bandwidth=1e12, rate=1e13, tf32=2e13, bfloat16=4e13)


def moved(kernels) -> dict[str, float]:
    kinds = sorted(kernels, key=lambda kernel: kernel.kind)
    return {
        kind: sum(kernel.moved for kernel in group)
        for kind, group in itertools.groupby(kinds, key=lambda kernel: kernel.kind)
    }


@pytest.fixture(name="config", scope="module")
def _config():
    return iteration_model.config_e()


def test_the_documents_hold_what_the_command_prints(capsys):
    iteration_model.main(["iteration_model"])
    assert capsys.readouterr().out == iteration_model.text()
    assert iteration_model.text() in (ROOT / "docs" / "performance.md").read_text()


def test_a_convolution_moves_its_three_tensors_and_multiplies_and_adds():
    layer = convolutions.Convolution(side=4, channels=2, filters=3, taps=3)
    work = iteration_model.convolution(convolutions.Call(layer, convolutions.FORWARD, 5), 4)
    # Of 5 images: 4x4x2 in, 4x4x3 out; 3x3x2x3 weights.
    assert work.moved == 4 * (5 * (32 + 48) + 54)
    assert work.operations == 2 * 5 * 16 * 54


@pytest.mark.parametrize(
    "way, forward, backward",
    # Maps of 8 channels: A is 4x4 (128 numbers), B is 8x8 (512), and 9x9 has 648. The 4x4 layer and
    # the two of 8x8 read A, A, B and make A, B, B; ToRGB reads A and B. Scales of what is read and
    # made, ToRGB's too, are of A + A + B + A + B + B + A + B = 4 A + 4 B = 2560 numbers, two
    # passes forward and four backward. Bias and activation are of A + B + B = 1152 numbers.
    [
        (Way.OP_BY_OP, 2 * 2560 + 6 * 1152, 4 * 2560 + 5 * 1152),
        (Way.COMPILED, 2 * 2560 + 2 * 1152, 4 * 2560 + 3 * 1152),
        # Only ToRGB's scaling of A + B = 640 numbers is apart.
        (Way.JOINED, 3 * 1152 + 640, 4 * 1152 + 2 * 640),
    ],
)
def test_the_passes_of_a_small_generator(way, forward, backward):
    network = convolutions.Generator(8, 3, fmap_base=64, fmap_max=8)
    for numbers, direction in ((forward, False), (backward, True)):
        found = moved(iteration_model.generator_passes(network, 1, 4, way, direction))
        # The filter after the transposed convolution reads 9x9 and writes 8x8.
        assert found == {"pointwise": 4 * numbers, "filters": 4 * (648 + 512)}


def test_the_passes_of_a_small_discriminator():
    network = convolutions.Discriminator(8, 3, fmap_base=64, fmap_max=8)
    forward = iteration_model.discriminator_passes(network, 1, 4, Way.OP_BY_OP, False)
    backward = iteration_model.discriminator_passes(network, 1, 4, Way.OP_BY_OP, True)
    # FromRGB and the block's first layer make 8x8x8, its second and the last layer 4x4x8: 1280
    # numbers with a bias and a slope, four passes. The branches are 128 numbers: added and scaled
    # (3 + 2). Backward their gradients are scaled (2), and added where the block began (3 of 512).
    # Filters: 8x8 to 9x9 and, for the skip, to 4x4.
    assert moved(forward) == {
        "pointwise": 4 * (4 * 1280 + 5 * 128),
        "filters": 4 * (512 + 648 + 512 + 128),
    }
    found = moved(backward)
    assert found["pointwise"] == 4 * (4 * 1280 + 2 * 128 + 3 * 512)
    # The skip's derivative puts zeros between the pixels of 4x4: these are written and read too.
    assert found["filters"] == 4 * (512 + 648 + 128 + 2 * 512 + 512)


def test_time_is_the_assumed_share_of_bandwidth_or_rate_whichever_is_longer():
    idle = iteration_model.Kernel("pointwise", moved=8e11)
    assert idle.seconds(GPU, GPU.rate) == pytest.approx(1.0)  # at 0.8 TB/s
    busy = iteration_model.Kernel("convolutions", moved=8e11, operations=1e13)
    assert busy.seconds(GPU, GPU.rate) == pytest.approx(2.0)  # at 5 TFLOP/s
    assert busy.seconds(GPU, GPU.bfloat16) == pytest.approx(1.0)


def test_a_thousand_images_are_the_sum_of_their_steps(config):
    # 1000 images of batch 32 are 31.25 iterations; R1 runs in every 16th, path length in every 4th.
    shares = {"G": 31.25, "D": 31.25, "R1": 31.25 / 16, "path_length": 31.25 / 4}
    kernels = iteration_model.steps(config, 4, Way.COMPILED)
    expected = sum(
        shares[name] * kernel.seconds(GPU, GPU.tf32)
        for name, found in kernels.items()
        for kernel in found
    )
    found = iteration_model.seconds(config, GPU, "TF32", Way.COMPILED)
    assert found.keys() == {"convolutions", "filters", "pointwise", "weights"}
    assert sum(found.values()) == pytest.approx(expected)


def test_the_convolutions_are_those_that_the_steps_need(config):
    kernels = iteration_model.steps(config, 4, Way.OP_BY_OP)
    for name, calls in convolutions.steps(config).items():
        operations = sum(kernel.operations for kernel in kernels[name])
        needed = sum(call.multiplications * times for call, times in calls.items())
        assert operations == pytest.approx(2 * needed)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_more_bandwidth_never_takes_longer_and_fewer_passes_neither(config, arithmetic):
    times = []
    for bandwidth in (2e11, 1e12, 5e12):
        gpu = dataclasses.replace(GPU, bandwidth=bandwidth)
        times.append(
            [sum(iteration_model.seconds(config, gpu, arithmetic, way).values()) for way in Way]
        )
    for slower, faster in itertools.pairwise(times):
        assert all(one > other for one, other in zip(slower, faster))
    for op_by_op, compiled, joined in times:
        assert op_by_op > compiled > joined


def test_narrower_numbers_and_tensor_cores_never_take_longer(config):
    for way in Way:
        found = [
            sum(iteration_model.seconds(config, GPU, arithmetic, way).values())
            for arithmetic in ARITHMETICS
        ]
        assert found == sorted(found, reverse=True)
