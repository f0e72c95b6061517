"""The figures of an establishment: who may see them, and what they say."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from teleconsult.clock import now
from teleconsult.consults.answering import accept_consult
from teleconsult.consults.informing import ask_for_information, give_information
from teleconsult.consults.models import ConsultMode, FollowUp, PatientCourse, RequestPriority, ServiceRequest, Task
from teleconsult.consults.triage import cancel_consult
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import Specialty
from teleconsult.errors import NotFound
from teleconsult.figures.reckoning import Figures, figures
from teleconsult.scheduling.models import AppointmentStatus
from tests import consult_steps, emergency_steps
from tests.people import Cast
from tests.teleconsult.encounters.test_overview import was

HOUR = 3600


async def submitted_earlier(sessions: Sessions, consult: ServiceRequest, **hours: float) -> None:
    async with transaction(sessions) as session:
        at = now() - timedelta(**hours)
        await session.execute(update(ServiceRequest).where(ServiceRequest.id == consult.id).values(submitted_at=at))


async def asked_earlier(sessions: Sessions, consult: ServiceRequest, **hours: float) -> None:
    async with transaction(sessions) as session:
        at = now() - timedelta(**hours)
        await session.execute(update(Task).where(Task.service_request_id == consult.id).values(modified_at=at))


async def of(sessions: Sessions, cast: Cast, who: str = "coordinator", **scope: object) -> Figures:
    actor = getattr(cast, who)
    asked = {"days": 30, "time_zone": "America/Toronto", **scope}
    async with transaction(sessions, actor) as session:
        return await figures(session, actor, **asked)  # type: ignore[arg-type]  # as the caller says


async def test_how_long_people_wait(cast: Cast, sessions: Sessions) -> None:
    for hours in (1, 2, 30):
        consult = await consult_steps.accepted(cast, sessions)
        await submitted_earlier(sessions, consult, hours=hours)
        async with transaction(sessions) as session:
            (await session.get_one(ServiceRequest, consult.id)).priority = RequestPriority.URGENT
    for hours in (1, 100):
        await submitted_earlier(sessions, await consult_steps.submitted(cast, sessions), hours=hours)
    told = (await of(sessions, cast)).waiting
    assert told.asked == 5
    assert told.answered == pytest.approx(2 * HOUR, abs=60)
    assert told.answered_late == pytest.approx((2 + 0.8 * 28) * HOUR, abs=60)
    assert told.in_promise == 0.5, "two of three answered in time, one unanswered for too long, one not due yet"
    assert told.advised is None


async def test_what_waited_for_the_asker_counts_for_the_promise_alone(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    await submitted_earlier(sessions, consult, hours=30)
    async with transaction(sessions) as session:
        (await session.get_one(ServiceRequest, consult.id)).held_for = timedelta(hours=10)
    told = (await of(sessions, cast)).waiting
    assert (told.in_promise, told.answered) == (1, pytest.approx(30 * HOUR, abs=60))


async def test_what_is_asked_after_the_acceptance_delays_no_first_answer(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    await submitted_earlier(sessions, consult, hours=30)
    async with transaction(sessions, cast.specialist) as session:
        await ask_for_information(session, cast.specialist, consult_id=consult.id, text="More?")
    await asked_earlier(sessions, consult, hours=10)
    async with transaction(sessions, cast.rural) as session:
        await give_information(session, cast.rural, consult_id=consult.id, text="Yes")
    assert (await of(sessions, cast)).waiting.in_promise == 0


@pytest.mark.parametrize("then", ["waits", "called off", "accepted"])
async def test_while_the_clock_stands_nothing_is_due(cast: Cast, sessions: Sessions, then: str) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await submitted_earlier(sessions, consult, hours=200)
    async with transaction(sessions, cast.coordinator) as session:
        await ask_for_information(session, cast.coordinator, consult_id=consult.id, text="More?")
    await asked_earlier(sessions, consult, hours=199)
    async with transaction(sessions, cast.rural) as session:
        if then == "called off":
            await cancel_consult(session, cast.rural, consult_id=consult.id, reason="Transferred")
        if then == "accepted":
            await give_information(session, cast.rural, consult_id=consult.id, text="Yes")
    if then == "accepted":
        async with transaction(sessions, cast.specialist) as session:
            await accept_consult(session, cast.specialist, consult_id=consult.id)
    assert (await of(sessions, cast)).waiting.in_promise == (1 if then == "accepted" else None)


@pytest.mark.parametrize(("hours", "in_promise"), [(199, None), (1, 0)])
async def test_what_was_called_off_before_it_was_due_is_no_broken_promise(
    cast: Cast, sessions: Sessions, hours: float, in_promise: float | None
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions, cast.rural) as session:
        await cancel_consult(session, cast.rural, consult_id=consult.id, reason="A mistake")
    await submitted_earlier(sessions, consult, hours=200)
    async with transaction(sessions) as session:
        (await session.get_one(ServiceRequest, consult.id)).updated_at = now() - timedelta(hours=hours)
    assert (await of(sessions, cast)).waiting.in_promise == in_promise


async def test_what_was_held_and_what_was_spared(cast: Cast, sessions: Sessions) -> None:
    await was(sessions, cast, AppointmentStatus.FULFILLED)
    await was(sessions, cast, AppointmentStatus.NOSHOW, reason="no-specialist")
    async with transaction(sessions) as session:
        for consult_id, is_spared in zip(await session.scalars(select(ServiceRequest.id)), (True, False), strict=True):
            session.add(
                FollowUp(
                    service_request_id=consult_id,
                    recorded_by_id=cast.rural.role_id,
                    recorded_at=now(),
                    plan_followed=True,
                    journey_avoided=is_spared,
                    patient_course=PatientCourse.BETTER,
                )
            )
    told = await of(sessions, cast)
    assert (told.waiting.held, told.waiting.missed, told.waiting.missed_share) == (1, 1, 0.5)
    assert (told.waiting.followed_up, told.waiting.spared, told.waiting.spared_share) == (2, 1, 0.5)
    assert told.calls.held == 1


async def test_by_service_and_by_who_asks(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    await submitted_earlier(sessions, consult, hours=3)
    told = await of(sessions, cast)
    (specialty, house, service), (asker, asked) = told.by_service[0], told.by_asker[0]
    assert (specialty, house) == (Specialty.NEUROLOGY, cast.organizations["tertiary"].name)
    assert asker == cast.organizations["rural"].name
    assert service == asked == told.waiting
    assert [(week.asked, week.answered) for week in told.weeks] == [(1, told.waiting.answered)]
    assert told.weeks[0].begins.weekday() == 0
    assert consult.service_id is not None
    assert (await of(sessions, cast, service_id=consult.service_id)).waiting.asked == 1
    assert (await of(sessions, cast, service_id=uuid.uuid4())).waiting.asked == 0
    await submitted_earlier(sessions, consult, days=31)
    assert (await of(sessions, cast)).waiting.asked == 0


async def test_advice_by_its_signature(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions) as session:
        (await session.get_one(ServiceRequest, consult.id)).mode = ConsultMode.ADVICE
    assert (await of(sessions, cast)).waiting.advised is None, "it is not signed yet"


async def test_emergencies_stand_by_themselves(cast: Cast, sessions: Sessions) -> None:
    await emergency_steps.answered(cast, sessions)
    told = await of(sessions, cast)
    assert told.waiting.asked == 0
    assert (told.emergencies.pressed, told.emergencies.answered) == (1, 1)
    assert told.emergencies.taken is not None
    assert 0 <= told.emergencies.taken < 60
    assert (told.emergencies.on_video, told.emergencies.images, told.emergencies.decided) == (None, None, None)


async def test_nothing_asked_yet(cast: Cast, sessions: Sessions) -> None:
    told = await of(sessions, cast, "admin")
    assert (told.waiting.asked, told.waiting.answered, told.waiting.in_promise) == (0, None, None)
    assert (told.by_service, told.by_asker, told.weeks, told.emergencies.pressed) == ([], [], [], 0)


async def test_after_it_the_act_is_theirs_again(cast: Cast, sessions: Sessions) -> None:
    await consult_steps.accepted(cast, sessions)
    async with transaction(sessions, cast.admin) as session:
        await figures(session, cast.admin, days=30, time_zone="America/Toronto")
        assert await session.scalar(text("select count(*) from service_request")) == 0


@pytest.mark.parametrize("who", ["rural", "specialist", "secretary", "privacy", "operator", "stranger", "nurse"])
async def test_who_has_no_part_in_it(cast: Cast, sessions: Sessions, who: str) -> None:
    with pytest.raises(NotFound):
        await of(sessions, cast, who)
