"""The compiled operations, for tests that need them."""

import pytest

from dualcontrast.custom_ops import library


@pytest.fixture(scope="session")
def compiled():
    """The library; without a compiler the tests that ask for it are skipped."""
    ops = library.load()
    if ops is None:
        pytest.skip(library.unavailable_because())
    return ops


@pytest.fixture(params=["cpu", "ref"])
def impl(request):
    """Each implementation that runs on a CPU."""
    if request.param == "cpu":
        request.getfixturevalue("compiled")
    return request.param
