"""One statement, or one write to the disk, of those that an act consists of: it fails, hangs, or ends the process."""

import asyncio
import errno
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import Any, Final
from unittest.mock import patch

import obstore
import psycopg

HANGS: Final = 120
"""Seconds until what hangs is over by itself: far longer than the product waits for a statement."""
HANGING: Final = f"select pg_sleep({HANGS})"


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
        self.hangs, self._is_let_go = threading.Event(), threading.Event()
        self.holds_all_up = False
        """Whether what hangs is asked for by the very thread that serves everybody: then it is not left hanging."""

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
                if self._way is not Way.HANG:
                    raise Cut("cut for a proof")
                await whole(cursor, HANGING)  # the server itself works at it, until somebody ends it
            return await whole(cursor, *about, **more)

        return execute

    def put(self, whole: Callable[..., Any]) -> Callable[..., Any]:
        """In place of what hands a file to the object store."""

        async def write(*about: Any, **more: Any) -> Any:
            if self._is_it():
                if self._way is not Way.HANG:
                    raise OSError(errno.EIO, "cut for a proof")
                self.hangs.set()
                await asyncio.to_thread(self._is_let_go.wait, HANGS)
            return await whole(*about, **more)

        return write

    def write(self, whole: Callable[..., Any]) -> Callable[..., Any]:
        """In place of a call of the system's that writes."""

        def call(*about: Any, **more: Any) -> Any:
            if self._is_it():
                if self._way is not Way.HANG:
                    raise OSError(errno.EIO, "cut for a proof")
                self.holds_all_up = threading.current_thread() is threading.main_thread()
                self.hangs.set()
                if not self.holds_all_up:
                    self._is_let_go.wait(HANGS)
            return whole(*about, **more)

        return call

    def let_go(self) -> None:
        """A write that hangs returns, and has written."""
        self._is_let_go.set()


OF_THIS_TASK: Final[ContextVar[Cutting | None]] = ContextVar("OF_THIS_TASK", default=None)
"""Whose statements a task's are, and those of the tasks it begins."""


@contextmanager
def each_apart() -> Iterator[None]:
    """Inside the block every statement is counted for `OF_THIS_TASK`: several acts are cut side by side."""

    def of_its_task(whole: Callable[..., Any]) -> Callable[..., Any]:
        async def execute(cursor: Any, *about: Any, **more: Any) -> Any:
            cutting = OF_THIS_TASK.get()
            asked = cutting.statement(whole) if cutting else whole
            return await asked(cursor, *about, **more)

        return execute

    with ExitStack() as stack:
        for name in ("execute", "executemany"):
            whole = getattr(psycopg.AsyncCursor, name)
            stack.enter_context(patch.object(psycopg.AsyncCursor, name, of_its_task(whole)))
        yield


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
