"""What a process runs on, for whoever wants to repeat its results."""

import importlib.metadata
import os
import platform

_PACKAGES = ("tensorflow", "keras", "numpy", "scipy", "pillow")


def describe() -> dict[str, str]:
    """Returns what this process runs on, in words, by what it is."""
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {
        "python": platform.python_version(),
        **versions,
        "system": platform.platform(terse=True),
        "processor": f"{platform.machine()}, {os.cpu_count()} cores",
    }
