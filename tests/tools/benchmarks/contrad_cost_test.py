"""ContraD's cost is a ratio to what three passes of the trunk and a step of G take."""

import pytest

from dualcontrast.tools import benchmark
from dualcontrast.tools.benchmarks import augmentation_cost, contrad_cost
from dualcontrast.trainer import state

NARROW = {"generator.width": 2, "discriminator.width": 2, "training.batch_size": 2}


def test_the_iteration_is_contrad_s_with_both_heads():
    config = augmentation_cost.configuration(32, contrad_cost.CHANGES)
    assert (config.loss.family, config.augmentation.family) == ("contrad", "simclr")
    assert config.training.batch_size == 64
    assert config.discriminator.head == "mlp" and config.discriminator.projection_size == 128
    assert config.generator.architecture == config.discriminator.architecture == "dcgan"


def test_the_floor_is_a_pass_of_three_batches_and_derives_by_the_trunk_alone(monkeypatch):
    config = augmentation_cost.configuration(32, contrad_cost.CHANGES | NARROW)
    built = state.State(config)
    network = built.discriminator
    variables = contrad_cost.trunk_variables(network)
    # Seven convolutions of a kernel and a bias; the heads' 8192 inputs are the most elsewhere.
    assert len(variables) == 14 and len(network.trainable_variables) == 14 + 3 * 4
    seen, features = [], type(network).features

    def listening(self, images, *more, **how):
        seen.append(images.shape)
        return features(self, images, *more, **how)

    monkeypatch.setattr(type(network), "features", listening)
    contrad_cost.three_passes(config, built)()
    assert seen == [[6, 32, 32, 3]]


@pytest.mark.parametrize("contrad, missed", [(3.2, 0), (3.4, 1)])
def test_it_is_printed_with_its_target_and_a_miss_is_told(contrad, missed, capsys, monkeypatch):
    # Of a floor of 3.85, iterations of 4.2 and of 4.4: 1.091 and 1.143.
    taken = {("contrad", "G"): 1.0, ("contrad", "D"): contrad}
    taken |= {("plain", "G"): 1.0, ("plain", "D"): 2.85}

    def medians(_, functions):
        assert set(functions) == set(taken)
        return taken

    monkeypatch.setattr(contrad_cost.QuietClock, "medians", medians)
    monkeypatch.setattr(contrad_cost.training_iteration, "stepper", lambda *_: None)
    monkeypatch.setattr(contrad_cost.state, "State", lambda config: None)
    monkeypatch.setattr(contrad_cost, "three_passes", lambda config, run: None)
    assert contrad_cost.measure(rounds=1) == missed
    ratio, verdict = (1 + contrad) / 3.85, "MISSED" if missed else "ok"
    line = f"32x32, contrad: {ratio:.3f} of three passes of D and a step of G (target at most 1.1)"
    assert f"{line} {verdict}: G 1.00, D {contrad / 2.85:.2f}\n" == capsys.readouterr().out


def test_a_busy_machine_is_told_and_counts_as_a_miss(capsys, monkeypatch):
    monkeypatch.setattr(contrad_cost.QuietClock, "medians", lambda *_: None)
    monkeypatch.setattr(contrad_cost.training_iteration, "stepper", lambda *_: None)
    monkeypatch.setattr(contrad_cost.state, "State", lambda config: None)
    monkeypatch.setattr(contrad_cost, "three_passes", lambda config, run: None)
    assert contrad_cost.measure(rounds=1) == 1
    assert "32x32, contrad: not measured" in capsys.readouterr().out


@pytest.mark.parametrize("resolution, calls", [(32, ["augmentations", "contrad"]), (64, None)])
def test_it_is_measured_beside_the_augmentations_at_32(resolution, calls, monkeypatch):
    made = []
    for module, name in ((augmentation_cost, "augmentations"), (contrad_cost, "contrad")):
        monkeypatch.setattr(module, "measure", lambda *_, name=name: made.append(name) or 1)
    assert benchmark.measure_augmentations(resolution, 1) == 1
    assert made == (calls or ["augmentations"])
