"""Rights that end: every kind, told of or not, is felt by an open socket within five seconds.

No clock says so here, which a slow machine would make a liar. The watch does not look by itself in these tests: whoever
is turned out was told of, or seen at the one look the test asked for; such a look comes every three seconds.
"""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from signaling import watch
from signaling.watch import EVERY
from teleconsult.accounts.models import IssuedToken, TokenKey, WebSession
from teleconsult.accounts.sessions import renew_session
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import PractitionerRole, RoleCode
from teleconsult.patients.models import CareRelation
from teleconsult.settings import Settings
from tests.people import Cast, bearer_of
from tests.signaling.booking import Booking
from tests.signaling.changes import (
    Change,
    account_is_disabled,
    consent_is_withdrawn,
    consult_is_cancelled,
    consult_is_reassigned,
    role_changes,
    role_ends,
    session_ends,
    session_runs_out,
)
from tests.signaling.conftest import Changer, LiveSite, VisitorMaker
from tests.signaling.visitors import Visitor
from tests.waiting import PATIENCE, eventually

pytestmark = pytest.mark.usefixtures("resting_watch")
BY_COOKIE = [
    session_ends,
    session_runs_out,
    account_is_disabled,
    role_ends,
    role_changes,
    consult_is_reassigned,
]


async def in_session(visit: VisitorMaker, booking: Booking) -> tuple[Visitor, Visitor, dict[str, Any]]:
    """Doctor and specialist in the room; what the specialist was told."""
    rural, specialist = await visit("rural"), await visit("specialist")
    await rural.join(booking.consult)
    return rural, specialist, await specialist.join(booking.consult)


def test_a_look_comes_every_three_seconds() -> None:
    assert EVERY <= 3


@pytest.mark.parametrize("told", [True, False], ids=["told", "silent"])
@pytest.mark.parametrize("how", BY_COOKIE, ids=lambda how: how.__name__)
async def test_a_seat_in_a_room_is_lost_and_the_other_side_hears_it(
    visit: VisitorMaker, booking: Booking, sessions: Sessions, change: Changer, how: Change, told: bool
) -> None:
    rural, specialist, mine = await in_session(visit, booking)
    await change(how, told=told)
    bye = await specialist.next("bye")
    await asyncio.wait_for(specialist.gone.wait(), PATIENCE)
    assert bye["reason"] in {"signed-out", "ended"}
    heard = await rural.next("peer")
    while heard["change"] == "joined":
        heard = await rural.next("peer")
    assert (heard["change"], heard["peer"]["pid"]) == ("left", mine["pid"]), "so its page ends sound and picture"
    assert await eventually(lambda: is_kept(sessions, "participant-removed"))


async def is_kept(sessions: Sessions, action: str) -> bool:
    """Whether the audit holds it."""
    async with transaction(sessions) as session:
        return await session.scalar(select(AuditEvent.id).where(AuditEvent.action == action)) is not None


@pytest.mark.parametrize("told", [True, False], ids=["told", "silent"])
@pytest.mark.parametrize("how", [consult_is_cancelled, consent_is_withdrawn], ids=lambda how: how.__name__)
async def test_what_ends_for_both_ends_for_both(
    visit: VisitorMaker, booking: Booking, change: Changer, how: Change, told: bool
) -> None:
    both = (await in_session(visit, booking))[:2]
    await change(how, told=told)
    for visitor in both:
        assert (await visitor.next("bye"))["reason"] == "ended"


@pytest.mark.parametrize("told", [True, False], ids=["told", "silent"])
async def test_who_asked_is_out_once_they_stop_treating_the_patient(
    visit: VisitorMaker, booking: Booking, change: Changer, told: bool
) -> None:
    async def relation_ends(session: AsyncSession, cast: Cast, booking: Booking) -> dict[str, uuid.UUID | None]:
        mine = CareRelation.practitioner_role_id == cast.rural.role_id
        await session.execute(update(CareRelation).where(mine).values(ended_at=now()))
        return {"role": cast.rural.role_id}

    rural, specialist, _ = await in_session(visit, booking)
    await change(relation_ends, told=told)
    assert (await rural.next("bye"))["reason"] == "ended"
    assert await specialist.hears_nothing("bye")


@pytest.mark.parametrize("told", [True, False], ids=["told", "silent"])
@pytest.mark.parametrize("how", [session_ends, session_runs_out, account_is_disabled, role_ends])
async def test_a_socket_that_only_listens_is_covered(
    visit: VisitorMaker, change: Changer, how: Change, told: bool
) -> None:
    idle, other = await visit("specialist", "/worklist"), await visit("rural", "/worklist")
    await change(how, told=told)
    assert (await idle.next("bye"))["reason"] == "signed-out"
    assert await other.hears_nothing("bye")


async def revoke(session: AsyncSession, cast: Cast, _booking: Booking) -> dict[str, uuid.UUID | None]:
    mine = IssuedToken.account_id == cast.specialist.account_id
    revoked = await session.scalar(update(IssuedToken).where(mine).values(revoked_at=now()).returning(IssuedToken.id))
    return {"token": revoked}


async def runs_out(session: AsyncSession, cast: Cast, _booking: Booking) -> dict[str, uuid.UUID | None]:
    mine = IssuedToken.account_id == cast.specialist.account_id
    await session.execute(update(IssuedToken).where(mine).values(expires_at=now()))
    return {"account": cast.specialist.account_id}


async def key_leaks(session: AsyncSession, cast: Cast, _booking: Booking) -> dict[str, uuid.UUID | None]:
    await session.execute(update(TokenKey).values(retired_at=now()))
    return {"account": cast.specialist.account_id}


@pytest.mark.parametrize("told", [True, False], ids=["told", "silent"])
@pytest.mark.parametrize("how", [revoke, runs_out, key_leaks, account_is_disabled, role_ends])
async def test_a_bearer_tokens_socket_ends_with_the_token(
    site: LiveSite, booking: Booking, sessions: Sessions, cast: Cast, change: Changer, how: Change, told: bool
) -> None:
    async with transaction(sessions) as session:
        token = await bearer_of(session, cast.specialist)
    machine = Visitor(site.url, namespace="/room", headers={}, auth={"token": token})
    await machine.connect()
    await machine.join(booking.consult)
    await change(how, told=told)
    assert (await machine.next("bye"))["reason"] == "signed-out"
    await machine.close()


async def test_a_changed_role_hears_of_its_own_lists_and_no_longer_of_the_old_ones(
    visit: VisitorMaker, cast: Cast, site: LiveSite, change: Changer
) -> None:
    listener = await visit("specialist", "/worklist")

    async def becomes_coordinator(session: AsyncSession, cast: Cast, _: Booking) -> dict[str, uuid.UUID | None]:
        (await session.get_one(PractitionerRole, cast.specialist.role_id)).code = RoleCode.COORDINATOR
        return {"role": cast.specialist.role_id}

    await change(becomes_coordinator, told=True)
    (connection,) = site.live.worklist.connections.values()
    assert await eventually(lambda: connection.actor.role is RoleCode.COORDINATOR)
    lists = {room for room in site.live.server.rooms(connection.sid, "/worklist") if room.startswith("list:")}
    assert len(lists) == 1
    assert ":coordinator:" in lists.pop()
    assert await listener.hears_nothing("bye")


async def test_proving_oneself_again_does_not_end_the_call(
    visit: VisitorMaker, booking: Booking, sessions: Sessions, site: LiveSite
) -> None:
    _rural, specialist, _ = await in_session(visit, booking)
    actors = [connection.actor for connection in site.live.room.connections.values()]
    async with transaction(sessions) as session:
        for actor in actors:
            assert await renew_session(session, actor, fresh="pwd")
    await site.live.watch.look()
    assert await specialist.hears_nothing("bye")


async def test_whoever_sits_in_a_call_is_not_idle(
    visit: VisitorMaker,
    booking: Booking,
    sessions: Sessions,
    cast: Cast,
    settings: Settings,
    site: LiveSite,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rural, listener = await visit("rural"), await visit("colleague", "/worklist")
    await rural.join(booking.consult)
    long_ago = now() - timedelta(minutes=settings.session_idle_minutes, seconds=1)
    async with transaction(sessions) as session:
        await session.execute(update(WebSession).values(last_seen_at=long_ago))

    async def is_seen() -> bool:
        async with transaction(sessions) as session:
            mine = WebSession.account_id == cast.rural.account_id
            return (await session.scalars(select(WebSession.last_seen_at).where(mine))).one() > long_ago

    monkeypatch.setattr(watch, "EVERY", 0.1)
    async with site.live.watching():
        assert (await listener.next("bye"))["reason"] == "signed-out", "a list left open is idle all the same"
        assert await eventually(is_seen)
        assert await rural.hears_nothing("bye"), "at three looks more"


async def test_one_look_asks_once_for_each_kind_however_many_sockets(
    visit: VisitorMaker, booking: Booking, site: LiveSite, sessions: Sessions
) -> None:
    asked: list[str] = []
    engine = sessions.kw["bind"].sync_engine
    event.listen(engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    counts = []
    for who in ("rural", "specialist", "colleague", "coordinator"):
        for namespace in ("/room", "/worklist"):
            await visit(who, namespace)
        asked.clear()
        await site.live.watch.look()
        counts.append(len([statement for statement in asked if statement.startswith(("SELECT", "UPDATE"))]))
    assert max(counts) == min(counts) <= 2, "and the one that says who acts"
