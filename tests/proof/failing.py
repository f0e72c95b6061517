"""One statement, or one write to the disk, of those that an act consists of: it fails, or ends the process."""

import asyncio
import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from typing import Any, Final
from unittest.mock import patch

import obstore
import psycopg

HANGS: Final = 20.0
"""Seconds until a statement that hangs is given up: longer than the product waits for one."""


class Way(StrEnum):
    """How it fails."""

    RAISE = "raise"
    KILL = "kill"
    HANG = "hang"


class Kind(StrEnum):
    """What fails."""

    STATEMENT = "statements"
    WRITE = "writes"


class Cut(psycopg.OperationalError):
    """The line to the database is gone, as far as this statement knows."""


class Cutting:
    """Counts what runs, and has the one of that number fail."""

    def __init__(self, kind: Kind, number: int, way: Way) -> None:
        self.ran, self._kind, self._number, self._way = 0, kind, number, way

    @property
    def came(self) -> bool:
        """Whether there was one of that number."""
        return self.ran >= self._number

    def _is_it(self) -> bool:
        self.ran += 1
        if self.ran != self._number:
            return False
        if self._way is Way.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        return True

    def statement(self, whole: Callable[..., Any]) -> Callable[..., Any]:
        """In place of a cursor's own."""

        async def execute(cursor: Any, *about: Any, **more: Any) -> Any:
            if self._is_it():
                if self._way is Way.HANG:
                    await asyncio.sleep(HANGS)
                raise Cut("cut for a proof")
            return await whole(cursor, *about, **more)

        return execute

    def put(self, whole: Callable[..., Any]) -> Callable[..., Any]:
        """In place of what hands a file to the object store."""

        async def write(*about: Any, **more: Any) -> Any:
            if self._is_it():
                raise OSError(errno.EIO, "cut for a proof")
            return await whole(*about, **more)

        return write

    def write(self, whole: Callable[..., Any]) -> Callable[..., Any]:
        """In place of a call of the system's that writes."""

        def call(*about: Any, **more: Any) -> Any:
            if self._is_it():
                raise OSError(errno.EIO, "cut for a proof")
            return whole(*about, **more)

        return call


@contextmanager
def failing(kind: Kind, number: int, way: Way = Way.RAISE) -> Iterator[Cutting]:
    """Inside the block, that one fails: of the job queue's too, and of what a thread writes."""
    cutting = Cutting(kind, number, way)
    with ExitStack() as stack:
        if kind is Kind.STATEMENT:
            for name in ("execute", "executemany"):
                whole = getattr(psycopg.AsyncCursor, name)
                stack.enter_context(patch.object(psycopg.AsyncCursor, name, cutting.statement(whole)))
        else:
            for name in ("put_async", "copy_async"):
                stack.enter_context(patch.object(obstore, name, cutting.put(getattr(obstore, name))))
            for name in ("fsync", "link", "pwrite", "replace", "mkdir"):
                stack.enter_context(patch.object(os, name, cutting.write(getattr(os, name))))
        yield cutting
