"""What people and files say is shown as text: on every page, to everyone, also where it was refused."""

import re
import uuid
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select

from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingStudy
from teleconsult.notes.models import Composition
from teleconsult.patients.models import Patient
from teleconsult.settings import Settings
from tests import consult_steps, note_steps
from tests.conftest import Post, SignIn
from tests.people import PASSWORD, Cast
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import door
from tests.web.signature_steps import sign_as_shown
from tests.web.test_notes import deliver

Client = TestClient[web.Request, web.Application]
EVIL = """'"><img src=x onerror=alert(1)><script>alert(1)</script>{{7*7}}%(n)s\u202e"""
POLICY = re.compile(r"script-src 'self';.*object-src 'none'")


async def look(client: Client, *paths: str) -> int:
    """How many of these pages speak of it; none of them lets it be anything but text."""
    seen = 0
    for path in paths:
        answer = await client.get(path)
        page = await answer.text()
        assert answer.status == 200, path
        assert POLICY.search(answer.headers["Content-Security-Policy"]), path
        assert "<img src=x" not in page, path
        assert "<script>alert" not in page, path
        assert "49%(n)s" not in page, path
        seen += "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}" in page
    return seen


async def test_what_people_and_files_say_is_text(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn, post: Post
) -> None:
    await note_steps.enrol(sessions, settings, cast.specialist)
    async with transaction(sessions) as session:
        patient = await session.get_one(Patient, cast.patient.id)
        patient.family = patient.given = patient.address = patient.phone = EVIL
    entry = await consult_steps.entry(cast, sessions, EVIL[:90])
    await signed_in("rural")
    assert (await post("/patients", family=EVIL, given=EVIL, birth_date=EVIL, address=EVIL)).status == 422
    refused = await post("/patients/unknown", unknown_gender="male", estimated_age=EVIL, found_where=EVIL)
    assert "<script>alert" not in await refused.text()
    draft = (await post("/consults", patient_id=str(cast.patient.id))).headers["Location"]
    wrong = await post(f"{draft}/submission", question=EVIL, basis="representative", given_by=EVIL, relationship=EVIL)
    assert wrong.status == 422
    assert "<script>alert" not in await wrong.text()
    async with door(sessions, settings.data) as opened:
        words: dict[str, Any] = {
            "PatientName": EVIL[:60],
            "StudyDescription": EVIL[:60],
            "SeriesDescription": EVIL[:60],
        }
        await opened.bring(cast.rural, _id(draft), dicom_bytes(**words), b"junk", name=EVIL.replace("/", ""))
    assert await look(client, draft, f"{draft}/images") == 2
    sent = await post(
        f"{draft}/submission",
        service=str(cast.neurology.id),
        question=EVIL,
        consent="yes",
        basis="representative",
        given_by=EVIL[:90],
        relationship=EVIL[:90],
        incapacity="unconscious",
        entries=str(entry.id),
    )
    assert sent.status == 303, await sent.text()
    assert await look(client, "/", "/consults", draft, "/patients", f"/patients/{cast.patient.id}") >= 4
    found = await client.get("/patients", params={"q": EVIL})
    assert "<script>alert" not in await found.text()

    await signed_in("specialist")
    assert (await post(f"{draft}/refusal", reason=EVIL)).status == 303
    assert (await post(f"{draft}/acceptance")).status == 303
    async with sessions() as session:
        uid = (await session.scalars(select(ImagingStudy.study_instance_uid))).one()
    assert await look(client, "/", draft, f"/studies/{uid}") == 3
    note = (await post(f"{draft}/note")).headers["Location"]
    assert (await post(f"{note}/draft", version="1", opinion=EVIL, findings=EVIL, plan=EVIL)).status == 303
    assert await look(client, note, f"{note}/signature") == 2
    assert (await sign_as_shown(client, post, note, version="2", password=PASSWORD)).status == 303
    assert await look(client, note) == 1
    await deliver(sessions, settings)

    await signed_in("coordinator")
    await look(client, "/", draft, "/agenda")
    await signed_in("rural")
    assert await look(client, note, draft, f"/patients/{cast.patient.id}") == 3
    pdf = await client.get(f"{note}/pdf")
    assert pdf.headers["Content-Disposition"] == f'attachment; filename="note-{note.rsplit("/", 1)[1]}.pdf"'
    for marked in (b"/JavaScript", b"/JS", b"/Launch", b"/URI"):
        assert marked not in await pdf.read()
    async with sessions() as session:
        assert (await session.scalars(select(Composition))).one().sections["opinion"].startswith("'\">")
    await signed_in("admin")
    await look(client, "/admin")


def _id(path: str) -> uuid.UUID:

    return uuid.UUID(path.rsplit("/", 1)[1])
