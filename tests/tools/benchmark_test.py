"""The floor counts each convolution as often as an iteration needs it."""

import pytest

from dualcontrast.tools import benchmark
from dualcontrast.tools.benchmarks import convolutions, peak_memory
from dualcontrast.trainer.config import schema


def config_e(resolution):
    changes = {"training.batch_size": 8, "loss": "non_saturating"}
    return schema.resolve(schema.replace(schema.Config(), changes), resolution, 3)


def multiplications(calls):
    return sum(call.multiplications * times for call, times in calls.items())


# Multiply-adds of one image through config E, filters and dense layers (about half a percent)
# included, as counted independently of this project.
@pytest.mark.parametrize("side, generator, discriminator", [(64, 7.67, 7.89), (128, 11.33, 11.70)])
def test_the_forward_passes_have_config_e_s_multiplications(side, generator, discriminator):
    g = convolutions.Generator(side, 3, 8192, 512).forward(batch=1)
    d = convolutions.Discriminator(side, 3, 8192, 512).forward(batch=1)
    assert multiplications(g) / 1e9 == pytest.approx(generator, rel=0.01)
    assert multiplications(d) / 1e9 == pytest.approx(discriminator, rel=0.01)


@pytest.mark.parametrize("side, trillions", [(64, 1.63), (128, 2.41)])
def test_an_iteration_has_the_operations_of_its_passes(side, trillions):
    # D: G + 6 D. G: 3 G + 2 D. R1: 6 D. Path length: 6 G on half the batch.
    steps = convolutions.steps(config_e(side))
    each = {name: multiplications(calls) for name, calls in steps.items()}
    iteration = sum(each[name] * benchmark.SHARES[name] for name in each)
    assert 2 * iteration / 1e12 == pytest.approx(trillions, rel=0.01)


def test_the_dual_contrastive_loss_judges_the_reals_once_more():
    config = config_e(64)
    plain = convolutions.steps(config)["G"]
    contrast = convolutions.steps(config, generator_sees_reals=True)["G"]
    judged = convolutions.Discriminator(64, 3, 8192, 512).forward(8)
    assert contrast == plain + judged


def test_a_missed_target_is_the_exit_code(capsys):
    seconds = {(name,): 1.0 for name in (*benchmark.SHARES, "generator")}
    floor = {name: 0.9 for (name,) in seconds}
    assert benchmark._report(64, "float32", seconds, floor, memory=2.0, rejected=0) == 0
    assert benchmark._report(64, "float32", seconds, floor, memory=3.0, rejected=0) == 1
    slow = {name: 0.7 for name in floor}
    assert benchmark._report(64, "float32", seconds, slow, memory=2.0, rejected=0) == 1
    assert benchmark._report(64, "mixed_bfloat16", seconds, slow, memory=2.0, rejected=0) == 0
    assert "MISSED" in capsys.readouterr().out


def test_peak_memory_is_that_of_this_process():
    assert 0.05 < peak_memory.gigabytes() < 24
