"""glibc keeps what tensors free, unless the user has said how it shall work."""

import ctypes
import subprocess
import sys
import types

from dualcontrast.trainer import heap

# Writes every page of 64 MB, five times over.
PAGES = """
import ctypes, resource, sys
from dualcontrast.trainer import heap
if sys.argv[1] == "kept":
    assert heap.keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    block = libc.malloc(ctypes.c_size_t(64 << 20))
    ctypes.memset(block, 1, 64 << 20)
    libc.free(ctypes.c_void_p(block))
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how):
    command = [sys.executable, "-c", PAGES, how]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_a_large_block_has_fresh_pages_once():
    assert 2 * faults("kept") < faults("as it comes")


def test_the_user_s_own_settings_stay(monkeypatch):
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "1000000")
    monkeypatch.setattr(ctypes, "CDLL", None)
    assert not heap.keep_freed_memory()


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: types.SimpleNamespace())
    assert not heap.keep_freed_memory()
