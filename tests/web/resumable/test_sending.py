"""Files that arrive in several requests: begun, gone on with, taken in, given up, whatever breaks meanwhile."""

import asyncio
import os
import time
import zipfile
from collections.abc import AsyncIterator
from io import BytesIO
from uuid import UUID

import pytest
from pytest_aiohttp.plugin import AiohttpClient
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingStudy
from teleconsult.settings import Settings
from tests.conftest import Post
from tests.people import PASSWORD, Cast
from tests.teleconsult.imaging.files import REAL, dicom_bytes
from tests.waiting import eventually
from tests.web.resumable.tus import Client, Tus, audited, count, folder_of, kept
from tests.web.test_hostile_requests import cookie_of
from web import kept_uploads
from web.app import make_app
from web.csrf import token_for
from web.kept_uploads import KEPT_SECONDS, KeptUploads


async def test_a_file_in_pieces(tus: Tus, sessions: Sessions, settings: Settings) -> None:
    content = dicom_bytes()
    answer = await tus.begin(len(content))
    path = answer.headers["Location"]
    assert (answer.status, answer.headers["Upload-Offset"], answer.headers["Tus-Resumable"]) == (201, "0", "1.0.0")
    assert "Upload-Expires" in answer.headers
    answer = await tus.add(path, 0, content[:1000])
    assert (answer.status, answer.headers["Upload-Offset"], await answer.read()) == (204, "1000", b"")
    answer = await tus.ask("HEAD", path)
    assert (answer.headers["Upload-Offset"], answer.headers["Upload-Length"]) == ("1000", str(len(content)))
    assert answer.headers["Cache-Control"] == "no-store"
    assert (await tus.add(path, 1000, content[1000:])).headers["Upload-Offset"] == str(len(content))
    assert await count(sessions) == 0
    receipt = await tus.ask("POST", f"{path}/reception")
    assert await receipt.json() == {"stored": 1, "received": 1, "refused_count": 0, "refused": []}
    assert await count(sessions) == 1
    assert await audited(sessions, "images-stored") == 1
    assert kept(settings) == ["answer.json", "declared.json"]


async def test_what_came_in_is_what_was_sent(tus: Tus, settings: Settings) -> None:
    content = dicom_bytes(side=128)
    await tus.ask("POST", f"{await tus.sent(content)}/reception")
    stored = [path.read_bytes() for path in (settings.data / "objects").rglob("*") if path.is_file()]
    assert stored == [content]


async def test_taken_in_once_however_often_asked(tus: Tus, sessions: Sessions) -> None:
    content = dicom_bytes()
    path = await tus.sent(content)
    first, second = [await (await tus.ask("POST", f"{path}/reception")).json() for _turn in range(2)]
    assert first == second
    assert first["stored"] == 1
    assert await tus.offset(path) == len(content)
    again = await tus.ask("POST", f"{await tus.sent(content)}/reception")
    assert await again.json() == {"stored": 0, "received": 1, "refused_count": 0, "refused": []}
    assert await count(sessions) == 1


async def test_what_was_removed_can_be_sent_again(tus: Tus, post: Post, sessions: Sessions) -> None:
    path = await tus.sent(dicom_bytes())
    await tus.ask("POST", f"{path}/reception")
    under_way = await tus.begun(1000)
    async with transaction(sessions) as session:
        study = (await session.scalars(select(ImagingStudy))).one()
    assert (await post(f"/studies/{study.id}/removal")).status == 303
    assert (await tus.ask("HEAD", path)).status == 404, "else it would be taken for one that is here"
    assert await tus.offset(under_way) == 0


async def test_an_archive_says_what_was_left_out(tus: Tus, settings: Settings) -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("CT/IM1", dicom_bytes())
        archive.writestr("DICOMDIR", (REAL / "dicomdirtests" / "DICOMDIR").read_bytes())
        archive.writestr("autorun.inf", b"[autorun]")
    receipt = await (await tus.ask("POST", f"{await tus.sent(packed.getvalue())}/reception")).json()
    assert receipt["refused"] == [{"name": "autorun.inf", "code": "not-dicom", "reason": "This is not a DICOM file."}]
    assert (receipt["stored"], receipt["refused_count"]) == (1, 1)
    assert kept(settings) == ["answer.json", "declared.json"]


async def test_only_what_is_whole_is_taken_in(tus: Tus, sessions: Sessions) -> None:
    path = await tus.begun(1000)
    assert (await tus.ask("POST", f"{path}/reception")).status == 409
    assert await count(sessions) == 0


async def test_a_link_that_breaks_leaves_what_arrived(tus: Tus, client: Client, settings: Settings) -> None:
    path = await tus.begun(1_000_000)
    cookie = cookie_of(client)
    _reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(
        f"PATCH {path} HTTP/1.1\r\nHost: {client.host}:{client.port}\r\nCookie: session={cookie}\r\n"
        f"X-CSRF-Token: {token_for(settings, cookie)}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
        "Content-Type: application/offset+octet-stream\r\nContent-Length: 500000\r\n\r\n".encode()
        + bytes(1234)
    )
    await writer.drain()

    async def has_begun() -> bool:
        return await tus.offset(path) > 0

    assert await eventually(has_begun)
    assert (await tus.add(path, 1234, b"x")).status == 423, "another request is writing"
    assert (await tus.ask("DELETE", path)).status == 423
    writer.close()

    async def is_free() -> bool:
        return (await tus.add(path, 1234, b"x")).status == 204

    assert await eventually(is_free)
    assert await tus.offset(path) == 1235


async def test_a_silent_link_sets_the_upload_free(tus: Tus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.tus.SILENCE_SECONDS", 0.5)

    async def stalling() -> AsyncIterator[bytes]:
        yield b"begun"
        await asyncio.sleep(5)
        yield b"on"

    path = await tus.begun(1000)
    assert (await tus.add(path, 0, stalling())).status == 408
    assert await tus.offset(path) == 5
    assert (await tus.add(path, 5, b"!")).status == 204


async def test_given_up(tus: Tus, settings: Settings) -> None:
    path = await tus.begun(1000)
    await tus.add(path, 0, b"begun")
    assert (await tus.ask("DELETE", path)).status == 204
    assert kept(settings) == []
    for method in ("HEAD", "DELETE"):
        assert (await tus.ask(method, path)).status == 404
    assert (await tus.add(path, 5, b"on")).status == 404


async def test_a_day_later_it_is_gone(tus: Tus, settings: Settings) -> None:
    path, whole = await tus.begun(1000), await tus.sent(dicom_bytes())
    await tus.ask("POST", f"{whole}/reception")
    yesterday = time.time() - KEPT_SECONDS - 1
    os.utime(folder_of(settings, path) / "bytes", (yesterday, yesterday))
    os.utime(folder_of(settings, whole) / "answer.json", (yesterday, yesterday))
    for gone in (path, whole):
        assert (await tus.ask("HEAD", gone)).status == 404
    begun = folder_of(settings, await tus.begun(7))
    KeptUploads(settings.data).sweep()
    assert list((settings.data / "tmp" / "kept").glob("*/*/*")) == [begun]


async def test_it_survives_a_restart(
    tus: Tus, settings: Settings, engine: AsyncEngine, aiohttp_client: AiohttpClient, cast: Cast, sessions: Sessions
) -> None:
    content = dicom_bytes()
    path = await tus.begun(len(content))
    await tus.add(path, 0, content[:700])
    await tus.client.close()
    started = Tus(await aiohttp_client(make_app(settings, engine)), settings, UUID(int=0))
    await started.client.post("/sign-in", data={"email": cast.emails["rural"], "password": PASSWORD})
    assert await started.offset(path) == 700
    await started.add(path, 700, content[700:])
    assert (await started.ask("POST", f"{path}/reception")).status == 200
    assert await count(sessions) == 1


async def test_a_reception_that_was_killed_is_taken_up_again(tus: Tus, settings: Settings, sessions: Sessions) -> None:
    path = await tus.sent(dicom_bytes())
    (folder_of(settings, path) / "bytes-0").write_bytes(b"unpacked before the kill")
    assert (await (await tus.ask("POST", f"{path}/reception")).json())["stored"] == 1
    assert kept(settings) == ["answer.json", "declared.json"]


async def test_two_at_once_are_taken_in_once(tus: Tus, sessions: Sessions) -> None:
    path = await tus.sent(dicom_bytes())
    answers = await asyncio.gather(*(tus.ask("POST", f"{path}/reception") for _turn in range(2)))
    assert sorted(answer.status for answer in answers) in ([200, 423], [200, 200])
    assert await count(sessions) == 1


async def test_what_is_over_goes_by_itself(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_uploads, "SWEEP_SECONDS", 0.01)
    store = KeptUploads(settings.data)
    async with kept_uploads.swept(store):
        upload = store.begin(consult_id=UUID(int=1), role_id=UUID(int=2), name="IM1", length=1, limit=1)
        os.utime(upload.bytes, (0, 0))
        assert await eventually(lambda: not upload.folder.exists())
