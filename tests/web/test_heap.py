"""However many threads a process has, its heap stays in two pieces."""

import ctypes
import subprocess
import sys

import pytest

THREADS = """
import ctypes, sys, threading
from web.heap import share_arenas

if sys.argv[1] == "shared":
    share_arenas()
met = threading.Barrier(9)


def hold() -> None:
    held = [bytes(4000) for _ in range(100)]
    met.wait()
    met.wait()
    del held


threads = [threading.Thread(target=hold) for _ in range(8)]
for thread in threads:
    thread.start()
met.wait()
libc = ctypes.CDLL(None)
out = ctypes.c_void_p.in_dll(libc, "stdout")
libc.malloc_info(0, out)
libc.fflush(out)
met.wait()
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="not the GNU C library")
@pytest.mark.parametrize(("how", "is_small"), [("shared", True), ("each its own", False)])
def test_threads_share_two_arenas(how: str, is_small: bool) -> None:
    told = subprocess.run([sys.executable, "-c", THREADS, how], capture_output=True, text=True, check=True).stdout
    assert (told.count("<heap nr=") <= 2) is is_small
