"""Environment variables that would be ignored are refused."""

import pathlib
import re

import pytest

from dualcontrast.trainer import variables
from dualcontrast.trainer.errors import UserError

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.parametrize(
    "name, hint",
    [
        ("DUALCONTRAST_OP", "did you mean DUALCONTRAST_OPS"),
        ("DUALCONTRAST_CUDA_ARCH", "did you mean DUALCONTRAST_CUDA_ARCHS"),
        ("DUALCONTRAST_CACHE_DIR", "did you mean DUALCONTRAST_CACHE"),
        ("DUALCONTRAST_THREADS", "DUALCONTRAST_CACHE"),
    ],
)
def test_a_misspelt_variable_is_refused(name, hint, monkeypatch):
    monkeypatch.setenv(name, "1")
    with pytest.raises(UserError, match=f"unknown environment variable {name}: .*{hint}"):
        variables.check_own()


def test_every_variable_that_is_read_is_known():
    found = set()
    for package in ("augmentation", "custom_ops", "layers", "losses", "tools", "trainer"):
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            found |= set(re.findall(r"\"(DUALCONTRAST_[A-Z_]+[A-Z])\"", text))
    assert found == set(variables._OWN)
