"""What was found out a moment ago serves the next request, and nobody whose right has ended."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from teleconsult.accounts.models import IssuedToken
from teleconsult.accounts.tokens import revoke_token
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import PractitionerRole
from teleconsult.events import tell
from teleconsult.excerpts.revoking import revoke_excerpt
from tests.people import Cast
from tests.stow_steps import send, slice_of
from tests.web.dicomweb_steps import CT, Client, address, asker, images
from tests.web.fhir_client import program
from web.lately import GOOD_FOR, Lately

__all__ = ["images"]

FRAME = f"{address(CT)}/frames/1"
FELT_WITHIN = 5.0
"""Seconds."""
End = Callable[[AsyncSession, Cast], Awaitable[None]]


async def token_is_revoked(session: AsyncSession, cast: Cast) -> None:
    token_id = await session.scalar(select(IssuedToken.id))
    assert token_id
    await revoke_token(session, cast.specialist, token_id=token_id)


async def excerpt_is_revoked(session: AsyncSession, cast: Cast) -> None:
    consult_id = await session.scalar(select(ServiceRequest.id))
    assert consult_id
    await revoke_excerpt(session, cast.rural, consult_id=consult_id, reason="Another doctor was found.")


async def role_ends(session: AsyncSession, cast: Cast) -> None:
    (await session.get_one(PractitionerRole, cast.specialist.role_id)).ended_at = now()
    await tell(session, "AccessChanged", role=cast.specialist.role_id)


@pytest.mark.parametrize(("end", "status"), [(token_is_revoked, 401), (excerpt_is_revoked, 404), (role_ends, 401)])
@pytest.mark.usefixtures("images")
async def test_a_right_that_ends_is_felt(client: Client, sessions: Sessions, cast: Cast, end: End, status: int) -> None:
    specialist = await asker(client, sessions, cast.specialist)
    assert (await specialist.get(FRAME)).status == 200
    async with transaction(sessions) as session:
        await end(session, cast)
    ended = time.monotonic()
    while (await specialist.get(FRAME)).status != status:
        assert time.monotonic() - ended < FELT_WITHIN
        await asyncio.sleep(0.02)


async def test_who_brings_images_one_by_one_is_asked_for_once_and_not_once_the_token_is_revoked(
    client: Client, sessions: Sessions, engine: AsyncEngine, cast: Cast
) -> None:
    sender = await program(client, sessions, cast.rural)
    assert (await send(sender, slice_of(cast)))[0].status == 200
    asked: list[str] = []

    def note(*told: object) -> None:
        asked.append(str(told[2]))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        assert (await send(sender, slice_of(cast)))[0].status == 200
        assert not [one for one in asked if "issued_token" in one]
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)
    async with transaction(sessions) as session:
        token_id = await session.scalar(select(IssuedToken.id))
        assert token_id
        await revoke_token(session, cast.rural, token_id=token_id)
    ended = time.monotonic()
    while (await send(sender, slice_of(cast)))[0].status == 200:
        assert time.monotonic() - ended < FELT_WITHIN
        await asyncio.sleep(0.02)


@pytest.mark.usefixtures("images")
async def test_asked_again_it_costs_no_statement_and_others_see_nothing_of_it(
    client: Client, sessions: Sessions, engine: AsyncEngine, cast: Cast
) -> None:
    specialist, stranger = [await asker(client, sessions, person) for person in (cast.specialist, cast.stranger)]
    first = await specialist.get(FRAME)
    asked: list[str] = []

    def note(*told: object) -> None:
        asked.append(str(told[2]))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        again = await specialist.get(FRAME)
        assert not [one for one in asked if "imaging_study" in one or "issued_token" in one]
        assert (again.status, again.headers["ETag"]) == (200, first.headers["ETag"])
        assert (await stranger.get(FRAME)).status == 404
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)


async def test_it_is_looked_at_anew_after_a_while_or_when_something_was_told() -> None:
    moment, looked = 0.0, 0
    lately = Lately(most=2, clock=lambda: moment)

    async def look() -> int:
        nonlocal looked
        looked += 1
        return looked

    assert [await lately.found("a", look) for _time in range(2)] == [1, 1]
    moment = GOOD_FOR
    assert await lately.found("a", look) == 2
    lately.forget()
    assert await lately.found("a", look) == 3
    assert [await lately.found(key, look) for key in ("b", "c", "a")] == [4, 5, 6], "the oldest went"


async def test_what_was_looked_at_while_something_was_told_is_not_held() -> None:
    lately = Lately()

    async def look() -> str:
        lately.forget()
        return "of before"

    async def look_again() -> str:
        return "of now"

    assert await lately.found("a", look) == "of before"
    assert await lately.found("a", look_again) == "of now"


async def test_what_took_longer_to_find_out_is_found_out_anew() -> None:
    moment = 0.0
    lately = Lately(clock=lambda: moment)

    async def look() -> float:
        nonlocal moment
        moment += GOOD_FOR
        return moment

    assert [await lately.found("a", look) for _time in range(2)] == [GOOD_FOR, 2 * GOOD_FOR]


async def test_what_is_refused_is_asked_each_time() -> None:
    lately, asked = Lately(), 0

    async def refuse() -> None:
        nonlocal asked
        asked += 1
        raise LookupError

    for _time in range(2):
        with pytest.raises(LookupError):
            await lately.found("a", refuse)
    assert asked == 2
