"""A consult brought to a state, for tests that begin there. Each step commits in a transaction of its own."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from teleconsult.clock import now
from teleconsult.consents.models import ConsentBasis
from teleconsult.consults.answering import accept_consult
from teleconsult.consults.drafting import ConsentAnswer, Request, start_draft
from teleconsult.consults.models import RequestPriority, ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.requesting import submit_request
from teleconsult.db import Sessions, transaction
from teleconsult.records.actions import file_entry
from teleconsult.records.models import RecordEntry
from teleconsult.scheduling.booking import book_appointment, propose_time
from tests.kept_rows import KeptRows
from tests.people import Cast

QUESTION = "Three weeks of headache, worse lying down. Does she need imaging before transfer?"
NOBODY_ASKED = ConsentAnswer(True, ConsentBasis.NECESSITY, "Found unconscious, alone.")


def request(cast: Cast, entries: Sequence[uuid.UUID] = (), question: str = QUESTION) -> Request:
    """A whole request to neurology, with the patient's consent."""
    return Request(
        service_id=cast.neurology.id,
        priority=RequestPriority.URGENT,
        question=question,
        entries=tuple(entries),
        consent=ConsentAnswer(given=True),
    )


async def entry(cast: Cast, sessions: Sessions, title: str = "Headache", *, at: datetime | None = None) -> RecordEntry:
    """A problem in the patient's file, written by the rural doctor `at` that moment, now unless given."""
    async with transaction(sessions) as session:
        resource = {
            "resourceType": "Condition",
            "clinicalStatus": {"coding": [{"code": "active"}]},
            "code": {"text": title},
        }
        return await file_entry(
            session, cast.rural, patient_id=cast.patient.id, resource=resource, title=title, effective_at=at or now()
        )


async def drafted(cast: Cast, sessions: Sessions) -> ServiceRequest:
    """A draft of the rural doctor, untouched."""
    async with transaction(sessions) as session:
        return await start_draft(session, cast.rural, patient_id=cast.patient.id)


async def submitted(cast: Cast, sessions: Sessions, entries: Sequence[uuid.UUID] = ()) -> ServiceRequest:
    """Submitted to neurology; the excerpt holds one problem unless `entries` are given."""
    draft = await drafted(cast, sessions)
    chosen = entries or [(await entry(cast, sessions)).id]
    async with transaction(sessions) as session:
        return await submit_request(session, cast.rural, consult_id=draft.id, request=request(cast, chosen))


async def consented(cast: Cast, sessions: Sessions, consent: ConsentAnswer) -> ServiceRequest:
    """Submitted with another consent than the patient's own."""
    draft, problem = await drafted(cast, sessions), await entry(cast, sessions)
    asked = replace(request(cast, [problem.id]), consent=consent)
    async with transaction(sessions, cast.rural) as session:
        return await submit_request(session, cast.rural, consult_id=draft.id, request=asked)


async def accepted(cast: Cast, sessions: Sessions) -> ServiceRequest:
    """Accepted by the neurologist, with no time yet."""
    consult = await submitted(cast, sessions)
    async with transaction(sessions) as session:
        return await accept_consult(session, cast.specialist, consult_id=consult.id)


async def booked_lately(cast: Cast, sessions: Sessions, kept_rows: KeptRows) -> ServiceRequest:
    """As `booked`, within the last minute: for fixtures that begin with it, before any other rows but the cast's."""
    return await kept_rows.begin("booked", lambda: booked(cast, sessions), seconds=60)


async def booked(cast: Cast, sessions: Sessions, *, in_minutes: int = 60) -> ServiceRequest:
    """Accepted and booked: the room is open to the rural doctor and the neurologist."""
    consult = await accepted(cast, sessions)
    starts_at = now() + timedelta(minutes=in_minutes)
    async with transaction(sessions) as session:
        await propose_time(session, cast.coordinator, consult_id=consult.id, starts_at=starts_at)
    async with transaction(sessions) as session:
        await book_appointment(session, cast.coordinator, consult_id=consult.id)
    async with transaction(sessions) as session:
        return await consult_for(session, cast.rural, consult.id)
