"""Uploading: what arrives, what is left out and why, and what is refused before it is read."""

import asyncio
import os
import zipfile
from collections.abc import Awaitable, Callable
from io import BytesIO
from pathlib import Path

import pytest
from aiohttp import ClientResponse, FormData, web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient
from sqlalchemy import func, select

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingInstance, ImagingStudy
from teleconsult.settings import Settings
from tests import consult_steps
from tests.conftest import Post, SignIn
from tests.people import Cast
from tests.teleconsult.imaging.files import HEAD, dicom_bytes, hostile_files
from tests.waiting import eventually
from web.app import make_app
from web.csrf import token_for

Client = TestClient[web.Request, web.Application]
Upload = Callable[..., Awaitable[ClientResponse]]
JSON = {"Accept": "application/json"}


@pytest.fixture
def upload(client: Client, settings: Settings) -> Upload:
    """`await upload(consult_id, ("name", bytes), …)`: the form of the page, sent by a browser."""

    async def send(consult_id: object, *files: tuple[str, bytes], token: bool = True, **headers: str) -> ClientResponse:
        form = FormData(default_to_multipart=True)
        if token:
            cookie = client.session.cookie_jar.filter_cookies(client.make_url("/"))["session"].value
            form.add_field("csrf_token", token_for(settings, cookie))
        for name, content in files:
            form.add_field("files", content, filename=name, content_type="application/octet-stream")
        return await client.post(f"/consults/{consult_id}/images", data=form, headers=headers, allow_redirects=False)

    return send


def left_behind(settings: Settings) -> list[Path]:
    return [path for path in (settings.data / "tmp").rglob("*") if path.exists()]


async def count(sessions: Sessions) -> int | None:
    async with transaction(sessions) as session:
        return await session.scalar(select(func.count()).select_from(ImagingInstance))


async def test_a_form_goes_back_to_the_consult(
    cast: Cast, sessions: Sessions, signed_in: SignIn, client: Client, upload: Upload, settings: Settings
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    answer = await upload(draft.id, ("IM1", dicom_bytes()), ("letter.txt", b"hello"))
    assert (answer.status, answer.headers["Location"]) == (303, f"/consults/{draft.id}")
    page = await (await client.get(f"/consults/{draft.id}")).text()
    assert "1 image is here. 1 file was left out: letter.txt: This is not a DICOM file." in page
    assert "Tête sans contraste" in page
    assert 'data-testid="open-study"' in page
    assert 'data-testid="dicom-files"' in page
    assert 'data-testid="dicom-folder"' in page
    assert left_behind(settings) == []


async def test_a_script_is_told_what_was_left_out(
    cast: Cast, sessions: Sessions, signed_in: SignIn, upload: Upload
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../CT/IM1", dicom_bytes())
        archive.writestr("autorun.inf", b"[autorun]")
    hostile = [(name.replace(" ", "-"), content) for name, content in hostile_files().items()]
    answer = await upload(draft.id, ("disc.zip", packed.getvalue()), ("head", HEAD.read_bytes()), *hostile, **JSON)
    assert answer.status == 200
    receipt = await answer.json()
    assert receipt["stored"] >= 2
    reasons = {file["name"]: file["reason"] for file in receipt["refused"]}
    assert reasons["autorun.inf"] == "This is not a DICOM file."
    assert reasons["UID-as-a-path"] == "The file does not carry the identifiers that DICOM demands."
    assert "deflated-bomb" in reasons
    assert await count(sessions) == receipt["stored"]


async def test_too_much_is_refused_before_it_is_read(
    cast: Cast, sessions: Sessions, signed_in: SignIn, client: Client, post: Post
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    async with asyncio.timeout(30):
        reader, writer = await asyncio.open_connection(client.host, client.port)
        cookie = client.session.cookie_jar.filter_cookies(client.make_url("/"))["session"].value
        writer.write(
            f"POST /consults/{draft.id}/images HTTP/1.1\r\nHost: {client.host}:{client.port}\r\n"
            f"Cookie: session={cookie}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
            f"Content-Length: {5 * 1024**3}\r\n\r\n".encode()
        )
        status = await reader.readline()
    writer.close()
    assert b" 413 " in status


async def test_too_much_without_a_length_is_stopped(
    cast: Cast, sessions: Sessions, signed_in: SignIn, upload: Upload, client: Client, settings: Settings
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    small = settings.model_copy(update={"upload_limit": 1024 * 1024, "upload_file_limit": 600 * 1024})
    client.app._state[_settings_key()] = small
    try:
        assert (await upload(draft.id, ("large", bytes(700 * 1024)), **JSON)).status == 413
        assert (await upload(draft.id, *[(str(n), bytes(500 * 1024)) for n in range(3)], **JSON)).status == 413
    finally:
        client.app._state[_settings_key()] = settings
    assert left_behind(settings) == []
    assert await count(sessions) == 0


def _settings_key() -> web.AppKey[Settings]:
    from web.requests import SETTINGS

    return SETTINGS


async def test_an_upload_that_breaks_off_leaves_nothing(
    cast: Cast, sessions: Sessions, signed_in: SignIn, client: Client, settings: Settings
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    cookie = client.session.cookie_jar.filter_cookies(client.make_url("/"))["session"].value
    _reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(
        f"POST /consults/{draft.id}/images HTTP/1.1\r\nHost: {client.host}:{client.port}\r\n"
        f"Cookie: session={cookie}\r\nX-CSRF-Token: {token_for(settings, cookie)}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n"
        "Content-Length: 1000000\r\n\r\n--x\r\n"
        'Content-Disposition: form-data; name="files"; filename="a"\r\n\r\nhalf of it'.encode()
    )
    await writer.drain()
    assert await eventually(lambda: bool(left_behind(settings)))
    writer.close()
    assert await eventually(lambda: not left_behind(settings))
    assert await count(sessions) == 0


async def test_what_a_killed_process_left_goes_at_the_next_start(
    settings: Settings, aiohttp_client: AiohttpClient
) -> None:
    old, fresh = (settings.data / "tmp" / f"upload-{name}" for name in ("old", "fresh"))
    for folder in (old, fresh):
        folder.mkdir(parents=True)
        (folder / "1").write_bytes(b"half a file")
    os.utime(old, (0, 0))
    await aiohttp_client(make_app(settings))
    assert left_behind(settings) == [fresh, fresh / "1"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data; boundary=x"),
        (b"--x\r\n\r\n", "multipart/form-data; boundary=x"),
        (b"nothing of the kind", "multipart/form-data; boundary=x"),
        (b"x", "multipart/form-data"),
        (b"--x\r\nContent-Disposition: form-data; name=other\r\n\r\nx\r\n--x--\r\n", "multipart/form-data; boundary=x"),
        (
            b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y--\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
        ),
        (b"{}", "application/json"),
        (b"files=x", "application/x-www-form-urlencoded"),
    ],
)
async def test_a_body_that_is_no_upload(
    cast: Cast, sessions: Sessions, signed_in: SignIn, client: Client, settings: Settings, body: bytes, kind: str
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    cookie = client.session.cookie_jar.filter_cookies(client.make_url("/"))["session"].value
    headers = {"Content-Type": kind, "X-CSRF-Token": token_for(settings, cookie), **JSON}
    answer = await client.post(f"/consults/{draft.id}/images", data=body, headers=headers)
    assert answer.status == 422, await answer.text()


async def test_nothing_chosen_is_said_in_words(
    cast: Cast, sessions: Sessions, signed_in: SignIn, client: Client, upload: Upload
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    assert (await upload(draft.id, ("", b""))).status == 303
    assert "Choose the files to send." in await (await client.get(f"/consults/{draft.id}")).text()


async def test_without_its_token_nothing_is_taken(
    cast: Cast, sessions: Sessions, signed_in: SignIn, upload: Upload
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    assert (await upload(draft.id, ("IM1", dicom_bytes()), token=False)).status == 403
    assert await count(sessions) == 0


@pytest.mark.parametrize(("who", "status"), [("colleague", 404), ("stranger", 404), ("specialist", 404)])
async def test_somebody_elses_consult(
    cast: Cast, sessions: Sessions, signed_in: SignIn, upload: Upload, who: str, status: int
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await signed_in(who)
    assert (await upload(consult.id, ("IM1", dicom_bytes()), **JSON)).status == status
    assert await count(sessions) == 0


async def test_whose_images_these_are(
    cast: Cast, sessions: Sessions, signed_in: SignIn, client: Client, upload: Upload, post: Post
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    await upload(draft.id, ("IM1", dicom_bytes(PatientName="Lavoie^Luc")))
    page = await (await client.get(f"/consults/{draft.id}")).text()
    assert "The images may be of another person" in page
    assert "Lavoie Luc" in page
    async with transaction(sessions) as session:
        study = (await session.scalars(select(ImagingStudy))).one()
    assert (await post(f"/consults/{draft.id}/reconciliation", study="no id")).status == 404
    assert (await post(f"/consults/{draft.id}/reconciliation", study=str(study.id))).status == 303
    page = await (await client.get(f"/consults/{draft.id}")).text()
    assert "The images may be of another person" not in page
    assert "confirmed" in page
    assert (await post(f"/studies/{study.id}/removal")).status == 303
    assert "No images yet" in await (await client.get(f"/consults/{draft.id}/images")).text()
    assert (await post(f"/studies/{study.id}/removal")).status == 404


async def test_the_frame_is_loaded_alone(
    cast: Cast, sessions: Sessions, signed_in: SignIn, client: Client, upload: Upload
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    await upload(draft.id, ("IM1", dicom_bytes()))
    answer = await client.get(f"/consults/{draft.id}/images", headers={"Turbo-Frame": "consult-images"})
    text = await answer.text()
    assert text.lstrip().startswith("<turbo-frame")
    assert "<html" not in text
    await signed_in("stranger")
    assert (await client.get(f"/consults/{draft.id}/images")).status == 404


@pytest.mark.parametrize("headers", [{}, {"Turbo-Frame": "consult-images"}])
async def test_who_looks_at_the_list_has_read_the_consult(
    cast: Cast, sessions: Sessions, signed_in: SignIn, client: Client, headers: dict[str, str]
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await signed_in("specialist")
    assert (await client.get(f"/consults/{consult.id}/images", headers=headers)).status == 200
    async with sessions() as session:
        read = select(AuditEvent.actor_name).where(AuditEvent.action == "consult-read")
        assert (await session.scalars(read)).all() == [cast.specialist.name]
