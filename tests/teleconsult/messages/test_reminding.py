"""Reminders: once for each person, session and lead; anew after a move; none of what is past, missed or called off."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.messages.choices import Wishes, choose
from teleconsult.messages.models import Channel, Notice
from teleconsult.messages.occasions import REMINDER, Topic
from teleconsult.messages.reminding import due_lead, remind
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from teleconsult.settings import Settings
from tests import consult_steps
from tests.mailbox import body, mails
from tests.news_steps import send
from tests.people import Cast

START = datetime.fromisoformat("2027-03-10T14:00:00+00:00")


@pytest.fixture
async def session_booked(cast: Cast, sessions: Sessions) -> ServiceRequest:
    """For tomorrow's tomorrow, booked today."""
    return await consult_steps.booked(cast, sessions, in_minutes=48 * 60)


async def starts(sessions: Sessions, **changes: object) -> Appointment:
    async with transaction(sessions) as session:
        if changes:
            await session.execute(update(Appointment).values(**changes))
        return (await session.scalars(select(Appointment).execution_options(populate_existing=True))).one()


async def reminders(sessions: Sessions, actor: Actor) -> list[Notice]:
    async with transaction(sessions) as session:
        mine = select(Notice).where(Notice.occasion == REMINDER, Notice.practitioner_role_id == actor.role_id)
        return list(await session.scalars(mine.order_by(Notice.happened_at)))


@pytest.mark.parametrize(
    ("minutes", "lead"),
    [(1500, None), (1440, 1440), (100, 1440), (60, 60), (11, 60), (10, 10), (1, 10), (0, None), (-5, None)],
)
def test_the_last_that_has_come(minutes: int, lead: int | None) -> None:
    appointment = Appointment(starts_at=START, booked_at=START - timedelta(days=3))
    assert due_lead((1440, 60, 10), appointment, START - timedelta(minutes=minutes)) == lead


@pytest.mark.parametrize(("booked", "minutes", "lead"), [(180, 90, None), (180, 60, 60), (5, 4, None)])
def test_none_whose_moment_was_over_when_it_was_booked(booked: int, minutes: int, lead: int | None) -> None:
    appointment = Appointment(starts_at=START, booked_at=START - timedelta(minutes=booked))
    assert due_lead((1440, 60, 10), appointment, START - timedelta(minutes=minutes)) == lead


@pytest.mark.usefixtures("session_booked")
async def test_each_once(cast: Cast, sessions: Sessions) -> None:
    start = (await starts(sessions)).starts_at
    for minutes, people in ((1445, 0), (1440, 2), (1439, 0), (60, 2), (59, 0), (10, 2), (9, 0), (0, 0)):
        assert await remind(sessions, start - timedelta(minutes=minutes)) == people, minutes
    assert len(await reminders(sessions, cast.rural)) == len(await reminders(sessions, cast.specialist)) == 3
    assert not await reminders(sessions, cast.coordinator)


@pytest.mark.usefixtures("session_booked")
async def test_after_hours_without_a_worker_the_last_alone(cast: Cast, sessions: Sessions) -> None:
    start = (await starts(sessions)).starts_at
    assert await remind(sessions, start - timedelta(minutes=30)) == 2
    assert len(await reminders(sessions, cast.rural)) == 1


@pytest.mark.usefixtures("session_booked")
async def test_after_a_move_anew(cast: Cast, sessions: Sessions) -> None:
    start = (await starts(sessions)).starts_at
    await remind(sessions, start - timedelta(minutes=60))
    later = start + timedelta(days=1)
    await starts(sessions, starts_at=later, ends_at=later + timedelta(minutes=30))
    assert await remind(sessions, later - timedelta(minutes=60)) == 2
    assert [notice.starts_at for notice in await reminders(sessions, cast.rural)] == [start, later]


@pytest.mark.usefixtures("session_booked")
@pytest.mark.parametrize(
    "status",
    [AppointmentStatus.CANCELLED, AppointmentStatus.PENDING, AppointmentStatus.ARRIVED, AppointmentStatus.NOSHOW],
)
async def test_only_of_what_is_booked(cast: Cast, sessions: Sessions, status: AppointmentStatus) -> None:
    start = (await starts(sessions, status=status)).starts_at
    assert await remind(sessions, start - timedelta(minutes=60)) == 0


@pytest.mark.usefixtures("session_booked")
async def test_as_each_wishes(cast: Cast, sessions: Sessions) -> None:
    every = frozenset(Topic) - {Topic.URGENT}
    for actor, topics, leads in (
        (cast.rural, every, frozenset({10})),
        (cast.specialist, every - {Topic.REMINDERS}, frozenset({60, 10})),
    ):
        wishes = Wishes(frozenset({Channel.EMAIL}), topics, leads, "")
        async with transaction(sessions, actor) as session:
            await choose(session, actor, wishes=wishes)
    start = (await starts(sessions)).starts_at
    assert await remind(sessions, start - timedelta(minutes=60)) == 0
    assert await remind(sessions, start - timedelta(minutes=10)) == 1
    assert len(await reminders(sessions, cast.rural)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"status": AppointmentStatus.CANCELLED},
        {"starts_at": now() + timedelta(days=5), "ends_at": now() + timedelta(days=6)},
        {"starts_at": now() - timedelta(days=5)},
    ],
)
async def test_of_what_changed_before_it_went_nothing_goes(
    cast: Cast, sessions: Sessions, settings: Settings, changes: dict[str, Any]
) -> None:
    """As after a failure of the way there: the job is tried again hours later."""
    await consult_steps.booked(cast, sessions, in_minutes=62)
    await send(settings, sessions)
    before = len(await mails(settings, sessions))
    assert await remind(sessions, now() + timedelta(minutes=5)) == 2
    await starts(sessions, **changes)
    if "starts_at" in changes and changes["starts_at"] < now():
        async with transaction(sessions) as session:
            await session.execute(update(Notice).values(starts_at=changes["starts_at"]))
    await send(settings, sessions)
    assert len(await mails(settings, sessions)) == before


@pytest.mark.usefixtures("session_booked")
async def test_it_goes_at_once_in_ones_own_time(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    await send(settings, sessions)
    before = len(await mails(settings, sessions))
    moment = now()
    start = moment.replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)
    await starts(sessions, starts_at=start, ends_at=start + timedelta(minutes=30), booked_at=start - timedelta(days=2))
    assert await remind(sessions, start - timedelta(minutes=60)) == 2
    await send(settings, sessions)
    sent = {mail["To"]: mail for mail in (await mails(settings, sessions))[before:] if not mail.is_multipart()}
    assert set(sent) == {cast.emails["rural"], cast.emails["specialist"]}
    assert "08:00" in body(sent[cast.emails["rural"]]), "Blanc-Sablon, four hours behind"
    assert cast.patient.family not in body(sent[cast.emails["rural"]])
