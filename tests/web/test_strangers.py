"""Every route, walked by everyone with ids that are not theirs: it must look exactly as if there were no such thing."""

import re
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import func, select

from teleconsult.audit.models import AuditEvent
from teleconsult.consults.answering import accept_consult
from teleconsult.consults.drafting import start_draft
from teleconsult.db import Sessions, transaction
from teleconsult.documents.press import Press
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.notes.drafting import open_note
from teleconsult.notes.signing import Signing
from teleconsult.objects import Objects, open_store
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings
from teleconsult.tables import metadata
from tests import consult_steps, note_steps
from tests.conftest import SignIn
from tests.people import PASSWORD, Cast, another_neurologist
from tests.teleconsult.audit.log import verdict_of
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import door
from tests.web.test_hostile_requests import cookie_of
from web.csrf import HEADER, token_for

Client = TestClient[web.Request, web.Application]
UNKNOWN = {"id": str(uuid.UUID(int=1)), "uid": "1.2.3", "sop": "1.2.3.4"}
MALFORMED = ("x", "%252e", "00000000-0000-0000-0000-00000000000g", "1" * 300, "'", "é")
CHANGING_ANYWAY = {"audit_event", "audit_chain", "web_session", "sign_in_attempt"}
FIELDS = {
    "reason": "consultation", "time": "2026-12-24T10:00", "minutes": "30", "version": "1", "opinion": "Mine now.",
    "question": "Mine now?", "consent": "yes", "basis": "patient", "password": PASSWORD, "family": "Roy",
    "given": "Aline", "gender": "female", "return": "home",
}  # fmt: skip
"""What the forms of all routes ask for, so that nobody is stopped by a missing field."""


@dataclass
class Thing:
    """Something with an id in an address, under which folder, and who may not know of it."""

    folder: str
    parts: dict[str, str]
    outsiders: tuple[str, ...]


@dataclass
class World:
    """A consult in each state that matters, with its images and notes, and a few that belong to the stranger."""

    things: dict[str, Thing]


@pytest.fixture
async def world(cast: Cast, sessions: Sessions, settings: Settings) -> AsyncIterator[World]:
    """What outsiders will try to reach. `second` is another specialist of the service that was asked."""
    async with transaction(sessions) as session:
        second = await another_neurologist(session, cast)
        cast.emails["second"] = await _email_of(session, second.account_id)
        strangers_draft = await start_draft(session, cast.stranger, patient_id=cast.strangers_patient.id)
    await note_steps.enrol(sessions, settings, cast.specialist)
    press = Press()
    signing = Signing(sessions, settings, Objects(open_store(None, settings.data)), Sealer(settings.secret_key), press)
    signed = await note_steps.signed(cast, signing)
    press.close()
    draft = await consult_steps.drafted(cast, sessions)
    submitted = await consult_steps.submitted(cast, sessions)
    async with door(sessions, settings.data) as opened:
        await opened.bring(cast.rural, submitted.id, dicom_bytes(side=64))
        draft = await consult_steps.drafted(cast, sessions)
        await opened.bring(cast.rural, draft.id, dicom_bytes(side=64))
        await opened.bring(cast.stranger, strangers_draft.id, dicom_bytes(side=64, PatientName="Lavoie^Luc"))
    async with transaction(sessions) as session:
        await accept_consult(session, cast.specialist, consult_id=submitted.id)
    async with transaction(sessions) as session:
        note = await open_note(session, cast.specialist, consult_id=submitted.id)
    shared, unshared, strangers = [await _study_parts(sessions, one.id) for one in (submitted, draft, strangers_draft)]
    unrelated = ("stranger", "colleague", "oncall", "admin")
    of_tertiary = ("specialist", "second", "oncall", "coordinator", "admin")
    everyone_else = ("rural", "specialist", "coordinator")
    yield World(
        {
            "accepted consult": Thing("consults", {"id": str(submitted.id)}, (*unrelated, "second")),
            "signed consult": Thing("consults", {"id": str(signed.consult.id)}, (*unrelated, "second")),
            "draft consult": Thing(
                "consults", {"id": str(draft.id)}, ("stranger", "colleague", "specialist", "coordinator")
            ),
            "stranger's consult": Thing("consults", {"id": str(strangers_draft.id)}, everyone_else),
            "patient": Thing("patients", {"id": str(cast.patient.id)}, ("stranger", *of_tertiary)),
            "stranger's patient": Thing("patients", {"id": str(cast.strangers_patient.id)}, everyone_else),
            "shared study": Thing("studies", shared, (*unrelated, "second", "coordinator")),
            "unshared study": Thing("studies", unshared, ("stranger", "colleague", *of_tertiary)),
            "stranger's study": Thing("studies", strangers, everyone_else),
            "draft note": Thing("notes", {"id": str(note.id)}, ("rural", *unrelated, "second", "coordinator")),
            "signed note": Thing("notes", {"id": str(signed.note.id)}, (*unrelated, "second", "coordinator")),
        }
    )


async def test_what_is_not_theirs_looks_like_what_is_not_there(
    client: Client, sessions: Sessions, settings: Settings, signed_in: SignIn, world: World
) -> None:
    before = await everything(sessions)
    people = sorted({person for thing in world.things.values() for person in thing.outsiders})
    tried = 0
    for person in people:
        await signed_in(person)
        nothing: dict[tuple[str, str], tuple[int, str]] = {}
        for name, thing in world.things.items():
            if person not in thing.outsiders:
                continue
            for method, route in routes_with_an_id(client.app, thing.folder):
                if (method, route) not in nothing:
                    nothing[method, route] = await answer(client, settings, method, route, UNKNOWN)
                    tried += 1
                seen = await answer(client, settings, method, route, {**UNKNOWN, **thing.parts})
                assert seen == nothing[method, route], (person, name, method, route)
                assert seen[0] == 404, (person, name, method, route)
                tried += 1
    assert await everything(sessions) == before
    async with transaction(sessions) as session:
        denied = await session.scalar(select(func.count()).where(AuditEvent.action == "access-denied"))
        assert denied == tried
    assert (await verdict_of(sessions)).is_good


async def test_an_address_that_is_none(client: Client, settings: Settings, signed_in: SignIn) -> None:
    await signed_in("rural")
    for method, route in routes_with_an_id(client.app):
        for malformed in MALFORMED:
            parts = dict.fromkeys(UNKNOWN, malformed)
            status, _body = await answer(client, settings, method, route, parts)
            assert status == 404, (method, route, malformed)


async def test_a_part_belongs_to_its_whole(
    client: Client, sessions: Sessions, settings: Settings, signed_in: SignIn, world: World
) -> None:
    """An image one may see is not there under a study it is no part of, nor one's own study under a foreign id."""
    shared, unshared, strangers = (world.things[f"{name} study"].parts for name in ("shared", "unshared", "stranger's"))
    frame = "/studies/{uid}/instances/{sop}/frames/1/{what}"
    await signed_in("rural")
    for what in ("rendered", "pixels"):
        path = frame.format(**shared, what=what)
        assert (await client.get(path)).status == 200
        assert (await client.get(f"{path}?id={shared['id']}")).status == 200
        assert (await client.get(f"{path}?id={unshared['id']}")).status == 404
        assert (await client.get(f"{path}?id={strangers['id']}")).status == 404
        for whole, part in ((shared, unshared), (unshared, shared), (shared, strangers), (strangers, shared)):
            path = frame.format(uid=whole["uid"], sop=part["sop"], what=what)
            assert (await client.get(path)).status == 404


async def answer(client: Client, settings: Settings, method: str, route: str, parts: dict[str, str]) -> tuple[int, str]:
    """The status and the page, without what differs from one request to the next."""
    path = route.replace(r"{frame:\d{1,6}}", "1").format_map({**parts, "frame": "1"})
    data: object = FIELDS if method != "GET" else None
    headers = {HEADER: token_for(settings, cookie_of(client))}
    if path.endswith("/images") and method == "POST":
        headers["Content-Type"] = "multipart/form-data; boundary=x"
        data = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\na\r\n--x--\r\n'
    found = await client.request(method, path, data=data, headers=headers, allow_redirects=False)
    body = re.sub(r'(content|value)="[\w=-]{88}"', "", await found.text())
    for name, value in sorted(parts.items(), key=lambda part: -len(part[1])):
        body = body.replace(value, name)
    return found.status, body


def routes_with_an_id(app: web.Application, folder: str = "") -> Iterator[tuple[str, str]]:
    """Method and pattern of every route under `folder` (or all of them) that names something."""
    for route in app.router.routes():
        info: Any = route.get_info()
        pattern = route.resource.canonical if route.resource else ""
        if "{" in pattern and route.method != "HEAD" and pattern.startswith(f"/{folder}") and "formatter" in info:
            yield route.method, info["formatter"]


async def everything(sessions: Sessions) -> dict[str, list[tuple[Any, ...]]]:
    """All rows there are, but those that every request may add to."""
    async with sessions() as session:
        return {
            table.name: [tuple(row) for row in await session.execute(select(table).order_by(table.c.id))]
            for table in metadata.sorted_tables
            if table.name not in CHANGING_ANYWAY
        }


async def _email_of(session: Any, account_id: uuid.UUID | None) -> str:
    from teleconsult.accounts.models import Account

    return str((await session.get_one(Account, account_id)).email)


async def _study_parts(sessions: Sessions, consult_id: uuid.UUID) -> dict[str, str]:
    async with sessions() as session:
        row = await session.execute(
            select(ImagingStudy.id, ImagingStudy.study_instance_uid, ImagingInstance.sop_instance_uid)
            .join(ImagingSeries, ImagingSeries.imaging_study_id == ImagingStudy.id)
            .join(ImagingInstance, ImagingInstance.imaging_series_id == ImagingSeries.id)
            .where(ImagingStudy.service_request_id == consult_id)
        )
        study_id, uid, sop = row.one()
        return {"id": str(study_id), "uid": uid, "sop": sop}
