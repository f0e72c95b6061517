"""How every part is: what answers, what is late, what is down."""

import asyncio
import shutil
from collections import namedtuple
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from teleconsult.accounts.actor import SYSTEM
from teleconsult.audit import record
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.documents.press import Press
from teleconsult.errors import Unavailable
from teleconsult.health import Part, Parts, Reading, State, examine
from teleconsult.imaging.dimse.committing import Desk
from teleconsult.imaging.dimse.listener import Door
from teleconsult.imaging.dimse.recognising import Hall
from teleconsult.imaging.receiving import Receiver
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.objects import Objects, open_store
from teleconsult.settings import Settings
from tests.certificates import make_certificate
from tests.teleconsult.messages.test_mail import Mailbox, secured, server

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
async def parts(sessions: Sessions, settings: Settings) -> AsyncIterator[Parts]:
    """A whole small installation, without a worker and without a mail server."""
    settings.data.mkdir(parents=True, exist_ok=True)
    press, sandbox = Press(), Sandbox(workers=1)
    yield Parts(settings, sessions, Objects(open_store(None, settings.data)), press, sandbox)
    press.close()
    await sandbox.close()


async def readings(parts: Parts) -> dict[Part, Reading]:
    return {reading.part: reading for reading in await examine(parts)}


async def test_every_part_is_asked_and_says_what_it_measured(parts: Parts) -> None:
    found = await readings(parts)
    assert set(found) == set(Part)
    assert {part for part, reading in found.items() if reading.state is State.FAIL} == set()
    assert {part for part, reading in found.items() if reading.state is State.WARN} >= {Part.WORKER, Part.MAIL}
    assert found[Part.DATABASE].values["milliseconds"] is not None
    assert found[Part.QUEUE].values["waiting"] == 0
    assert found[Part.DISK].values["free"]


async def test_late_jobs_given_up_jobs_and_a_worker_are_noticed(parts: Parts, sessions: Sessions) -> None:
    async with transaction(sessions, SYSTEM) as session:
        for status in ("todo", "failed"):
            await session.execute(
                text("insert into procrastinate_jobs (queue_name, task_name, status) values ('default', 'x', :status)"),
                {"status": status},
            )
        await session.execute(text("update procrastinate_events set at = now() - interval '10 minutes'"))
        await session.execute(text("insert into procrastinate_workers default values"))
    found = await readings(parts)
    assert found[Part.QUEUE].state is State.WARN
    assert (found[Part.QUEUE].values["waiting"], found[Part.QUEUE].values["failed"]) == (1, 1)
    assert found[Part.WORKER].state is State.OK
    async with transaction(sessions, SYSTEM) as session:
        await session.execute(text("update procrastinate_workers set last_heartbeat = now() - interval '5 minutes'"))
    assert (await readings(parts))[Part.WORKER].state is State.WARN
    async with transaction(sessions, SYSTEM) as session:
        await session.execute(text("delete from procrastinate_workers"))


async def test_a_mail_server_that_answers_and_one_that_does_not(parts: Parts, settings: Settings) -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with_mail = replace(parts, settings=settings.model_copy(update={"smtp_url": f"smtp://127.0.0.1:{port}"}))
    assert (await readings(with_mail))[Part.MAIL].state is State.OK
    server.close()
    await server.wait_closed()
    down = (await readings(with_mail))[Part.MAIL]
    assert (down.state, down.values["error"]) == (State.FAIL, "ConnectionRefusedError")


async def test_the_server_that_notes_are_mailed_by(parts: Parts, settings: Settings, tmp_path: Path) -> None:
    assert (await readings(parts))[Part.SECURE_MAIL] == Reading(Part.SECURE_MAIL, State.OK, {"door": "closed"})
    certificate = make_certificate(tmp_path / "server")
    with server(Mailbox(), tls_context=secured(certificate), require_starttls=True) as port:
        set_up = {"secure_mail_url": f"smtp://127.0.0.1:{port}", "secure_mail_from": "us@chu.mssante.fr"}
        trusted = settings.model_copy(update=set_up | {"secure_mail_ca": certificate.certificate})
        assert (await readings(replace(parts, settings=trusted)))[Part.SECURE_MAIL].state is State.OK
        distrusted = replace(parts, settings=settings.model_copy(update=set_up))
        assert (await readings(distrusted))[Part.SECURE_MAIL].state is State.FAIL


async def test_a_log_nobody_signs_is_noticed(parts: Parts, sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    async with transaction(sessions, SYSTEM) as session:
        record(session, SYSTEM, "retention-run")
    assert (await readings(parts))[Part.AUDIT].state is State.OK
    monkeypatch.setattr("teleconsult.health.now", lambda: now() + timedelta(minutes=6))
    assert (await readings(parts))[Part.AUDIT].state is State.WARN


@pytest.mark.parametrize(("free", "state"), [(50, State.OK), (10, State.WARN), (2, State.FAIL)])
async def test_a_disk_that_fills(parts: Parts, monkeypatch: pytest.MonkeyPatch, free: int, state: State) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(100, 100 - free, free))
    assert (await readings(parts))[Part.DISK].state is state


async def test_a_part_that_is_gone_does_not_take_the_others_along(parts: Parts, settings: Settings) -> None:
    shutil.rmtree(settings.data / "objects")
    (settings.data / "objects").write_text("a file where a folder should be")
    found = await readings(parts)
    assert found[Part.OBJECTS].state is State.FAIL
    assert found[Part.DATABASE].state is State.OK


async def test_the_press_and_the_sandbox_answer_more_than_once(parts: Parts) -> None:
    for _twice in range(2):
        await parts.press.answer()
        await parts.sandbox.answer()


async def test_a_press_that_is_killed_says_so_and_comes_back(parts: Parts) -> None:
    await parts.press.answer()
    pool = parts.press._pool
    assert pool is not None
    for process in pool._processes.values():
        process.kill()
    with pytest.raises(Unavailable):
        await parts.press.answer()
    await parts.press.answer()


async def test_the_door_for_images_is_spoken_to(parts: Parts, sessions: Sessions) -> None:
    receiver = Receiver(sessions=sessions, objects=parts.objects, sandbox=parts.sandbox, file_limit=1)
    desk = Desk(sessions, parts.objects, parts.sandbox, "TELECONSULT")
    hall = Hall(sessions, receiver, desk, ae_title="TELECONSULT", data=parts.settings.data, file_limit=1)
    assert (await readings(parts))[Part.DIMSE] == Reading(Part.DIMSE, State.OK, {"door": "closed"})
    async with Door(hall).opened("127.0.0.1", 0, None) as server:
        port = server.sockets[0].getsockname()[1]
        open_door = replace(parts, settings=parts.settings.model_copy(update={"dimse_port": port}))
        assert (await readings(open_door))[Part.DIMSE] == Reading(Part.DIMSE, State.OK, {"port": port})
    assert (await readings(open_door))[Part.DIMSE].state is State.FAIL
