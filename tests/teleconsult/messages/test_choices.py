"""How one is reached: the defaults, what is kept, what is refused, and nobody else's."""

import pytest
from sqlalchemy import select

from teleconsult.accounts.actor import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid
from teleconsult.messages.choices import CHOSEN_TOPICS, REMINDERS, Wishes, choose, own_choice, read_phone
from teleconsult.messages.models import Channel, NoticeChoice
from teleconsult.messages.occasions import Topic
from tests.people import Cast

WISHES = Wishes(frozenset({Channel.SMS}), frozenset({Topic.TIMES}), frozenset({10}), "+84 91 234 56 78")


async def chosen(sessions: Sessions, actor: Actor) -> NoticeChoice:
    async with transaction(sessions, actor) as session:
        return await own_choice(session, actor)


async def test_by_mail_of_everything_unless_one_chose(cast: Cast, sessions: Sessions) -> None:
    choice = await chosen(sessions, cast.rural)
    assert (choice.channels, choice.topics) == ([Channel.EMAIL], list(CHOSEN_TOPICS))
    assert choice.reminders == list(REMINDERS)


async def test_what_one_chose_is_kept_twice_over_and_for_nobody_else(cast: Cast, sessions: Sessions) -> None:
    for _time in range(2):
        async with transaction(sessions, cast.rural) as session:
            await choose(session, cast.rural, wishes=WISHES)
    choice = await chosen(sessions, cast.rural)
    assert (choice.channels, choice.topics, choice.reminders) == (["sms"], ["times"], [10])
    assert choice.phone == "+84912345678"
    assert (await chosen(sessions, cast.colleague)).phone == ""
    async with transaction(sessions) as session:
        events = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "notices-chosen"))).all()
        assert len(events) == 2
        assert "84912345678" not in str(events[0].detail)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"phone": ""}, "phone"),
        ({"reminders": frozenset({7})}, "reminders"),
        ({"topics": frozenset({Topic.URGENT})}, "reminders"),
    ],
)
async def test_what_cannot_be(cast: Cast, sessions: Sessions, changes: dict[str, object], field: str) -> None:
    wishes = Wishes(**{**{name: getattr(WISHES, name) for name in Wishes.__slots__}, **changes})
    with pytest.raises(Invalid) as refused:
        async with transaction(sessions, cast.rural) as session:
            await choose(session, cast.rural, wishes=wishes)
    assert field in refused.value.fields


@pytest.mark.parametrize(
    "typed",
    ["418 555 0123", "+1", "+999123456789", "+1418555012345678901234567890", "++1", "+1\n418", "abc", "+٣", "\x00"],
)
def test_what_is_no_number(typed: str) -> None:
    with pytest.raises(Invalid):
        read_phone(typed)


@pytest.mark.parametrize(
    ("typed", "number"),
    [(" +33 6 12 34 56 78 ", "+33612345678"), ("+1 (418) 656-2131", "+14186562131"), ("  ", "")],
)
def test_a_number_as_the_world_dials_it(typed: str, number: str) -> None:
    assert read_phone(typed) == number
