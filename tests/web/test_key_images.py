"""Key images: from the viewer into the note, shown with it, signed with it."""

import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from PIL import Image
from sqlalchemy import func, select

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingStudy
from teleconsult.notes.content import NoteContent
from teleconsult.notes.models import Composition
from teleconsult.settings import Settings
from tests import consult_steps, note_steps
from tests.conftest import Post, SignIn
from tests.people import PASSWORD, Cast
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import door

Client = TestClient[web.Request, web.Application]

STUDY, IMAGE = "1.2.840.1", "1.2.840.1.1.1"


@dataclass(frozen=True, slots=True)
class Shown:
    """A consult whose study is in the viewer."""

    consult_id: uuid.UUID
    study_id: uuid.UUID

    @property
    def path(self) -> str:
        return f"/consults/{self.consult_id}/note/key-images"

    def seen(self, **other: Any) -> dict[str, Any]:
        return {
            **{"study": STUDY, "id": str(self.study_id), "sop": IMAGE, "frame": 1, "inverted": False},
            **{"level": {"center": 40, "width": 80}, "measurements": ["Length · 20.0 mm"]},
            **other,
        }


@pytest.fixture
async def shown(cast: Cast, sessions: Sessions, settings: Settings) -> AsyncIterator[Shown]:
    consult = await consult_steps.accepted(cast, sessions)
    Path(settings.data).mkdir(parents=True, exist_ok=True)
    image = dicom_bytes(StudyInstanceUID=STUDY, SeriesInstanceUID="1.2.840.1.1", SOPInstanceUID=IMAGE)
    async with door(sessions, settings.data) as opened:
        await opened.bring(cast.rural, consult.id, image)
    async with transaction(sessions) as session:
        study_id = await session.scalar(select(ImagingStudy.id))
    assert study_id
    yield Shown(consult.id, study_id)


async def put(client: Client, shown: Shown, **other: Any) -> int:
    page = await (await client.get("/")).text()
    token = page.split('name="csrf-token" content="')[1].split('"')[0]
    headers = {"Accept": "application/json", "X-CSRF-Token": token}
    return (await client.post(shown.path, json=shown.seen(**other), headers=headers)).status


async def note_in(sessions: Sessions) -> Composition:
    async with transaction(sessions) as session:
        return (await session.scalars(select(Composition))).one()


async def test_an_image_goes_into_the_note_and_out_again(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions, shown: Shown
) -> None:
    await signed_in("specialist")
    assert shown.path in await (await client.get(f"/studies/{STUDY}")).text()
    assert await put(client, shown) == 201
    note = await note_in(sessions)
    page = await (await client.get(f"/notes/{note.id}")).text()
    assert "Length · 20.0 mm" in page
    assert "Width 80 · Centre 40" in page
    assert "data:image/jpeg;base64," in page
    frame = await client.get(f"/notes/{note.id}/key-images", headers={"Turbo-Frame": "note-pictures"})
    assert "Length · 20.0 mm" in await frame.text()
    (image,) = note.key_images
    assert (await post(f"/notes/{note.id}/key-images/removal", image=image["id"])).status == 303
    assert (await post(f"/notes/{note.id}/key-images/removal", image=image["id"])).status == 303
    assert (await note_in(sessions)).key_images == []
    async with transaction(sessions) as session:
        added = select(func.count()).where(AuditEvent.action == "key-image-added")
        assert await session.scalar(added) == 1


async def test_the_words_of_another_tab_are_not_disturbed(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions, shown: Shown
) -> None:
    await signed_in("specialist")
    await put(client, shown)
    note = await note_in(sessions)
    await put(client, shown)
    answer = await post(f"/notes/{note.id}/draft", version=str(note.version), opinion="Mine.")
    assert answer.status == 303
    assert len((await note_in(sessions)).key_images) == 2


async def test_it_is_signed_and_printed_with_the_note(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions, settings: Settings, shown: Shown
) -> None:
    await note_steps.enrol(sessions, settings, cast.specialist)
    await signed_in("specialist")
    await put(client, shown, inverted=True)
    note = await note_in(sessions)
    await post(f"/notes/{note.id}/draft", version="1", opinion=note_steps.OPINION)
    page = await (await client.get(f"/notes/{note.id}/signature")).text()
    (image,) = re.findall(r'name="key_image" value="([^"]+)"', page)
    sign = {"version": "2", "password": PASSWORD}
    refused = await post(f"/notes/{note.id}/signature", **sign)
    assert refused.status == 409, "signed is what was read"
    assert (await post(f"/notes/{note.id}/signature", **sign, key_image=image)).status == 303

    signed = await note_in(sessions)
    assert signed.content is not None
    content = NoteContent.from_bytes(signed.content)
    assert content.to_bytes() == signed.content
    assert content.key_images[0].sop_instance_uid == IMAGE
    printed = await (await client.get(f"/notes/{note.id}/pdf")).read()
    with pikepdf.open(BytesIO(printed)) as pdf:
        drawn = [
            pdf_image
            for pdf_page in pdf.pages
            for pdf_image in pdf_page.get_images().values()
            if pdf_image.get("/Filter") == "/DCTDecode"
        ]
        assert len(drawn) == 1
        assert not drawn[0].get("/Interpolate", False), "PDF/A-1 forbids it (ISO 19005-1 §6.2.4)"
        picture = Image.open(BytesIO(drawn[0].read_raw_bytes()))
    assert picture.mode == "L"
    assert picture.tobytes()[0] > 250, "inverted: dark is light"
    assert "Length · 20.0 mm" in await (await client.get(f"/notes/{note.id}")).text()
    assert await put(client, shown) == 409
    assert (await post(f"/notes/{note.id}/key-images/removal", image=image)).status == 409


async def test_six_are_enough(client: Client, signed_in: SignIn, shown: Shown) -> None:
    await signed_in("specialist")
    assert [await put(client, shown) for _turn in range(7)] == [201] * 6 + [409]


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"sop": "1.2.3"}, 404),
        ({"frame": 2}, 404),
        ({"study": "1.2.3"}, 404),
        ({"id": str(uuid.UUID(int=1))}, 404),
        ({"sop": "../x"}, 422),
        ({"frame": "1"}, 422),
        ({"id": "x"}, 422),
        ({"level": {"center": None, "width": 1}}, 422),
        ({"level": "x"}, 422),
        ({"measurements": [1]}, 422),
        ({"measurements": ["x" * 161]}, 422),
        ({"measurements": ["x"] * 21}, 422),
    ],
)
async def test_what_is_not_an_image_of_the_consult(
    client: Client, signed_in: SignIn, sessions: Sessions, shown: Shown, wrong: dict[str, Any], status: int
) -> None:
    await signed_in("specialist")
    assert await put(client, shown, **wrong) == status
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(Composition)) == 0


@pytest.mark.parametrize(("who", "status"), [("rural", 404), ("oncall", 404), ("coordinator", 404), ("stranger", 404)])
async def test_only_who_writes_the_note(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions, shown: Shown, who: str, status: int
) -> None:
    await signed_in("specialist")
    await put(client, shown)
    note = await note_in(sessions)
    await signed_in(who)
    assert await put(client, shown) == status
    assert (await client.get(f"/notes/{note.id}/key-images")).status == 404
    assert (await post(f"/notes/{note.id}/key-images/removal", image=note.key_images[0]["id"])).status == 404
