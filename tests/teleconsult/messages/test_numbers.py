"""A number is used once its code was typed, and a gateway's own trouble is not held against it."""

import asyncio
import re

import pytest
from sqlalchemy import select, update

from teleconsult.accounts.actor import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid
from teleconsult.messages.choices import MOST_REFUSALS, choose, is_phone_good, note_sms, own_choice
from teleconsult.messages.models import NoticeChoice
from teleconsult.messages.numbers import confirm_number, owe_code
from teleconsult.settings import Settings
from tests.mailbox import work
from tests.people import Cast
from tests.teleconsult.messages.test_choices import WISHES


async def code_of(settings: Settings, sessions: Sessions) -> str:
    """The newest that was sent."""
    await work(settings, sessions)
    newest = max((settings.data / "sms").glob("*.txt"))
    [code] = re.findall(r"\b\d{8}\b", newest.read_text())
    return str(code)


async def typed(sessions: Sessions, settings: Settings, actor: Actor, code: str) -> bool:
    async with transaction(sessions, actor) as session:
        return await confirm_number(session, settings, actor, code=code)


async def is_good(sessions: Sessions, actor: Actor) -> bool:
    async with transaction(sessions, actor) as session:
        return is_phone_good(await own_choice(session, actor), is_urgent=True)


async def test_nothing_is_sent_to_a_number_before_its_code_was_typed(
    cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    async with transaction(sessions, cast.rural) as session:
        await choose(session, cast.rural, wishes=WISHES)
    code = await code_of(settings, sessions)
    assert not await is_good(sessions, cast.rural)
    assert not await typed(sessions, settings, cast.rural, "00000000")
    assert not await typed(sessions, settings, cast.colleague, code)
    assert await typed(sessions, settings, cast.rural, f" {code[:4]} {code[4:]} ")
    assert await is_good(sessions, cast.rural)
    assert not await typed(sessions, settings, cast.rural, code)  # once
    async with transaction(sessions, cast.rural) as session:
        await choose(session, cast.rural, wishes=WISHES)  # the same number stays confirmed
    assert await is_good(sessions, cast.rural)
    async with transaction(sessions) as session:
        [event] = await session.scalars(select(AuditEvent).where(AuditEvent.action == "number-confirmed"))
        assert code not in str(event.detail)


async def test_a_code_is_spent_by_five_wrong_ones_by_the_next_and_five_are_sent_an_hour(
    cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    async with transaction(sessions, cast.rural) as session:
        await choose(session, cast.rural, wishes=WISHES)
    first = await code_of(settings, sessions)
    async with transaction(sessions, cast.rural) as session:
        await owe_code(session, cast.rural)
    second = await code_of(settings, sessions)
    assert not await typed(sessions, settings, cast.rural, first)
    for _time in range(4):
        assert not await typed(sessions, settings, cast.rural, "1")
    assert not await typed(sessions, settings, cast.rural, second)
    for _time in range(3):
        async with transaction(sessions, cast.rural) as session:
            await owe_code(session, cast.rural)
    with pytest.raises(Invalid):
        async with transaction(sessions, cast.rural) as session:
            await owe_code(session, cast.rural)


async def test_of_two_who_ask_at_once_the_second_waits_and_is_counted(cast: Cast, sessions: Sessions) -> None:
    for _time in range(4):
        async with transaction(sessions, cast.rural) as session:
            await owe_code(session, cast.rural)

    async def ask() -> None:
        async with transaction(sessions, cast.rural) as session:
            await owe_code(session, cast.rural)

    told = await asyncio.gather(*(ask() for _time in range(4)), return_exceptions=True)
    assert [type(one) for one in told if one is not None] == [Invalid] * 3


async def test_a_gateway_that_refuses_everybody_stops_no_number(cast: Cast, sessions: Sessions) -> None:
    for actor in (cast.rural, cast.colleague):
        async with transaction(sessions, actor) as session:
            await choose(session, actor, wishes=WISHES)
    async with transaction(sessions) as session:
        await session.execute(update(NoticeChoice).values(phone_confirmed_at=NoticeChoice.updated_at))

    async def sent(actor: Actor, *, arrived: bool) -> bool:
        assert actor.account_id is not None
        async with transaction(sessions) as session:
            await note_sms(session, actor.account_id, "+84912345678", arrived=arrived)
        async with transaction(sessions, actor) as session:
            return is_phone_good(await own_choice(session, actor))

    for _time in range(MOST_REFUSALS + 2):
        assert await sent(cast.rural, arrived=False)
    for _time in range(MOST_REFUSALS - 1):  # it works for others, and this one goes on being refused
        await sent(cast.colleague, arrived=True)
        good = await sent(cast.rural, arrived=False)
    assert not good
    assert await sent(cast.rural, arrived=True)
