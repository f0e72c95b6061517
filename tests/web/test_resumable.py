"""Files that arrive in several requests: begun, gone on with, asked for, taken in, given up; by nobody else."""

import asyncio
import base64
import errno
import os
import time
import zipfile
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from teleconsult.audit.models import AuditEvent
from teleconsult.consults.triage import cancel_consult
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingInstance, ImagingStudy
from teleconsult.settings import MIB, Settings
from tests import consult_steps
from tests.conftest import Post, SignIn
from tests.people import PASSWORD, Cast
from tests.teleconsult.imaging.files import REAL, dicom_bytes
from tests.web.test_hostile_requests import cookie_of
from web import kept_uploads
from web.app import make_app
from web.csrf import token_for
from web.kept_uploads import KEPT_SECONDS, MOST_OPEN, KeptUploads
from web.requests import SETTINGS
from web.views import uploads

Client = TestClient[web.Request, web.Application]
CONTENT = {"Content-Type": "application/offset+octet-stream"}
NAME = f"filename {base64.b64encode(b'../CT/IM1').decode()},filetype {base64.b64encode(b'x').decode()}"


class Tus:
    """A client of the protocol, as small as can be: one person's, for one consult."""

    def __init__(self, client: Client, settings: Settings, consult_id: UUID) -> None:
        self.client, self.settings = client, settings
        self.door = f"/consults/{consult_id}/uploads"

    async def ask(self, method: str, path: str, *, data: object = None, **headers: str) -> ClientResponse:
        own = {
            "Tus-Resumable": "1.0.0",
            "Accept": "application/json",
            "X-CSRF-Token": token_for(self.settings, cookie_of(self.client)),
        }
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(
            method, path, data=data, headers={name: value for name, value in {**own, **given}.items() if value}
        )

    async def begin(self, length: int, *, data: bytes | None = None, metadata: str = NAME) -> ClientResponse:
        content = CONTENT if data is not None else {}
        return await self.ask(
            "POST", self.door, data=data, Upload_Length=str(length), Upload_Metadata=metadata, **content
        )

    async def begun(self, length: int) -> str:
        answer = await self.begin(length)
        assert answer.status == 201, await answer.text()
        return answer.headers["Location"]

    async def add(self, path: str, offset: int, data: object, **headers: str) -> ClientResponse:
        return await self.ask("PATCH", path, data=data, **{"Upload_Offset": str(offset), **CONTENT, **headers})

    async def sent(self, content: bytes) -> str:
        """The address of a file that is here whole."""
        answer = await self.begin(len(content), data=content)
        assert answer.headers["Upload-Offset"] == str(len(content))
        return answer.headers["Location"]

    async def offset(self, path: str) -> int:
        answer = await self.ask("HEAD", path)
        assert answer.status == 200
        return int(answer.headers["Upload-Offset"])


@pytest.fixture
async def tus(cast: Cast, sessions: Sessions, signed_in: SignIn, client: Client, settings: Settings) -> Tus:
    """The requester's, for a draft of theirs."""
    draft = await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    return Tus(client, settings, draft.id)


@pytest.fixture
def narrow(client: Client, settings: Settings) -> Settings:
    """The same site, which takes 1 MiB a file and 2 MiB at once."""
    small = settings.model_copy(update={"upload_limit": 2 * MIB, "upload_file_limit": MIB})
    client.app._state[SETTINGS] = small
    return small


def kept(settings: Settings) -> list[str]:
    return sorted(path.name for path in (settings.data / "tmp").rglob("*") if path.is_file())


def folder_of(settings: Settings, path: str) -> Path:
    return next((settings.data / "tmp" / "kept").glob(f"*/*/{path.rsplit('/', 1)[1]}"))


async def count(sessions: Sessions) -> int | None:
    async with transaction(sessions) as session:
        return await session.scalar(select(func.count()).select_from(ImagingInstance))


async def audited(sessions: Sessions, action: str) -> int:
    async with transaction(sessions) as session:
        return len((await session.scalars(select(AuditEvent).where(AuditEvent.action == action))).all())


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
    for _turn in range(100):
        if await tus.offset(path):
            break
        await asyncio.sleep(0.02)
    assert (await tus.add(path, 1234, b"x")).status == 423, "another request is writing"
    assert (await tus.ask("DELETE", path)).status == 423
    writer.close()
    for _turn in range(100):
        answer = await tus.add(path, 1234, b"x")
        if answer.status != 423:
            break
        await asyncio.sleep(0.02)
    assert (answer.status, await tus.offset(path)) == (204, 1235)


async def test_a_silent_link_sets_the_upload_free(tus: Tus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "SILENCE_SECONDS", 0.05)

    async def stalling() -> AsyncIterator[bytes]:
        yield b"begun"
        await asyncio.sleep(0.3)
        yield b"on"

    path = await tus.begun(1000)
    assert (await tus.add(path, 0, stalling())).status == 408
    assert await tus.offset(path) == 5
    assert (await tus.add(path, 5, b"!")).status == 204


async def test_a_full_disk_is_said_in_words(tus: Tus, monkeypatch: pytest.MonkeyPatch) -> None:
    path = await tus.begun(1000)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    answer = await tus.add(path, 0, b"x")
    assert answer.status == 507
    assert (await answer.json())["error"] == "There is no room left for files. Tell the administrator."


async def test_the_place_must_be_right(tus: Tus) -> None:
    path = await tus.begun(1000)
    await tus.add(path, 0, b"12345")
    for offset in (0, 4, 6, 1000):
        assert (await tus.add(path, offset, b"x")).status == 409, offset
    assert await tus.offset(path) == 5


async def test_never_more_than_was_declared(tus: Tus) -> None:
    async def unannounced() -> AsyncIterator[bytes]:
        for _turn in range(3):
            yield bytes(5)

    path = await tus.begun(10)
    assert (await tus.add(path, 0, bytes(11))).status == 413
    assert await tus.offset(path) == 0
    assert (await tus.add(path, 0, unannounced())).status == 413
    assert await tus.offset(path) <= 10
    assert (await tus.begin(2, data=b"123")).status == 413


async def test_given_up(tus: Tus, settings: Settings) -> None:
    path = await tus.begun(1000)
    await tus.add(path, 0, b"begun")
    assert (await tus.ask("DELETE", path)).status == 204
    assert kept(settings) == []
    for method in ("HEAD", "DELETE"):
        assert (await tus.ask(method, path)).status == 404
    assert (await tus.add(path, 5, b"on")).status == 404


async def test_capabilities(tus: Tus, settings: Settings) -> None:
    answer = await tus.ask("OPTIONS", tus.door, Tus_Resumable="")
    assert answer.status == 204
    assert answer.headers["Tus-Version"] == answer.headers["Tus-Resumable"] == "1.0.0"
    assert answer.headers["Tus-Max-Size"] == str(settings.upload_file_limit)
    assert set(answer.headers["Tus-Extension"].split(",")) == {
        "creation", "creation-with-upload", "expiration", "termination",
    }  # fmt: skip


async def test_what_no_client_sends(tus: Tus, settings: Settings) -> None:
    for version in ("", "0.2.2"):
        answer = await tus.ask("POST", tus.door, Tus_Resumable=version, Upload_Length="1")
        assert (answer.status, answer.headers["Tus-Version"]) == (412, "1.0.0")
    for length in ("", "-1", "1.5", "x", "9" * 30, "\u0661"):
        assert (await tus.ask("POST", tus.door, Upload_Length=length)).status == 400, length
    for metadata in ("filename é", "filename a", "filename ===="):
        assert (await tus.begin(1, metadata=metadata)).status == 400, metadata
    assert kept(settings) == []
    path = await tus.begun(10)
    assert (await tus.add(path, 0, b"x", Content_Type="text/plain")).status == 415
    assert (await tus.add(path, 0, b"x", Upload_Offset="x")).status == 400
    for token in ("..", "%2e%2e", "x", "x" * 500, "a%2fb", "é", "%00"):
        assert (await tus.ask("DELETE", f"{tus.door}/{token}")).status in {400, 404, 405}, token
    assert (await tus.begin(0, metadata="")).status == 201


async def test_too_much_is_refused_before_it_is_sent(tus: Tus, narrow: Settings) -> None:
    assert (await tus.begin(MIB + 1)).status == 413
    assert [(await tus.begin(MIB)).status for _turn in range(3)] == [201, 201, 429]


async def test_only_so_many_at_once_and_what_lies_idle_gives_way(tus: Tus, settings: Settings) -> None:
    paths = [await tus.begun(1) for _turn in range(MOST_OPEN)]
    answer = await tus.begin(1)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "600")
    idle = folder_of(settings, paths[3]) / "bytes"
    os.utime(idle, (time.time() - 700,) * 2)
    assert (await tus.begin(1)).status == 201
    assert [(await tus.ask("HEAD", path)).status for path in paths[2:5]] == [200, 404, 200]


@pytest.mark.parametrize("who", ["colleague", "stranger", "specialist", "coordinator"])
async def test_nobody_elses(tus: Tus, signed_in: SignIn, sessions: Sessions, who: str) -> None:
    path = await tus.begun(1000)
    await signed_in(who)
    assert (await tus.begin(1)).status == 404
    for method in ("HEAD", "OPTIONS", "DELETE"):
        assert (await tus.ask(method, path if method != "OPTIONS" else tus.door)).status == 404
    assert (await tus.add(path, 0, b"mine now")).status == 404
    assert (await tus.ask("POST", f"{path}/reception")).status == 404
    assert await audited(sessions, "access-denied") == 6
    await signed_in("rural")
    assert await tus.offset(path) == 0


async def test_of_one_consult_only(
    cast: Cast, sessions: Sessions, signed_in: SignIn, client: Client, settings: Settings
) -> None:
    other = await consult_steps.submitted(cast, sessions)
    tus = Tus(client, settings, (await consult_steps.drafted(cast, sessions)).id)
    await signed_in("rural")
    path = await tus.begun(1000)
    elsewhere = f"/consults/{other.id}/uploads/{path.rsplit('/', 1)[1]}"
    assert (await tus.ask("HEAD", elsewhere)).status == 404
    assert (await tus.add(elsewhere, 0, b"x")).status == 404


async def test_not_once_the_consult_has_ended(
    cast: Cast, sessions: Sessions, signed_in: SignIn, client: Client, settings: Settings
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await signed_in("rural")
    tus = Tus(client, settings, consult.id)
    path, whole = await tus.begun(1000), await tus.sent(dicom_bytes())
    async with transaction(sessions) as session:
        await cancel_consult(session, cast.rural, consult_id=consult.id, reason="By mistake")
    assert (await tus.begin(1)).status == 409
    assert (await tus.add(path, 0, b"x")).status == 409
    assert (await tus.ask("POST", f"{whole}/reception")).status == 409
    assert await count(sessions) == 0


async def test_a_form_of_another_site_does_nothing(tus: Tus, settings: Settings) -> None:
    path = await tus.begun(1000)
    for token in ("", "forged"):
        assert (await tus.ask("POST", tus.door, Upload_Length="1", X_CSRF_Token=token)).status == 403
        assert (await tus.add(path, 0, b"x", X_CSRF_Token=token)).status == 403
        assert (await tus.ask("DELETE", path, X_CSRF_Token=token)).status == 403
    assert (await tus.ask("POST", tus.door, Upload_Length="1", Origin="https://evil.test")).status == 403
    assert await tus.offset(path) == 0


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
        for _turn in range(500):
            if not upload.folder.exists():
                return
            await asyncio.sleep(0.01)
    pytest.fail("it still lies there")
