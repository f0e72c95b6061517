"""Two people, or one who presses twice, at the same moment: one act is done, the other is told, nothing fails."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import func, select

from teleconsult.accounts import sign_in
from teleconsult.accounts.entering import SignedIn, Visit
from teleconsult.accounts.models import Account
from teleconsult.audit.checkpoints import folder_of
from teleconsult.consents.models import Consent
from teleconsult.consults.models import ServiceRequest, Task, TaskStatus
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.models import Delivery
from teleconsult.encounters.models import Encounter
from teleconsult.excerpts.models import Excerpt
from teleconsult.imaging.models import ImagingInstance
from teleconsult.notes.models import Composition
from teleconsult.notes.showing import shown_before
from teleconsult.objects import Objects, open_store
from teleconsult.settings import Settings
from tests import consult_steps, note_steps
from tests.people import PASSWORD, Cast, another_neurologist
from tests.teleconsult.audit.log import verdict_of
from tests.teleconsult.imaging.files import dicom_bytes
from tests.web.test_notes import deliver
from web.csrf import HEADER, token_for

Client = TestClient[web.Request, web.Application]
Act = Callable[..., Awaitable[int]]


@pytest.fixture
async def act(client: Client, cast: Cast, sessions: Sessions, settings: Settings) -> Act:
    """`await act("rural", path, field=value)`: the status; each person has a browser of their own."""
    cookies: dict[str, str] = {}

    async def send(who: str, path: str, *, method: str = "POST", data: object = None, **fields: str) -> int:
        if who not in cookies:
            visit = Visit(address="192.0.2.1")
            entry = await sign_in(sessions, settings, email=cast.emails[who], password=PASSWORD, visit=visit)
            assert isinstance(entry, SignedIn)
            cookies[who] = entry.token
        headers = {"Cookie": f"session={cookies[who]}", HEADER: token_for(settings, cookies[who])}
        if isinstance(data, bytes):
            headers["Content-Type"] = "multipart/form-data; boundary=x"
        answer = await client.request(
            method, path, data=data if data is not None else fields, headers=headers, allow_redirects=False
        )
        await answer.read()
        return answer.status

    async with transaction(sessions) as session:
        second = await another_neurologist(session, cast)
        cast.emails["second"] = (await session.get_one(Account, second.account_id)).email
    for who in ("rural", "specialist", "second", "coordinator"):
        await send(who, "/", method="GET")
    client.session.cookie_jar.clear()
    return send


async def count(sessions: Sessions, model: type[Any], *where: Any) -> int:
    async with sessions() as session:
        return await session.scalar(select(func.count()).select_from(model).where(*where)) or 0


def whole(cast: Cast) -> dict[str, str]:
    return {"service": str(cast.neurology.id), "question": "Is it urgent?", "consent": "yes", "basis": "patient"}


async def test_submitting_twice_and_saving_meanwhile(act: Act, cast: Cast, sessions: Sessions) -> None:
    draft = f"/consults/{(await consult_steps.drafted(cast, sessions)).id}"
    tries = [act("rural", f"{draft}/submission", **whole(cast)) for _ in range(4)]
    saves = [act("rural", f"{draft}/draft", method="PATCH", version="1", question="Meanwhile") for _ in range(4)]
    statuses = await asyncio.gather(*tries, *saves)
    assert sorted(statuses[:4]) == [303, 409, 409, 409]
    assert set(statuses[4:]) <= {303, 409}
    for model in (Task, Excerpt, Consent):
        assert await count(sessions, model) == 1
    async with sessions() as session:
        assert (await session.scalars(select(ServiceRequest))).one().question == "Is it urgent?"


async def test_beginning_twice_begins_once(act: Act, cast: Cast, sessions: Sessions) -> None:
    statuses = await asyncio.gather(*(act("rural", "/consults", patient_id=str(cast.patient.id)) for _ in range(4)))
    assert set(statuses) == {303}
    assert await count(sessions, ServiceRequest) == 1


async def test_what_there_can_be_one_of_is_written_once(act: Act) -> None:
    await act("admin", "/", method="GET")
    where = {"connection_type": "hl7-fhir-rest", "name": "Laboratory", "address": "https://laboratory.example/fhir"}
    statuses = await asyncio.gather(*(act("admin", "/admin/endpoints", **where) for _ in range(4)))
    assert sorted(statuses) == [303, 409, 409, 409]
    invited = [
        {"given": "An", "family": f"Tran {one}", "registration_number": f"1010099990{one}", "role": "doctor"}
        for one in range(4)
    ]
    tries = [act("admin", "/admin/people", email="an.tran@hospital.example", **one) for one in invited]
    statuses = await asyncio.gather(*tries)
    assert statuses.count(303) == 1
    assert set(statuses) <= {303, 409, 422}


async def test_two_accept_and_the_requester_cancels(act: Act, cast: Cast, sessions: Sessions) -> None:
    consult = f"/consults/{(await consult_steps.submitted(cast, sessions)).id}"
    statuses = await asyncio.gather(
        *(act(who, f"{consult}/acceptance") for who in ("specialist", "second", "specialist", "second")),
        act("rural", f"{consult}/cancellation", reason="He is better."),
        act("second", f"{consult}/refusal", reason="Not mine."),
    )
    assert set(statuses) <= {303, 404, 409, 403}
    open_tasks = await count(sessions, Task, Task.status.in_((TaskStatus.REQUESTED, TaskStatus.ACCEPTED)))
    assert open_tasks <= 1


async def test_booking_twice_and_two_consults_at_once(act: Act, cast: Cast, sessions: Sessions) -> None:
    first, other = [f"/consults/{(await consult_steps.accepted(cast, sessions)).id}" for _ in range(2)]
    for consult in (first, other):
        assert await act("coordinator", f"{consult}/proposal", time="2027-01-05T10:00", minutes="30") == 303
    statuses = await asyncio.gather(
        *(act("coordinator", f"{consult}/booking") for consult in (first, other, first, other))
    )
    assert sorted(statuses) == [303, 409, 422, 422], "booked; booked already; the specialist is taken then, twice"
    assert await count(sessions, Encounter) == 1


async def shown_to(act: Act, sessions: Sessions, settings: Settings) -> str:
    """The digest of what the specialist is shown to sign."""
    async with sessions() as session:
        note_id = (await session.scalars(select(Composition.id))).one()
    assert await act("specialist", f"/notes/{note_id}/signature", method="GET") == 200
    async with sessions() as session:
        key = (await session.scalars(select(Composition.shown_object_key))).one()
    assert key
    shown = await shown_before(Objects(open_store(None, settings.data)), key)
    assert shown
    return shown.digest


async def test_one_note_signed_once_delivered_once_acknowledged_once(
    act: Act, cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    await note_steps.enrol(sessions, settings, cast.specialist)
    consult = await consult_steps.accepted(cast, sessions)
    opened = await asyncio.gather(*(act("specialist", f"/consults/{consult.id}/note") for _ in range(4)))
    assert set(opened) == {303}
    assert await count(sessions, Composition) == 1
    async with sessions() as session:
        note = (await session.scalars(select(Composition))).one()
    path = f"/notes/{note.id}"
    saved = await asyncio.gather(
        *(act("specialist", f"{path}/draft", version="1", opinion=f"Words {n}") for n in range(4))
    )
    assert sorted(saved) == [303, 409, 409, 409]
    sign = {"version": "2", "password": PASSWORD, "shown": await shown_to(act, sessions, settings)}
    statuses = await asyncio.gather(
        *(act("specialist", f"{path}/signature", **sign) for _ in range(3)),
        act("specialist", f"{path}/draft", version="2", findings="Too late?"),
    )
    assert set(statuses) <= {303, 409}
    assert 303 in statuses
    if (await count(sessions, Delivery)) == 0:  # the words came first: every signature was for the former ones
        sign |= {"version": "3", "shown": await shown_to(act, sessions, settings)}
        assert await act("specialist", f"{path}/signature", **sign) == 303
    assert await count(sessions, Delivery) == 1
    for _ in range(2):
        await deliver(sessions, settings)
    statuses = await asyncio.gather(*(act("rural", f"/consults/{consult.id}/acknowledgement") for _ in range(4)))
    assert sorted(statuses) == [303, 409, 409, 409]
    assert (await verdict_of(sessions, folder_of(settings))).is_good


async def test_a_draft_thrown_away_during_the_upload(
    act: Act, cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    for _turn in range(3):
        draft = f"/consults/{(await consult_steps.drafted(cast, sessions)).id}"
        body = (
            b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
            + dicom_bytes()
            + b"\r\n--x--\r\n"
        )
        statuses = await asyncio.gather(
            *(act("rural", f"{draft}/images", data=body) for _ in range(3)), act("rural", f"{draft}/discarding")
        )
        assert set(statuses) <= {303, 404, 409}, statuses
        files = [path for path in (settings.data / "objects").rglob("*") if path.is_file()]
        assert len(files) == await count(sessions, ImagingInstance)
