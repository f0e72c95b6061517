"""What became of it, and what was promised before."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from teleconsult.accounts.actor import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consults.following_up import follow_up_of, follow_ups_due, record_follow_up
from teleconsult.consults.models import FollowUp, PatientCourse, RequestStatus, ServiceRequest, TaskStatus
from teleconsult.consults.queries import consult_for
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Forbidden, NotFound, Refused
from tests import consult_steps
from tests.people import Cast


async def acknowledged(cast: Cast, sessions: Sessions, *, days: int) -> ServiceRequest:
    """Accepted, answered and acknowledged so many days ago."""
    consult = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions) as session:
        found = await consult_for(session, cast.rural, consult.id)
        assert found.task
        found.task.status, found.status = TaskStatus.COMPLETED, RequestStatus.COMPLETED
        found.completed_at = now() - timedelta(days=days)
    return consult


async def record(sessions: Sessions, actor: Actor, consult: ServiceRequest) -> FollowUp:
    async with transaction(sessions, actor) as session:
        return await record_follow_up(
            session,
            actor,
            consult_id=consult.id,
            plan_followed=True,
            journey_avoided=False,
            patient_course=PatientCourse.BETTER,
        )


async def test_it_is_asked_after_a_while_and_once(cast: Cast, sessions: Sessions) -> None:
    late, early, old = [await acknowledged(cast, sessions, days=days) for days in (15, 13, 100)]
    async with transaction(sessions, cast.rural) as session:
        assert [one.id for one in await follow_ups_due(session, cast.rural)] == [late.id]
    said = await record(sessions, cast.rural, late)
    assert (said.plan_followed, said.journey_avoided, said.patient_course) == (True, False, PatientCourse.BETTER)
    with pytest.raises(Refused):
        await record(sessions, cast.rural, late)
    await record(sessions, cast.rural, early)  # who knows it sooner says it sooner
    async with transaction(sessions, cast.rural) as session:
        assert await follow_ups_due(session, cast.rural) == []
        audited = select(func.count()).where(AuditEvent.action == "follow-up-recorded")
    async with transaction(sessions) as session:
        assert await session.scalar(audited) == 2
    async with transaction(sessions, cast.coordinator) as session:
        seen = await consult_for(session, cast.coordinator, late.id)
        assert await follow_up_of(session, seen) is None, "how the patient is, is not for who arranges"
    assert old.id


async def test_who_may_not_say_it_and_when(cast: Cast, sessions: Sessions) -> None:
    over = await acknowledged(cast, sessions, days=15)
    for nobody, refusal in (
        (cast.specialist, Forbidden),
        (cast.coordinator, Forbidden),
        (cast.colleague, NotFound),
        (cast.stranger, NotFound),
    ):
        with pytest.raises(refusal):
            await record(sessions, nobody, over)
    with pytest.raises(Refused):
        await record(sessions, cast.rural, await consult_steps.accepted(cast, sessions))
