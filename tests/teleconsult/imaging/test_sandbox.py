"""Hostile files are refused soon, and cost at most the worker that met them."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from teleconsult.imaging.refusals import Refusal, Unreadable
from teleconsult.imaging.sandbox import Sandbox
from tests.teleconsult.imaging.files import HEAD, dicom_bytes, hostile_files
from tests.waiting import PATIENCE, eventually

HOSTILE = hostile_files()
SECONDS = 20  # a job; far more than any takes on a machine that does nothing else


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    pool = Sandbox(workers=2, seconds=SECONDS)
    yield pool
    await pool.close()


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_file_is_refused_and_the_service_lives(name: str, sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "hostile.dcm"
    path.write_bytes(HOSTILE[name])
    await sandbox.ask("header", HEAD)
    began = time.monotonic()
    with pytest.raises(Unreadable):  # most at the header; those that look well until their pixels are read, there
        await sandbox.ask("header", path)
        await sandbox.ask("rendered", path, index=0, window=None, size=512)
    assert time.monotonic() - began < 2 * SECONDS + PATIENCE, "two jobs, and a worker that starts between"
    assert (await sandbox.ask("header", HEAD)).head["modality"] == "CT"


async def test_every_file_gets_its_own_answer(sandbox: Sandbox, tmp_path: Path) -> None:
    paths = []
    for number in range(20):
        path = tmp_path / str(number)
        path.write_bytes(dicom_bytes(InstanceNumber=number))
        paths.append(path)
    answers = await asyncio.gather(*(sandbox.ask("header", path) for path in paths))
    assert [answer.head["instance_number"] for answer in answers] == list(range(20))


async def test_a_job_that_takes_too_long_is_ended(tmp_path: Path, sandbox: Sandbox) -> None:
    await sandbox.ask("header", HEAD)
    with pytest.raises(Unreadable) as raised:
        await sandbox.ask("pixels", HEAD, index=0, seconds=0.001)
    assert raised.value.refusal is Refusal.TOO_DEMANDING
    assert (await sandbox.ask("pixels", HEAD, index=0)).head["rows"] == 512


async def test_a_worker_that_died_while_idle_is_replaced(sandbox: Sandbox) -> None:
    await sandbox.ask("header", HEAD)
    worker = await sandbox._idle.get()
    assert worker is not None
    worker.process.kill()
    await worker.process.wait()
    sandbox._idle.put_nowait(worker)
    assert (await sandbox.ask("header", HEAD)).head["rows"] == 512


async def test_memory_is_bounded(tmp_path: Path) -> None:
    sandbox = Sandbox(workers=1, memory=300 * 1024 * 1024)
    path = tmp_path / "large.dcm"
    path.write_bytes(dicom_bytes(side=8000))
    with pytest.raises(Unreadable) as raised:
        await sandbox.ask("rendered", path, index=0, window=None, size=1024)
    assert raised.value.refusal is Refusal.TOO_DEMANDING
    assert (await sandbox.ask("header", HEAD)).head["rows"] == 512
    await sandbox.close()


@pytest.mark.usefixtures("own_processes")
async def test_workers_are_recycled() -> None:
    sandbox = Sandbox(workers=1, jobs_per_worker=2)
    processes = set()
    for _turn in range(4):
        await sandbox.ask("header", HEAD)
        worker = sandbox._idle.get_nowait()
        assert worker is not None
        processes.add(worker.process.pid)
        sandbox._idle.put_nowait(worker)
    assert len(processes) == 2
    await sandbox.close()


@pytest.mark.usefixtures("own_processes")
async def test_a_worker_knows_no_secret(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    monkeypatch.setenv("TELECONSULT_SECRET_KEY", "not for workers")
    await sandbox.ask("header", HEAD)
    worker = sandbox._idle.get_nowait()
    assert worker is not None
    environment = Path(f"/proc/{worker.process.pid}/environ").read_bytes()
    sandbox._idle.put_nowait(worker)
    assert b"not for workers" not in environment


def test_a_worker_loads_nothing_of_the_database() -> None:
    """It would cost as long again to start, as much memory again, and be there for whoever takes a worker over."""
    code = "import sys, teleconsult.imaging.sandbox.worker; print(*{'sqlalchemy', 'psycopg'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


async def test_a_cancelled_job_frees_its_place(tmp_path: Path) -> None:
    sandbox = Sandbox(workers=1)
    await sandbox.ask("header", HEAD)
    endless = tmp_path / "endless"
    os.mkfifo(endless)
    job = asyncio.create_task(sandbox.ask("header", endless))
    assert await eventually(sandbox._idle.empty)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert (await sandbox.ask("header", HEAD)).head["rows"] == 512
    await sandbox.close()
