"""Further people of a session: found a time with, booked, told by mail and on screen, let into the room."""

import uuid
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.triage import cancel_consult
from teleconsult.db import Sessions, transaction
from teleconsult.directory.people import disable_account
from teleconsult.directory.roles import end_role
from teleconsult.encounters.colleagues import pass_for_colleague
from teleconsult.encounters.guest_room import passes_in_force
from teleconsult.encounters.models import GuestPass
from teleconsult.errors import Invalid, NotFound
from teleconsult.messages.occasions import INVITED, REMINDER, UNINVITED
from teleconsult.messages.queries import count_unread, own_notices
from teleconsult.messages.reminding import remind
from teleconsult.scheduling.booking import book_appointment, propose_time
from teleconsult.scheduling.calendar_mails import owe_calendar_mails
from teleconsult.scheduling.feeds import read_feed, renew_feed
from teleconsult.scheduling.finding import free_times
from teleconsult.scheduling.hours_models import AppointmentParticipant
from teleconsult.scheduling.inviting import invitable
from teleconsult.scheduling.moving import move_time
from teleconsult.settings import Settings
from tests import agenda_steps, consult_steps
from tests.mailbox import work
from tests.people import Cast
from tests.teleconsult.scheduling.test_calendar_mails import calendar_of

DAY = timedelta(days=1)


async def mails(sessions: Sessions, settings: Settings) -> list[EmailMessage]:
    """Do what is owed to calendars now: the mails that came of it."""
    folder = settings.data / "mail"
    before = set(folder.glob("*.eml"))
    await owe_calendar_mails(sessions)
    await work(settings, sessions)
    new = sorted(set(folder.glob("*.eml")) - before)
    return [message_from_bytes(one.read_bytes(), policy=policy.default) for one in new]


async def booked_with(cast: Cast, sessions: Sessions, *people: Actor, after: timedelta = DAY) -> ServiceRequest:
    consult = await consult_steps.accepted(cast, sessions)
    roles = [person.role_id for person in people if person.role_id]
    async with transaction(sessions, cast.coordinator) as session:
        await propose_time(session, cast.coordinator, consult_id=consult.id, starts_at=now() + after, people=roles)
        await book_appointment(session, cast.coordinator, consult_id=consult.id)
    async with transaction(sessions, cast.coordinator) as session:
        return await consult_for(session, cast.coordinator, consult.id)


async def test_who_may_be_asked_works_with_one_of_the_two_houses(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions, cast.coordinator) as session:
        found = await consult_for(session, cast.coordinator, consult.id)
        asked = {role.id for role in await invitable(session, found)}
    assert asked == {cast.oncall.role_id, cast.colleague.role_id, cast.nurse.role_id}
    stranger = cast.stranger.role_id
    assert stranger is not None
    async with transaction(sessions, cast.coordinator) as session:
        with pytest.raises(Invalid) as caught:
            await propose_time(
                session, cast.coordinator, consult_id=consult.id, starts_at=now() + DAY, people=[stranger]
            )
        assert set(caught.value.fields) == {"people"}
        with pytest.raises(Invalid):
            await propose_time(
                session,
                cast.coordinator,
                consult_id=consult.id,
                starts_at=now() + DAY,
                people=[uuid.uuid4() for _ in range(5)],
            )


async def test_a_time_is_found_that_suits_all_of_them_and_nobody_is_booked_twice(
    cast: Cast, sessions: Sessions
) -> None:
    assert cast.oncall.role_id is not None
    await agenda_steps.hours(sessions, cast, role=cast.oncall.role_id, between=(10 * 60, 12 * 60))
    first = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions, cast.coordinator) as session:
        consult = await consult_for(session, cast.coordinator, first.id)
        alone = await free_times(session, cast.coordinator, consult, minutes=30, most=5000)
        together = await free_times(
            session, cast.coordinator, consult, minutes=30, people=[cast.oncall.role_id], most=200
        )
    hours = {time.start.astimezone(agenda_steps.TORONTO).hour for time in together.times}
    assert hours == {10, 11}
    assert set(together.times) < set(alone.times)
    chosen = together.times[4].start
    async with transaction(sessions, cast.coordinator) as session:
        await propose_time(
            session, cast.coordinator, consult_id=first.id, starts_at=chosen, people=[cast.oncall.role_id]
        )
        await book_appointment(session, cast.coordinator, consult_id=first.id)  # keeps whom the proposal named
    async with transaction(sessions) as session:
        held = set(await session.scalars(select(AppointmentParticipant.practitioner_role_id)))
        assert held == {cast.rural.role_id, cast.specialist.role_id, cast.oncall.role_id}
    second = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions, cast.coordinator) as session:
        consult = await consult_for(session, cast.coordinator, second.id)
        free = await free_times(session, cast.coordinator, consult, minutes=30, people=[cast.oncall.role_id], most=200)
        assert chosen not in {time.start for time in free.times}


async def test_they_hear_of_each_change_by_their_calendar_and_on_screen(
    cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    consult = await booked_with(cast, sessions, cast.oncall)
    to = {message["To"]: message for message in await mails(sessions, settings)}
    assert set(to) == {cast.emails["rural"], cast.emails["specialist"], cast.emails["oncall"]}
    method, event = calendar_of(to[cast.emails["oncall"]])
    assert method == "REQUEST"
    assert str(consult.id) not in str(event)  # the consult is not theirs: the agenda is where they come in
    async with transaction(sessions, cast.oncall) as session:
        [told] = await own_notices(session, cast.oncall)
        assert (told.occasion, told.number, told.consult) == (INVITED, consult.number, None)
        assert await count_unread(session, cast.oncall) == 1
        with pytest.raises(NotFound):
            await consult_for(session, cast.oncall, consult.id)
    assert consult.appointment is not None
    async with transaction(sessions, cast.coordinator) as session:
        await move_time(session, cast.coordinator, consult_id=consult.id, starts_at=now() + 2 * DAY)
    assert {message["To"] for message in await mails(sessions, settings)} == set(to)
    async with transaction(sessions, cast.coordinator) as session:
        await cancel_consult(session, cast.coordinator, consult_id=consult.id, reason="Not needed any more.")
    off = {message["To"]: calendar_of(message)[0] for message in await mails(sessions, settings)}
    assert off == dict.fromkeys(to, "CANCEL")
    async with transaction(sessions, cast.oncall) as session:
        assert [notice.occasion for notice in await own_notices(session, cast.oncall)] == [UNINVITED, INVITED, INVITED]


async def test_who_is_added_or_taken_off_hears_of_it_and_nobody_else(
    cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    consult = await booked_with(cast, sessions)
    assert consult.appointment is not None
    starts_at = consult.appointment.starts_at
    await mails(sessions, settings)
    for people, method in ([cast.oncall.role_id], "REQUEST"), ([], "CANCEL"):
        async with transaction(sessions, cast.coordinator) as session:
            await move_time(
                session,
                cast.coordinator,
                consult_id=consult.id,
                starts_at=starts_at,
                people=[role for role in people if role],
            )
        [message] = await mails(sessions, settings)
        assert (message["To"], calendar_of(message)[0]) == (cast.emails["oncall"], method)


async def test_they_are_reminded_and_their_feed_shows_it(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    consult = await booked_with(cast, sessions, cast.oncall, after=timedelta(minutes=70))
    await remind(sessions, now() + timedelta(minutes=15))
    async with transaction(sessions, cast.oncall) as session:
        [told] = await own_notices(session, cast.oncall)
        assert (told.occasion, told.number) == (REMINDER, consult.number)
        token = await renew_feed(session, cast.oncall)
    async with transaction(sessions, SYSTEM) as session:
        text = (await read_feed(session, settings, token)).decode()
    assert text.count("BEGIN:VEVENT") == 1
    assert str(consult.id) not in text


async def test_who_is_invited_no_longer_comes_in_no_longer(cast: Cast, sessions: Sessions) -> None:
    consult = await booked_with(cast, sessions, cast.oncall, after=timedelta(minutes=20))
    assert consult.appointment is not None
    async with transaction(sessions, cast.oncall) as session:
        await pass_for_colleague(session, cast.oncall, appointment_id=consult.appointment.id)
    async with transaction(sessions) as session:  # opened, and let in
        kept = (await session.scalars(select(GuestPass))).one()
        kept.opened_at = kept.admitted_at = now()
    async with transaction(sessions) as session:
        assert await passes_in_force(session, [kept.id])
    starts_at = now() + timedelta(minutes=30)
    async with transaction(sessions, cast.coordinator) as session:
        await move_time(session, cast.coordinator, consult_id=consult.id, starts_at=starts_at, people=[])
    async with transaction(sessions) as session:
        assert not await passes_in_force(session, [kept.id])
    async with transaction(sessions, cast.oncall) as session:
        with pytest.raises(NotFound):
            await pass_for_colleague(session, cast.oncall, appointment_id=consult.appointment.id)


@pytest.mark.parametrize("how", ["role", "account"])
async def test_who_works_there_no_longer_goes_out_of_the_room(cast: Cast, sessions: Sessions, how: str) -> None:
    consult = await booked_with(cast, sessions, cast.oncall, after=timedelta(minutes=20))
    assert consult.appointment is not None and cast.oncall.practitioner_id is not None
    async with transaction(sessions, cast.oncall) as session:
        await pass_for_colleague(session, cast.oncall, appointment_id=consult.appointment.id)
    async with transaction(sessions) as session:
        kept = (await session.scalars(select(GuestPass))).one()
        kept.opened_at = kept.admitted_at = now()
    admin = replace(cast.admin, factor_at=now())
    async with transaction(sessions, admin) as session:
        if how == "role":
            assert cast.oncall.role_id is not None
            await end_role(session, admin, role_id=cast.oncall.role_id)
        else:
            await disable_account(session, admin, practitioner_id=cast.oncall.practitioner_id)
    async with transaction(sessions) as session:
        assert not await passes_in_force(session, [kept.id])
