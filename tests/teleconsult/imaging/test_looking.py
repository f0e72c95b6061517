"""Who may look at a study together: the two whose consult shares it, while it is answered and shared."""

import uuid
from dataclasses import dataclass

import pytest
from sqlalchemy import func, select, update

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consents.models import Consent, ConsentStatus
from teleconsult.consults.models import Task, TaskStatus
from teleconsult.db import Sessions, transaction
from teleconsult.errors import NotFound
from teleconsult.excerpts.models import Excerpt
from teleconsult.imaging.looking import Companion, Look, come_to_look, companions, still_looking
from teleconsult.imaging.models import ImagingStudy
from teleconsult.patients.models import CareRelation
from tests import consult_steps
from tests.people import Cast, another_neurologist
from tests.teleconsult.imaging.shared import FRAMES, shared_study


@dataclass
class Shared:
    """An accepted consult and its study."""

    consult: uuid.UUID
    study: ImagingStudy

    def look(self, cast: Cast, who: str) -> Look:
        """Somebody's part in it."""
        return Look(self.consult, self.study.id, getattr(cast, who).role_id)


@pytest.fixture
async def shared(cast: Cast, sessions: Sessions) -> Shared:
    """Accepted by the neurologist; no time is booked, and none needs to be."""
    consult = await consult_steps.accepted(cast, sessions)
    return Shared(consult.id, await shared_study(sessions, consult.id))


async def come(cast: Cast, sessions: Sessions, shared: Shared, who: str) -> None:
    """Come to look, as the database lets them."""
    actor = getattr(cast, who)
    async with transaction(sessions, actor) as session:
        await come_to_look(session, actor, study_id=shared.study.id, consult_id=shared.consult)


@pytest.mark.parametrize(("who", "other"), [("rural", "specialist"), ("specialist", "rural")])
async def test_both_may_and_know_with_whom(
    cast: Cast, sessions: Sessions, shared: Shared, who: str, other: str
) -> None:
    actor = getattr(cast, who)
    async with transaction(sessions, actor) as session:
        assert await companions(session, actor, shared.study.id) == [
            Companion(shared.consult, getattr(cast, other).name)
        ]
        opened = await come_to_look(session, actor, study_id=shared.study.id, consult_id=shared.consult)
    assert opened.study.study_instance_uid == shared.study.study_instance_uid
    assert opened.frames == FRAMES
    async with transaction(sessions) as session:
        (kept,) = await session.scalars(select(AuditEvent).where(AuditEvent.action == "looking-joined"))
    assert (kept.practitioner_role_id, kept.entity_id) == (actor.role_id, shared.study.id)
    assert kept.patient_id == cast.patient.id
    assert kept.detail == {"consult": str(shared.consult)}


@pytest.mark.parametrize("who", ["colleague", "coordinator", "oncall", "admin", "stranger", "nurse"])
async def test_nobody_else_may(cast: Cast, sessions: Sessions, shared: Shared, who: str) -> None:
    actor = getattr(cast, who)
    async with transaction(sessions, actor) as session:
        assert await companions(session, actor, shared.study.id) == []
    with pytest.raises(NotFound):
        await come(cast, sessions, shared, who)
    assert await still(sessions, shared.look(cast, who)) == set()


async def test_a_study_of_another_consult_is_not_looked_at_in_this_one(
    cast: Cast, sessions: Sessions, shared: Shared
) -> None:
    other = await consult_steps.accepted(cast, sessions)
    for study_id, consult_id in ((shared.study.id, other.id), (uuid.uuid4(), shared.consult)):
        async with transaction(sessions, cast.rural) as session:
            with pytest.raises(NotFound):
                await come_to_look(session, cast.rural, study_id=study_id, consult_id=consult_id)


async def still(sessions: Sessions, *looks: Look) -> set[Look]:
    """Who of them may go on."""
    async with transaction(sessions) as session:
        return await still_looking(session, looks)


REVOKED = update(Excerpt).values(revoked_at=now())
EXPIRED = update(Excerpt).values(expires_at=now())
WITHDRAWN = update(Consent).values(status=ConsentStatus.INACTIVE, withdrawn_at=now())
COMPLETED = update(Task).values(status=TaskStatus.COMPLETED)
CANCELLED = update(Task).values(status=TaskStatus.CANCELLED)


@pytest.mark.parametrize("change", [REVOKED, EXPIRED, WITHDRAWN, COMPLETED, CANCELLED], ids=str)
async def test_what_ends_it_for_both(cast: Cast, sessions: Sessions, shared: Shared, change: object) -> None:
    both = {shared.look(cast, "rural"), shared.look(cast, "specialist")}
    assert await still(sessions, *both) == both
    async with transaction(sessions) as session:
        await session.execute(change)  # type: ignore[call-overload]  # any of the updates above
    assert await still(sessions, *both) == set()
    for who in ("rural", "specialist"):
        with pytest.raises(NotFound):
            await come(cast, sessions, shared, who)


async def test_who_stops_treating_or_answering_is_out_alone(cast: Cast, sessions: Sessions, shared: Shared) -> None:
    both = {shared.look(cast, "rural"), shared.look(cast, "specialist")}
    async with transaction(sessions) as session:
        await session.execute(update(CareRelation).values(ended_at=now()))
    assert await still(sessions, *both) == {shared.look(cast, "specialist")}
    with pytest.raises(NotFound):
        await come(cast, sessions, shared, "rural")
    async with transaction(sessions) as session:
        other = await another_neurologist(session, cast)
        await session.execute(update(Task).values(owner_role_id=other.role_id))
    assert await still(sessions, *both) == set()
    with pytest.raises(NotFound):
        await come(cast, sessions, shared, "specialist")


async def test_a_refusal_leaves_no_event(cast: Cast, sessions: Sessions, shared: Shared) -> None:
    with pytest.raises(NotFound):
        await come(cast, sessions, shared, "stranger")
    async with transaction(sessions) as session:
        assert not await session.scalar(select(func.count()).where(AuditEvent.action == "looking-joined"))
