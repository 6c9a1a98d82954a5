"""The systems side by side: every one has its row, with both losses, in the sweep's file too."""

import pathlib

import pytest
import yaml

from dualcontrast.configs import systems
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.loss_sections import DualContrastive
from dualcontrast.trainer.errors import UserError

SWEEP = pathlib.Path(__file__).parents[2] / "docs" / "sweeps" / "systems.yaml"
ROWS = yaml.safe_load(SWEEP.read_text())["rows"]


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_a_valid_configuration_with_the_loss_of_its_name(row):
    config = schema.resolve(systems.get_config(row), resolution=32, channels=3, classes=0)
    assert ROWS[row]["config"] == f"systems:{row}"
    assert isinstance(config.loss, DualContrastive) == row.endswith("_contr")


def test_rows_differ_in_nothing_that_decides_what_is_seen():
    seen = {
        (config.iteration_images, config.training, config.data, config.schedule.average)
        for config in map(systems.get_config, ROWS)
    }
    assert len(seen) == 1


def test_a_row_that_is_none_is_named_with_those_there_are():
    with pytest.raises(UserError, match="no row 'stylegan3', expected one of sngan, sagan"):
        systems.get_config("stylegan3")
    assert set(ROWS) == {name + ending for name in systems._SYSTEMS for ending in ("", "_contr")}
