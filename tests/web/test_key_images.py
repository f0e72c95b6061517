"""Key images: from the viewer into the note, shown with it, signed with it."""

import re
import uuid
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
from teleconsult.documents.pictures import shown_images
from teleconsult.imaging.models import ImagingStudy
from teleconsult.notes.content import NoteContent
from teleconsult.notes.models import Composition
from teleconsult.settings import Settings
from tests import consult_steps, note_steps
from tests.conftest import Post, SignIn
from tests.kept_rows import KeptRows
from tests.people import PASSWORD, Cast
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import door
from tests.web.signature_steps import shown_to_sign

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
            **{"level": {"center": 40, "width": 80}, "reports": []},
            **other,
        }


@pytest.fixture
async def shown(cast: Cast, sessions: Sessions, settings: Settings, kept_rows: KeptRows) -> Shown:
    async def made() -> Shown:
        consult = await consult_steps.accepted(cast, sessions)
        Path(settings.data).mkdir(parents=True, exist_ok=True)
        image = dicom_bytes(
            side=32,
            StudyInstanceUID=STUDY,
            SeriesInstanceUID="1.2.840.1.1",
            SOPInstanceUID=IMAGE,
            PixelSpacing=[0.5, 0.25],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            StudyDescription="Head",
        )
        async with door(sessions, settings.data) as opened:
            await opened.bring(cast.rural, consult.id, image)
        async with transaction(sessions) as session:
            study_id = await session.scalar(select(ImagingStudy.id))
        assert study_id
        return Shown(consult.id, study_id)

    return await kept_rows.begin("web_key_images", made, files=settings.data)


LENGTH = {"kind": "length", "series": "1.2.840.1.1", "sop": IMAGE, "frame": 1, "points": [[2, 2], [2, 12]]}


async def send(client: Client, path: str, content: object) -> tuple[int, Any]:
    page = await (await client.get("/")).text()
    token = page.split('name="csrf-token" content="')[1].split('"')[0]
    headers = {"Accept": "application/json", "X-CSRF-Token": token}
    answer = await client.post(path, json=content, headers=headers)
    return answer.status, await answer.json()


async def put(client: Client, shown: Shown, **other: Any) -> int:
    return (await send(client, shown.path, shown.seen(**other)))[0]


async def keep(client: Client, *marks: dict[str, Any]) -> str:
    """The report that they are kept in."""
    status, told = await send(
        client, f"/studies/{STUDY}/measurements", {"key": str(uuid.uuid4()), "marks": list(marks)}
    )
    assert status == 201
    return str(told["report"])


async def note_in(sessions: Sessions) -> Composition:
    async with transaction(sessions) as session:
        return (await session.scalars(select(Composition))).one()


async def test_an_image_goes_into_the_note_and_out_again(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions, shown: Shown
) -> None:
    await signed_in("specialist")
    assert shown.path in await (await client.get(f"/studies/{STUDY}")).text()
    status, told = await send(client, shown.path, shown.seen(reports=[await keep(client, LENGTH)]))
    note = await note_in(sessions)
    assert (status, told["note"]) == (201, f"/notes/{note.id}")
    page = await (await client.get(f"/notes/{note.id}")).text()
    assert "Head · 1 March 2026" in page
    assert "width 80, centre 40" in page
    assert "data:image/jpeg;base64," in page
    assert page.index('data-testid="key-images"') < page.index('data-testid="sign-note"')
    frame = await client.get(f"/notes/{note.id}/key-images", headers={"Turbo-Frame": "note-pictures"})
    for shown_there in (page, await frame.text()):
        assert "Length · 5.0\u00a0mm" in shown_there
        assert shown_there.count('<polyline points="2.00,2.00 2.00,12.00"/>') == 2
    (image,) = note.key_images
    assert image["sides"] == ["A", "L", "P", "R"]
    assert (await post(f"/notes/{note.id}/key-images/removal", image=image["id"])).status == 303
    assert (await post(f"/notes/{note.id}/key-images/removal", image=image["id"])).status == 303
    assert (await note_in(sessions)).key_images == []
    async with transaction(sessions) as session:
        added = select(func.count()).where(AuditEvent.action == "key-image-added")
        assert await session.scalar(added) == 1


async def test_the_same_again_changes_nothing_and_another_window_does(
    client: Client, signed_in: SignIn, sessions: Sessions, shown: Shown
) -> None:
    await signed_in("specialist")
    report = await keep(client, LENGTH)
    other = {"level": {"center": 50, "width": 80}}
    for seen, status, count in (({}, 201, 1), ({}, 200, 1), (other, 201, 2), ({"reports": [report]}, 201, 3)):
        assert await put(client, shown, **seen) == status
        assert len((await note_in(sessions)).key_images) == count
    assert await put(client, shown, reports=[report]) == 200


async def test_the_words_of_a_page_are_the_readers(
    client: Client, signed_in: SignIn, sessions: Sessions, shown: Shown
) -> None:
    await signed_in("specialist")
    await put(client, shown)
    async with transaction(sessions) as session:
        (await session.scalars(select(Composition))).one().language = "fr"
    page = await (await client.get(f"/notes/{(await note_in(sessions)).id}")).text()
    assert "width 80, centre 40" in page


async def test_the_words_of_another_tab_are_not_disturbed(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions, shown: Shown
) -> None:
    await signed_in("specialist")
    await put(client, shown)
    note = await note_in(sessions)
    await put(client, shown, inverted=True)
    answer = await post(f"/notes/{note.id}/draft", version=str(note.version), opinion="Mine.")
    assert answer.status == 303
    assert len((await note_in(sessions)).key_images) == 2


async def test_it_is_signed_and_printed_with_the_note(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions, settings: Settings, shown: Shown
) -> None:
    await note_steps.enrol(sessions, settings, cast.specialist)
    await signed_in("specialist")
    await put(client, shown, inverted=True, reports=[await keep(client, LENGTH)])
    note = await note_in(sessions)
    await post(f"/notes/{note.id}/draft", version="1", opinion=note_steps.OPINION)
    page = await (await client.get(f"/notes/{note.id}/signature")).text()
    (image,) = re.findall(r'name="key_image" value="([^"]+)"', page)
    sign = {"version": "2", "password": PASSWORD, "shown": await shown_to_sign(client, f"/notes/{note.id}")}
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
        drawn = list(
            {
                pdf_image.objgen: pdf_image
                for pdf_page in pdf.pages
                for pdf_image in pdf_page.get_images().values()
                if pdf_image.get("/Filter") == "/DCTDecode"
            }.values()
        )
        assert len(drawn) == 1
        assert not drawn[0].get("/Interpolate", False), "PDF/A-1 forbids it (ISO 19005-1 §6.2.4)"
        picture = Image.open(BytesIO(drawn[0].read_raw_bytes()))
    assert picture.mode == "L"
    assert picture.tobytes()[0] > 250, "inverted: dark is light"
    page = await (await client.get(f"/notes/{note.id}")).text()
    for image_shown in shown_images(content.key_images, content.language):
        assert image_shown.drawing in page, "seen is what was signed"
    assert "Length · 5.0\u00a0mm" in page
    assert await put(client, shown) == 409
    assert (await post(f"/notes/{note.id}/key-images/order", later=image)).status == 409
    assert (await post(f"/notes/{note.id}/key-images/removal", image=image)).status == 409


async def test_they_are_put_in_order(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions, shown: Shown
) -> None:
    await signed_in("specialist")
    for turn in range(3):
        await put(client, shown, level={"center": turn, "width": 80})
    note = await note_in(sessions)
    first, second, third = (image["id"] for image in note.key_images)
    for asked, expected in (
        ({"earlier": third}, [first, third, second]),
        ({"earlier": first}, [first, third, second]),
        ({"later": first}, [third, first, second]),
        ({"later": second}, [third, first, second]),
        ({"later": "x"}, [third, first, second]),
    ):
        assert (await post(f"/notes/{note.id}/key-images/order", **asked)).status == 303
        assert [image["id"] for image in (await note_in(sessions)).key_images] == expected


async def test_only_what_is_chosen_is_drawn(
    client: Client, signed_in: SignIn, sessions: Sessions, shown: Shown
) -> None:
    await signed_in("specialist")
    await keep(client, LENGTH)
    angle = LENGTH | {"kind": "angle", "points": [[2, 2], [2, 12], [12, 12]]}
    report = await keep(client, angle)
    assert await put(client, shown, reports=[report]) == 201
    (image,) = (await note_in(sessions)).key_images
    assert [mark["kind"] for mark in image["marks"]] == ["angle"]
    assert [one["sop_instance_uid"] for one in image["reports"]] == [report]
    many = await keep(client, *[LENGTH] * 21)
    assert await put(client, shown, reports=[many]) == 422, "nothing of the image would be seen"


async def test_six_are_enough(client: Client, signed_in: SignIn, shown: Shown) -> None:
    await signed_in("specialist")
    levels = [{"center": turn, "width": 80} for turn in range(7)]
    assert [await put(client, shown, level=level) for level in levels] == [201] * 6 + [409]


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
        ({"reports": [1]}, 422),
        ({"reports": "x"}, 422),
        ({"reports": ""}, 422),
        ({"reports": "1.2.3"}, 422),
        ({"reports": ["1.2.3"]}, 422),
        ({"reports": [IMAGE]}, 422),
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
    for way, name in (("removal", "image"), ("order", "later")):
        asked = await post(f"/notes/{note.id}/key-images/{way}", **{name: note.key_images[0]["id"]})
        assert asked.status == 404
