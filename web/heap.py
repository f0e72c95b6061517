"""The C library's heap, kept small: a server has many threads, and each would get an arena that is never given back."""

import ctypes
from contextlib import suppress
from typing import Final

_ARENA_MAX: Final = -8
"""M_ARENA_MAX (mallopt(3))."""
_ARENAS: Final = 2


def share_arenas() -> None:
    """Have all threads of this process share two; to be asked for before there are any. Nothing without glibc."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, _ARENAS)
