"""Where documents are rendered: a process of its own, so that laying out a page never holds up a call."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context, parent_process
from typing import Final, TypeVar

from teleconsult.errors import Unavailable
from teleconsult.notes.content import NoteContent

SECONDS: Final = 30
"""How long a document may wait for the process and be rendered by it; a note takes a third of a second."""


Done = TypeVar("Done")


class Press:
    """One rendering process, started with the first document and started again when it died."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    async def note(self, content: NoteContent, *, is_signed: bool) -> bytes:
        """`render_note`, elsewhere. Raises Unavailable when the process died over it, or took half a minute."""
        return await self._run(partial(_render, content, is_signed=is_signed))

    async def answer(self) -> None:
        """Show that the process starts and finds its libraries. Raises Unavailable."""
        await self._run(_load)

    async def _run(self, work: Callable[[], Done]) -> Done:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                max_workers=1, mp_context=get_context("spawn"), initializer=_end_with_parent
            )
        pool = self._pool
        try:
            return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(pool, work), SECONDS)
        except (BrokenProcessPool, TimeoutError) as error:
            if self._pool is pool:  # else somebody waiting with us has closed it already
                self.close()
            raise Unavailable("The note could not be printed now. Try again in a moment.") from error

    def close(self) -> None:
        """End the process, whatever it is at; what was not begun is dropped."""
        pool, self._pool = self._pool, None
        if pool is not None:
            at_work = list(pool._processes.values())  # there is no public way to end one before Python 3.14
            pool.shutdown(wait=False, cancel_futures=True)
            for process in at_work:
                process.kill()


def _end_with_parent() -> None:
    """The process waits at a pipe of which it holds both ends: nothing else tells it that its server was killed."""
    threading.Thread(target=_await_end_of_parent, name="ends-with-parent", daemon=True).start()


def _await_end_of_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _load() -> None:
    from teleconsult.documents import pdf

    assert pdf


def _render(content: NoteContent, *, is_signed: bool) -> bytes:
    """Loads the heavy libraries in the rendering process alone."""
    from teleconsult.documents.pdf import render_note

    return render_note(content, is_signed=is_signed)
