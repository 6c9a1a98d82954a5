"""The cost of augmentations is a ratio of whole iterations."""

import pytest

from dualcontrast.tools.benchmarks import attention_cost, augmentation_cost, training_iteration


@pytest.mark.parametrize("resolution, family", [(32, "sngan"), (64, "stylegan2")])
def test_each_kind_is_a_configuration_at_each_resolution(resolution, family):
    for changes, _ in augmentation_cost.KINDS.values():
        config = augmentation_cost.configuration(resolution, changes)
        assert config.augmentation.family == changes["augmentation"]
        assert config.generator.family == config.discriminator.family == family


def test_sndcgan_has_two_steps_of_which_each_counts_once(capsys):
    taken = training_iteration.steps_of(augmentation_cost.configuration(32, {}))
    assert [taken[name].every for name in ("G", "D")] == [None, None]
    seconds = {("plain", "G"): 2.0, ("plain", "D"): 3.0, ("ada", "G"): 2.2, ("ada", "D"): 3.3}
    assert attention_cost.report("title", seconds, "ada", 1.05, {"G": 1.0, "D": 1.0}) == 1
    assert "title: 1.100 of the plain iteration (target at most 1.05) MISSED" in (
        capsys.readouterr().out
    )
