"""STOW-RS at its limits: what is too large, too much, too slow, or breaks off, and a disk without room."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pydicom.uid import generate_uid
from pytest_aiohttp.plugin import AiohttpClient
from sqlalchemy import func, select

from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingInstance
from teleconsult.settings import Settings
from tests.people import Cast
from tests.stow_steps import RELATED, failures, parts, send, send_body, slice_of, stored
from tests.waiting import eventually
from tests.web.fhir_client import Program, program
from web.app import make_app

Client = TestClient[web.Request, web.Application]
MIB = 1024 * 1024


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Room for 8 MiB a request, and 1 MiB an instance."""
    return settings.model_copy(update={"upload_limit": 8 * MIB, "upload_file_limit": MIB})


@pytest.fixture
async def client(settings: Settings, aiohttp_client: AiohttpClient) -> Client:
    return await aiohttp_client(make_app(settings))


@pytest.fixture
async def doctor(client: Client, sessions: Sessions, cast: Cast) -> Program:
    return await program(client, sessions, cast.rural)


@pytest.fixture(autouse=True)
async def nothing_left(settings: Settings, doctor: Program) -> AsyncIterator[None]:
    yield
    assert await eventually(lambda: not list((settings.data / "tmp").rglob("*")))


async def count(sessions: Sessions) -> int:
    async with transaction(sessions) as session:
        return await session.scalar(select(func.count()).select_from(ImagingInstance)) or 0


async def test_one_that_is_too_large_is_left_out_and_the_rest_arrives(doctor: Program, cast: Cast) -> None:
    answer, told = await send(doctor, slice_of(cast), slice_of(cast, side=800), slice_of(cast))
    assert (answer.status, failures(told), len(stored(told))) == (202, [0xA700], 2)


async def test_a_body_over_the_limit_ends_there_and_what_was_stored_stays(
    doctor: Program, cast: Cast, sessions: Sessions
) -> None:
    many = [slice_of(cast, side=256) for _number in range(80)]
    answer, _told = await send(doctor, *many)
    assert answer.status == 413
    assert await count(sessions) == 50, "a whole lot was there before: sent again, it is known"
    answer, told = await send(doctor, *many[:40])
    assert (answer.status, len(stored(told))) == (200, 40)
    assert await count(sessions) == 50


async def test_whatever_length_is_announced_what_comes_is_counted(doctor: Program, cast: Cast) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield parts([b"x"], end=False)
        while True:
            yield bytes(64 * 1024)

    answer = await doctor.client.post(
        "/dicomweb/studies", data=endless(), headers={**doctor.headers, "Content-Type": RELATED}
    )
    assert answer.status == 413


async def test_ten_thousand_tiny_parts_are_too_many(doctor: Program, sessions: Sessions) -> None:
    answer, _told = await send_body(doctor, parts([b"x"] * 10_000))
    assert answer.status == 413
    assert await count(sessions) == 0


async def test_who_falls_silent_is_not_waited_for(
    doctor: Program, cast: Cast, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.arriving.SILENCE_SECONDS", 0.1)
    stop = asyncio.Event()

    async def silent() -> AsyncIterator[bytes]:
        yield parts([slice_of(cast)], end=False)
        await stop.wait()

    answer = await doctor.client.post(
        "/dicomweb/studies", data=silent(), headers={**doctor.headers, "Content-Type": RELATED}
    )
    stop.set()
    assert answer.status == 408
    assert await count(sessions) == 0


async def test_who_breaks_off_leaves_nothing(doctor: Program, cast: Cast, sessions: Sessions) -> None:
    reader, writer = await asyncio.open_connection(doctor.client.host, doctor.client.port)
    head = {"Host": "x", **doctor.headers, "Content-Type": RELATED, "Content-Length": "100000"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    writer.write(f"POST /dicomweb/studies HTTP/1.1\r\n{lines}\r\n".encode() + parts([slice_of(cast)], end=False))
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert await reader.read() == b""
    assert await count(sessions) == 0


async def test_a_disk_without_room_is_said(
    doctor: Program, cast: Cast, sessions: Sessions, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    make = tempfile.mkdtemp

    def full(**where: str) -> str:
        folder = make(prefix=where["prefix"], dir=where["dir"])
        (Path(folder) / "1").symlink_to("/dev/full")
        return folder

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    answer, told = await send(doctor, slice_of(cast))
    assert (answer.status, told["error"]) == (503, "There is no room left for files. Tell the administrator.")
    assert await count(sessions) == 0


async def test_many_senders_at_once_store_each_once(doctor: Program, cast: Cast, sessions: Sessions) -> None:
    study = generate_uid()
    sent = [slice_of(cast, StudyInstanceUID=study) for _number in range(6)]
    answers = await asyncio.gather(*(send(doctor, *sent[start:], *sent[:start]) for start in range(6)))
    assert {answer.status for answer, _told in answers} == {200}
    assert await count(sessions) == 6
