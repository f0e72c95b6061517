"""Mails to the calendars of both sides: each change once, to each of them, and nothing clinical."""

from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select, text, update

from teleconsult.accounts.models import Account
from teleconsult.clock import now
from teleconsult.consults.models import ConsultMode, ServiceRequest
from teleconsult.consults.triage import cancel_consult
from teleconsult.db import Sessions, transaction
from teleconsult.messages.choices import CHOSEN_TOPICS, Wishes, choose
from teleconsult.messages.models import Channel
from teleconsult.messages.occasions import Topic
from teleconsult.scheduling.calendar_mails import mail_calendar, owe_calendar_mails
from teleconsult.scheduling.models import Appointment
from teleconsult.scheduling.moving import cancel_time, move_time
from teleconsult.settings import Settings
from tests import consult_steps
from tests.people import Cast
from tests.teleconsult.scheduling.calendar_rules import read_strictly

OWED = text("select args from procrastinate_jobs where task_name = 'mail_calendar' order by id")


async def mails(sessions: Sessions, settings: Settings) -> list[EmailMessage]:
    """Do what is owed now: the mails that came of it."""
    await owe_calendar_mails(sessions)
    async with transaction(sessions) as session:
        owed = (await session.scalars(OWED)).all()
        await session.execute(text("delete from procrastinate_jobs where task_name = 'mail_calendar'"))
    before = set((settings.data / "mail").glob("*.eml"))
    context: Any = SimpleNamespace(additional_context={"sessions": sessions, "settings": settings})
    for arguments in owed:
        await mail_calendar(context, **arguments)
    found = sorted(set((settings.data / "mail").glob("*.eml")) - before)
    return [message_from_bytes(one.read_bytes(), policy=policy.default) for one in found]


def calendar_of(message: EmailMessage) -> tuple[str | None, dict[str, list[tuple[str, str]]]]:
    """The part within the alternative, held against the file that comes with it."""
    [part] = [one for one in message.walk() if one.get_content_type() == "text/calendar"]
    [file] = [one for one in message.walk() if one.get_content_type() == "application/ics"]
    assert file.get_filename() == "invite.ics"
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert data == file.get_payload(decode=True)
    method, [event] = read_strictly(data)
    assert part.get_param("method") == method  # RFC 6047 §2.4
    assert part.get_content_charset() == "utf-8"
    return method, event


async def test_both_sides_are_invited_once(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    consult = await consult_steps.booked(cast, sessions)
    sent = await mails(sessions, settings)
    assert {str(one["To"]) for one in sent} == {cast.emails["rural"], cast.emails["specialist"]}
    for one in sent:
        assert one.get_content_type() == "multipart/mixed"
        method, event = calendar_of(one)
        assert (method, event["SEQUENCE"][0][1]) == ("REQUEST", "0")
        whole = one.as_string() + str(event)
        for secret in (cast.patient.family, cast.patient.given, consult_steps.QUESTION[:20], "Headache"):
            assert secret not in whole
        assert str(consult.number) in str(one["Subject"])
    assert await mails(sessions, settings) == []


async def test_a_move_and_a_cancellation_are_of_the_same_meeting(
    cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    uids = {calendar_of(one)[1]["UID"][0][1] for one in await mails(sessions, settings)}
    async with transaction(sessions, cast.coordinator) as session:
        await move_time(session, cast.coordinator, consult_id=consult.id, starts_at=now() + timedelta(days=2))
    moved = [calendar_of(one) for one in await mails(sessions, settings)]
    assert [(method, event["SEQUENCE"][0][1]) for method, event in moved] == [("REQUEST", "1")] * 2
    async with transaction(sessions, cast.coordinator) as session:
        await cancel_time(session, cast.coordinator, consult_id=consult.id, reason="Ill.")
    ended = [calendar_of(one) for one in await mails(sessions, settings)]
    assert [(method, event["SEQUENCE"][0][1]) for method, event in ended] == [("CANCEL", "2")] * 2
    assert {event["UID"][0][1] for _, event in (*moved, *ended)} == uids
    assert len(uids) == 1


async def test_a_consult_called_off_leaves_the_calendars_too(
    cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await mails(sessions, settings)
    async with transaction(sessions, cast.rural) as session:
        await cancel_consult(session, cast.rural, consult_id=consult.id, reason="The patient is better.")
    sent = await mails(sessions, settings)
    assert [calendar_of(one)[0] for one in sent] == ["CANCEL", "CANCEL"]
    assert not any("better" in one.as_string() for one in sent)


async def test_moved_before_anybody_was_told_is_not_called_moved(
    cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions, cast.coordinator) as session:
        await move_time(session, cast.coordinator, consult_id=consult.id, starts_at=now() + timedelta(days=2))
    sent = await mails(sessions, settings)
    assert [calendar_of(one)[1]["SEQUENCE"][0][1] for one in sent] == ["1", "1"]
    assert not any("moved" in one["Subject"] or "déplacée" in one["Subject"] for one in sent)


@pytest.mark.parametrize(
    ("channels", "topics"),
    [(frozenset({Channel.PUSH}), frozenset(CHOSEN_TOPICS)), (frozenset({Channel.EMAIL}), frozenset({Topic.ANSWERS}))],
)
async def test_who_wishes_no_such_mail_gets_none(
    cast: Cast, sessions: Sessions, settings: Settings, channels: frozenset[Channel], topics: frozenset[Topic]
) -> None:
    async with transaction(sessions, cast.specialist) as session:
        await choose(session, cast.specialist, wishes=Wishes(channels, topics, frozenset(), ""))
    await consult_steps.booked(cast, sessions)
    assert [str(one["To"]) for one in await mails(sessions, settings)] == [cast.emails["rural"]]


async def test_one_that_is_being_changed_keeps_no_other_waiting(
    cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    held, other = [await consult_steps.booked(cast, sessions, in_minutes=minutes) for minutes in (60, 180)]
    assert held.appointment and other.appointment
    async with transaction(sessions) as session:
        await session.scalar(select(Appointment.id).where(Appointment.id == held.appointment.id).with_for_update())
        sent = await mails(sessions, settings)
        assert {calendar_of(one)[1]["UID"][0][1] for one in sent} == {str(other.appointment.id)}
    assert len(await mails(sessions, settings)) == 2


async def test_of_what_was_never_told_nothing_is_taken_back(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions, cast.coordinator) as session:
        await cancel_time(session, cast.coordinator, consult_id=consult.id, reason="A mistake.")
    assert await mails(sessions, settings) == []


@pytest.mark.parametrize("why", ["over", "emergency", "closed account"])
async def test_who_need_not_know_is_not_told(cast: Cast, sessions: Sessions, settings: Settings, why: str) -> None:
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions) as session:
        if why == "over":
            await session.execute(text("update appointment set starts_at = now() - '9 d'::interval"))
            await session.execute(text("update appointment set ends_at = now() - '2 h'::interval"))
        elif why == "emergency":
            await session.execute(
                update(ServiceRequest).where(ServiceRequest.id == consult.id).values(mode=ConsultMode.EMERGENCY)
            )
        else:
            await session.execute(
                update(Account).where(Account.id == cast.specialist.account_id).values(disabled_at=now())
            )
    told = [str(one["To"]) for one in await mails(sessions, settings)]
    assert told == ([cast.emails["rural"]] if why == "closed account" else [])
