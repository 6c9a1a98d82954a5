"""The floor counts each convolution as often as an iteration needs it, and the clock is honest."""

import time

import pytest

from dualcontrast.tools import benchmark
from dualcontrast.tools import benchmark_convolutions as convolutions
from dualcontrast.trainer import config as configs


def config_e(resolution):
    changes = {"training.batch_size": 8, "loss.adversarial": "non_saturating"}
    return configs.resolve(configs.replace(configs.Config(), changes), resolution, 3)


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


def test_medians_come_from_as_many_rounds_as_asked(monkeypatch):
    monkeypatch.setattr(benchmark, "_others_seconds", lambda: 0.0)
    calls = []
    clock = benchmark._Clock(rounds=3)
    seconds = clock.medians({("step",): lambda: calls.append(1), "conv": lambda: time.sleep(0.01)})
    assert len(calls) == 3 + 1  # one to warm up
    assert seconds["conv"] == pytest.approx(0.01, rel=0.5) and clock.rejected == 0


def test_busy_samples_are_taken_again(monkeypatch):
    used = iter([0.0, 1.0, 1.0, 1.0])  # others work for a second during the first sample
    monkeypatch.setattr(benchmark, "_others_seconds", lambda: next(used))
    clock = benchmark._Clock(rounds=1)
    assert clock.medians({"conv": lambda: None}) is not None
    assert clock.rejected == 1


def test_a_machine_that_stays_busy_is_given_up_on(monkeypatch):
    monkeypatch.setattr(benchmark, "_PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(benchmark, "_others_seconds", lambda: time.monotonic() * 10)
    assert benchmark._Clock(rounds=1).medians({"conv": lambda: time.sleep(0.01)}) is None


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
    assert 0.05 < benchmark.peak_gigabytes() < 24
