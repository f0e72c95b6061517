"""Who may know of a consult, state by state."""

import uuid
from collections.abc import Awaitable, Callable

import pytest

from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Part, part_of
from teleconsult.db import Sessions, transaction
from teleconsult.errors import NotFound
from teleconsult.patients.models import CareRelation
from tests import consult_steps
from tests.people import Cast

EVERYONE = ("rural", "colleague", "coordinator", "specialist", "oncall", "admin", "stranger")
Step = Callable[[Cast, Sessions], Awaitable[ServiceRequest]]


async def seen_by(cast: Cast, sessions: Sessions, consult: ServiceRequest) -> dict[str, Part]:
    seen = {}
    async with transaction(sessions) as session:
        for who in EVERYONE:
            try:
                found = await consult_for(session, getattr(cast, who), consult.id)
            except NotFound:
                continue
            seen[who] = part_of(found, getattr(cast, who))
    return seen


@pytest.mark.parametrize(
    ("step", "seen"),
    [
        (consult_steps.drafted, {"rural": Part.REQUESTER}),
        (
            consult_steps.submitted,
            {"rural": Part.REQUESTER, "coordinator": Part.COORDINATOR, "specialist": Part.CANDIDATE},
        ),
        (
            consult_steps.accepted,
            {"rural": Part.REQUESTER, "coordinator": Part.COORDINATOR, "specialist": Part.OWNER},
        ),
    ],
)
async def test_who_sees_it(cast: Cast, sessions: Sessions, step: Step, seen: dict[str, Part]) -> None:
    assert await seen_by(cast, sessions, await step(cast, sessions)) == seen


async def test_a_colleague_who_treats_the_patient_sees_it(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        session.add(
            CareRelation(
                patient_id=cast.patient.id,
                practitioner_role_id=cast.colleague.role_id,
                reason="on-call",
                started_at=now(),
            )
        )
    assert (await seen_by(cast, sessions, consult))["colleague"] is Part.COLLEAGUE


async def test_an_unknown_one_is_found_by_nobody(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        for lock in (False, True):
            with pytest.raises(NotFound):
                await consult_for(session, cast.rural, uuid.uuid4(), lock=lock)
