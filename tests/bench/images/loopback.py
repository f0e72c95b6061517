"""A network of one machine: Orthanc listens on every address there is, so there is none but loopback's."""

import fcntl
import os
import socket
import struct
import sys
from collections.abc import Sequence
from typing import Final

_INSIDE: Final = "TELECONSULT_BENCH_INSIDE"
_SET_FLAGS: Final = 0x8914
"""SIOCSIFFLAGS."""
_UP_AND_RUNNING: Final = 0x41


def enter(module: str, arguments: Sequence[str]) -> None:
    """Begin `python -m module` anew in a network namespace of its own; return where that is done.

    Who is not root becomes the owner of the namespace alone. Both sides and all their clients live in it.
    """
    if os.environ.get(_INSIDE):
        _raise_loopback()
        return
    apart = ["unshare", "--net"]
    if os.geteuid():
        apart += ["--user", "--map-current-user", "--keep-caps"]
    os.execvpe(apart[0], [*apart, sys.executable, "-m", module, *arguments], {**os.environ, _INSIDE: "1"})


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        fcntl.ioctl(asked, _SET_FLAGS, struct.pack("16sh", b"lo", _UP_AND_RUNNING))
