"""The press prints in another process, and starts a new one when that died."""

import os
import signal
from multiprocessing.connection import wait

import pytest

from teleconsult.documents import press as printing
from teleconsult.documents.pdf import render_note
from teleconsult.documents.press import Press
from teleconsult.errors import Unavailable
from tests import note_steps


@pytest.mark.usefixtures("own_processes")
async def test_prints_the_same_and_survives_its_process() -> None:
    press, note = Press(), note_steps.content()
    try:
        assert await press.note(note, is_signed=True) == render_note(note, is_signed=True)
        assert press._pool
        (process,) = press._pool._processes.values()
        assert process.pid
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(Unavailable):
            await press.note(note, is_signed=True)
        assert (await press.note(note, is_signed=False)).startswith(b"%PDF-")
    finally:
        press.close()


@pytest.mark.usefixtures("own_processes")
async def test_ends_a_process_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    press, note = Press(), note_steps.content()
    try:
        await press.note(note, is_signed=True)
        assert press._pool
        (process,) = press._pool._processes.values()
        monkeypatch.setattr(printing, "SECONDS", 0.01)
        with pytest.raises(Unavailable):
            await press.note(note, is_signed=True)
        assert wait([process.sentinel], 5), "it was ended"  # whose exit code another thread may have taken
        monkeypatch.undo()
        assert (await press.note(note, is_signed=True)).startswith(b"%PDF-")
    finally:
        press.close()
