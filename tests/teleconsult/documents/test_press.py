"""The press prints in another process, and starts a new one when that died."""

import asyncio
import os
import signal
import sys
from multiprocessing.connection import wait
from pathlib import Path

import pytest

from teleconsult.documents import press as printing
from teleconsult.documents.pdf import render_note
from teleconsult.documents.press import Press
from teleconsult.errors import Unavailable
from tests import note_steps
from tests.waiting import eventually

PRINTS = """
import asyncio
from teleconsult.documents.press import Press

async def main():
    press = Press()
    await press.answer()
    print(*press._pool._processes, flush=True)
    await asyncio.sleep(600)

if __name__ == "__main__":
    asyncio.run(main())
"""


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


async def test_ends_with_a_server_that_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "prints.py"
    script.write_text(PRINTS)
    environment = {**os.environ, "PYTHONPATH": str(Path(printing.__file__).parents[2])}
    server = await asyncio.create_subprocess_exec(
        sys.executable, str(script), stdout=asyncio.subprocess.PIPE, env=environment
    )
    try:
        assert server.stdout
        process = Path("/proc") / (await server.stdout.readline()).decode().strip()
        assert process.exists()
    finally:
        server.kill()
        await server.wait()
    assert await eventually(lambda: not _runs(process)), "it would print for nobody, for ever"


def _runs(process: Path) -> bool:
    """What ended and was not asked for its exit code by who inherits it is a zombie (proc_pid_stat(5))."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
