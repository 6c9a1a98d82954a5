"""The cost of attention is a ratio of whole iterations."""

import pytest

from dualcontrast.tools.benchmarks import attention_cost, training_iteration
from dualcontrast.tools.benchmarks.training_iteration import SHARES


def seconds(of_steps: dict[str, float]) -> dict[tuple[str, str], float]:
    plain = {("plain", step): 1.0 for step in SHARES}
    return plain | {("kind", step): of_steps.get(step, 1.0) for step in SHARES}


@pytest.mark.parametrize("cost, exit_code", [(1.2, 0), (1.5, 1)])
def test_a_dear_step_counts_as_often_as_it_runs(cost, exit_code, capsys):
    # D is one step of 1 + 1/4 + 1 + 1 + 1/16.
    assert attention_cost.report("title", seconds({"D": cost}), "kind", most=1.1) == exit_code
    out = capsys.readouterr().out
    assert f"title: {1 + (cost - 1) / sum(SHARES.values()):.3f} of the plain iteration" in out
    assert ("MISSED" in out) == bool(exit_code)


@pytest.mark.parametrize("kind", attention_cost.KINDS)
def test_each_kind_is_a_configuration(kind):
    config = training_iteration.config(64, "float32", attention_cost.KINDS[kind][0])
    attention = config.generator.attention.kind, config.discriminator.attention.pairing
    assert sorted(attention) in (["none", "san"], ["none", "reference"])
