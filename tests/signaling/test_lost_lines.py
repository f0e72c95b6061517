"""Who lost their line to the server: sound and picture go on for a while; their rights are looked at all the same."""

import asyncio
import uuid
from contextlib import AsyncExitStack
from functools import partial

import pytest
from sqlalchemy import select

from signaling.room import LEAVES_AT_ONCE
from teleconsult.consults.queries import lock_consult
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.call_models import Attendance
from tests.people import Cast
from tests.signaling.booking import Booking
from tests.signaling.conftest import LiveSite
from tests.signaling.media.publisher import Publisher
from tests.signaling.test_guests import GuestMaker, guest, let_in, turn_out
from tests.signaling.test_recording import through
from tests.signaling.visitors import VisitorMaker
from tests.waiting import eventually

__all__ = ["guest"]


@pytest.mark.usefixtures("resting_watch")
async def test_a_guest_turned_out_meanwhile_is_cut_off(
    visit: VisitorMaker, guest: GuestMaker, sessions: Sessions, cast: Cast, booking: Booking, site: LiveSite
) -> None:
    rural, rose = await visit("rural"), await guest()
    await rural.join(booking.consult)
    await rose.join(booking.consult)
    await let_in(sessions, cast.specialist, booking)
    pid = uuid.UUID((await rose.join(booking.consult))["pid"])
    ways = site.live.room.through
    await ways.ask_for_server(booking.consult, True)
    async with Publisher(partial(through, rose)):
        forwarder = ways.forwarder_of(booking.consult)
        assert forwarder is not None
        assert await eventually(lambda: forwarder.is_open(pid))
        await rose.close()
        assert (await rural.next("peer"))["change"] == "joined"
        assert (await rural.next("peer"))["change"] == "lost"
        await site.live.watch.look()
        assert forwarder.is_open(pid), "a lost line alone ends nothing"
        await turn_out(sessions, cast.rural, booking)
        await site.live.watch.look()
        assert (await rural.next("peer"))["change"] == "left"
        assert await eventually(lambda: not forwarder.is_open(pid))
    assert not site.live.room.lost


async def test_who_comes_back_is_lost_no_longer(visit: VisitorMaker, booking: Booking, site: LiveSite) -> None:
    rural = await visit("rural")
    await rural.join(booking.consult)
    await rural.close()
    assert await eventually(lambda: len(site.live.room.lost) == 1)
    await (await visit("rural")).join(booking.consult)
    assert not site.live.room.lost


async def test_who_is_back_before_it_was_noted_that_they_had_gone_has_not_left(
    visit: VisitorMaker, booking: Booking, site: LiveSite, sessions: Sessions
) -> None:
    rural = await visit("rural")
    await rural.join(booking.consult)
    async with AsyncExitStack() as many:
        for _ in range(LEAVES_AT_ONCE):
            await many.enter_async_context(site.live.room.leaving)
        await rural.close()
        assert await eventually(lambda: len(site.live.room.lost) == 1)
        await (await visit("rural")).join(booking.consult)
    await asyncio.sleep(0.1)
    async with transaction(sessions) as session:
        assert [stay.went_at for stay in await session.scalars(select(Attendance))] == [None]


async def test_a_guests_number_puts_nobody_out_of_step(
    visit: VisitorMaker, guest: GuestMaker, sessions: Sessions, cast: Cast, booking: Booking
) -> None:
    rural, rose = await visit("rural"), await guest()
    before = (await rural.join(booking.consult))["path"]
    await rose.join(booking.consult)
    await let_in(sessions, cast.specialist, booking)
    invented = {"number": 1_000_000, "way": "server"}
    assert (await rose.join(booking.consult, path=invented))["path"] == before
    assert (await rural.join(booking.consult, path=invented))["path"] == before


async def test_an_old_line_that_ends_late_leaves_nobody_away(
    visit: VisitorMaker, sessions: Sessions, booking: Booking, site: LiveSite
) -> None:
    old, new = await visit("rural"), await visit("rural")
    await old.join(booking.consult)
    async with transaction(sessions) as held:
        await lock_consult(held, booking.consult)
        joining = asyncio.create_task(new.join(booking.consult))
        await asyncio.sleep(0.2)
        await old.close()
        await asyncio.sleep(0.2)
    await joining

    async def is_there() -> bool:
        await site.live.keeper.write()
        async with transaction(sessions) as session:
            return None in list(await session.scalars(select(Attendance.went_at)))

    assert await eventually(is_there)
