"""A calendar feed: for who has its address, and only while it is the newest."""

import pytest

from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.models import Account
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import NotFound
from teleconsult.scheduling.feeds import end_feed, own_feed, read_feed, renew_feed
from teleconsult.settings import Settings
from tests import consult_steps
from tests.people import Cast
from tests.teleconsult.scheduling.calendar_rules import read_strictly


async def read(sessions: Sessions, settings: Settings, token: str) -> list[str]:
    async with transaction(sessions, SYSTEM) as session:
        _, events = read_strictly(await read_feed(session, settings, token))
    return [event["SUMMARY"][0][1] for event in events]


async def test_it_shows_ones_own_sessions_and_no_patient(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    consult = await consult_steps.booked(cast, sessions)
    tokens = {}
    for who in ("rural", "specialist", "oncall"):
        async with transaction(sessions, getattr(cast, who)) as session:
            tokens[who] = await renew_feed(session, getattr(cast, who))
    for who in ("rural", "specialist"):
        [summary] = await read(sessions, settings, tokens[who])
        assert str(consult.number) in summary
        assert cast.patient.family not in summary
    assert await read(sessions, settings, tokens["oncall"]) == []


async def test_a_new_address_ends_the_one_before(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    async with transaction(sessions, cast.rural) as session:
        first = await renew_feed(session, cast.rural)
    async with transaction(sessions, cast.rural) as session:
        second = await renew_feed(session, cast.rural)
    assert await read(sessions, settings, second) == []
    with pytest.raises(NotFound):
        await read(sessions, settings, first)
    async with transaction(sessions, cast.rural) as session:
        await end_feed(session, cast.rural)
        assert await own_feed(session, cast.rural) is None
    async with transaction(sessions, cast.rural) as session:
        with pytest.raises(NotFound):  # twice
            await end_feed(session, cast.rural)
    with pytest.raises(NotFound):
        await read(sessions, settings, second)


async def test_a_closed_account_shows_nothing(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    async with transaction(sessions, cast.rural) as session:
        token = await renew_feed(session, cast.rural)
    async with transaction(sessions) as session:
        (await session.get_one(Account, cast.rural.account_id)).disabled_at = now()
    with pytest.raises(NotFound):
        await read(sessions, settings, token)


async def test_who_has_no_agenda_has_no_feed(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions, cast.admin) as session:
        with pytest.raises(NotFound):
            await renew_feed(session, cast.admin)
