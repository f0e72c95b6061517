"""Where documents are rendered: a process of its own, so that laying out a page never holds up a call."""

import asyncio
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context

from teleconsult.errors import Unavailable
from teleconsult.notes.content import NoteContent


class Press:
    """One rendering process, started with the first document and started again when it died."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    async def note(self, content: NoteContent, *, is_signed: bool) -> bytes:
        """`render_note`, elsewhere. Raises Unavailable when the process died over it."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"))
        rendering = partial(_render, content, is_signed=is_signed)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, rendering)
        except BrokenProcessPool as error:
            self.close()
            raise Unavailable("The note could not be printed now. Try again in a moment.") from error

    def close(self) -> None:
        """Stop the process; what was not begun is dropped."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)


def _render(content: NoteContent, *, is_signed: bool) -> bytes:
    """Loads the heavy libraries in the rendering process alone."""
    from teleconsult.documents.pdf import render_note

    return render_note(content, is_signed=is_signed)
