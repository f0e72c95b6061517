"""Guests over the socket: the door, the room, and out again."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import socketio
from sqlalchemy import select, update

from signaling.connection import MOST_PER_GUEST
from teleconsult.accounts import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.guests import admit_guest, invitation_behind, invite_guest, open_pass, revoke_guest
from teleconsult.encounters.models import Encounter, EncounterParticipant, GuestKind, GuestPass
from tests.people import Cast
from tests.signaling.booking import Booking
from tests.signaling.conftest import COOKIES, LiveSite, VisitorMaker
from tests.signaling.visitors import Visitor
from tests.waiting import eventually

REFUSED = socketio.exceptions.ConnectionError
GuestMaker = Callable[..., Awaitable[Visitor]]


@pytest.fixture
async def guest(site: LiveSite, sessions: Sessions, cast: Cast, booking: Booking) -> AsyncIterator[GuestMaker]:
    """`await guest("Rose")`: invited by the rural doctor, opened on a device, connected; not let in yet."""
    visitors: list[Visitor] = []
    cookies: dict[str, str] = {}

    async def _guest(name: str = "Rose", *, connect: bool = True, namespace: str = "/room") -> Visitor:
        if name not in cookies:
            async with transaction(sessions, cast.rural) as session:
                _kept, token = await invite_guest(
                    session, cast.rural, consult_id=booking.consult, kind=GuestKind.PATIENT, name=name
                )
            async with transaction(sessions) as session:
                invitation = await invitation_behind(session, token)
                assert invitation
                cookies[name] = await open_pass(session, invitation, cookie="")
        headers = {"Cookie": f"{COOKIES.guest}={cookies[name]}", "Origin": site.url}
        visitor = Visitor(site.url, namespace=namespace, headers=headers, auth={"as": "guest"})
        visitors.append(visitor)
        if connect:
            await visitor.connect()
        return visitor

    yield _guest
    for visitor in visitors:
        await visitor.close()


async def let_in(sessions: Sessions, actor: Actor, booking: Booking, name: str = "Rose") -> None:
    """The button of the room's page."""
    async with transaction(sessions, actor) as session:
        pass_id = (await session.scalars(select(GuestPass.id).where(GuestPass.name == name))).one()
        await admit_guest(session, actor, consult_id=booking.consult, pass_id=pass_id)


async def turn_out(sessions: Sessions, actor: Actor, booking: Booking, name: str = "Rose") -> None:
    """Take the link back."""
    async with transaction(sessions, actor) as session:
        pass_id = (await session.scalars(select(GuestPass.id).where(GuestPass.name == name))).one()
        await revoke_guest(session, actor, consult_id=booking.consult, pass_id=pass_id)


async def three_in(
    visit: VisitorMaker, guest: GuestMaker, booking: Booking, sessions: Sessions, cast: Cast
) -> tuple[Visitor, Visitor, Visitor, dict[str, Any]]:
    """Doctor, specialist and a guest who was let in; what the guest was told on joining."""
    rural, specialist, rose = await visit("rural"), await visit("specialist"), await guest()
    await rural.join(booking.consult)
    await specialist.join(booking.consult)
    assert await rose.join(booking.consult) == {"error": "not-admitted"}
    await let_in(sessions, cast.specialist, booking)
    await rose.next("admitted")
    return rural, specialist, rose, await rose.join(booking.consult)


async def test_a_guest_waits_at_the_door_and_hears_nothing_there(
    visit: VisitorMaker, guest: GuestMaker, booking: Booking, sessions: Sessions
) -> None:
    rural, specialist = await visit("rural"), await visit("specialist")
    mine, _ = await rural.join(booking.consult), await specialist.join(booking.consult)
    rose = await guest()
    assert await rose.join(booking.consult) == {"error": "not-admitted"}
    for visitor in (rural, specialist):
        await visitor.next("guests")
    for event, message in (
        ("signal", {"to": mine["pid"], "description": {"type": "offer", "sdp": "v=0"}}),
        ("chat", {"id": str(uuid.uuid4()), "text": "hello"}),
        ("media", {"audio": True, "video": True}),
        ("ice", {}),
    ):
        assert await rose.ask(event, message) == {"error": "not-joined"}
    await rural.ask("chat", {"id": str(uuid.uuid4()), "text": "between us"})
    assert await specialist.next("chat")
    for event in ("chat", "peer", "room", "guests"):
        assert await rose.hears_nothing(event, within=0.05)
    await rose.close()
    assert await eventually(lambda: is_away(sessions))


async def is_away(sessions: Sessions) -> bool:
    """Whether the guest's going was noted."""
    left = select(EncounterParticipant.left_at).where(EncounterParticipant.guest_pass_id.is_not(None))
    async with transaction(sessions) as session:
        return (await session.scalars(left)).one() is not None


async def test_once_let_in_three_see_each_other(
    visit: VisitorMaker, guest: GuestMaker, booking: Booking, sessions: Sessions, cast: Cast
) -> None:
    rural, specialist, rose, joined = await three_in(visit, guest, booking, sessions, cast)
    assert {(peer["name"], peer["role"], peer["present"]) for peer in joined["peers"]} == {
        (cast.rural.name, "requester", True),
        (cast.specialist.name, "specialist", True),
    }
    for visitor in (rural, specialist):
        heard = await visitor.next("peer")
        while heard["peer"]["role"] != "guest":
            heard = await visitor.next("peer")
        assert (heard["change"], heard["peer"]["name"], heard["peer"]["pid"]) == ("joined", "Rose", joined["pid"])
    offer = {"type": "offer", "sdp": "v=0"}
    for peer, visitor in ((cast.rural, rural), (cast.specialist, specialist)):
        pid = next(one["pid"] for one in joined["peers"] if one["name"] == peer.name)
        assert await rose.ask("signal", {"to": pid, "description": offer}) == {"ok": "yes"}
        assert (await visitor.next("signal"))["sender"] == joined["pid"]
    async with transaction(sessions) as session:
        kept = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "guest-joined"))).one()
    assert (kept.actor_name, kept.practitioner_role_id, kept.patient_id) == ("Rose", None, cast.patient.id)


async def test_a_guest_asks_to_speak_and_silences_nobody(
    visit: VisitorMaker, guest: GuestMaker, booking: Booking, sessions: Sessions, cast: Cast
) -> None:
    rural, _, rose, _ = await three_in(visit, guest, booking, sessions, cast)
    assert await rose.ask("hush", {}) == {"error": "not-found"}
    assert await rural.hears_nothing("hush", within=0.05)
    assert await rose.ask("hand", {"raised": True}) == {"ok": "yes"}
    assert (await rural.next("hand"))["raised"] is True


async def test_a_guest_reads_the_chat_since_they_were_let_in(
    visit: VisitorMaker, guest: GuestMaker, booking: Booking, sessions: Sessions, cast: Cast
) -> None:
    rural, specialist, rose = await visit("rural"), await visit("specialist"), await guest()
    await rural.join(booking.consult)
    await specialist.join(booking.consult)
    await rural.ask("chat", {"id": str(uuid.uuid4()), "text": "about her, among us"})
    await rose.join(booking.consult)
    await let_in(sessions, cast.rural, booking)
    await rose.next("admitted")
    assert (await rose.join(booking.consult))["chat"] == []
    await rose.ask("chat", {"id": str(uuid.uuid4()), "text": "hello"})
    line = await rose.next("chat")
    assert (line["name"], line["text"]) == ("Rose", "hello")
    assert (await specialist.next("chat"))["text"] in {"about her, among us", "hello"}
    again = await visit("specialist")
    assert [(one["name"], one["text"]) for one in (await again.join(booking.consult))["chat"]] == [
        (cast.rural.name, "about her, among us"),
        ("Rose", "hello"),
    ]
    await turn_out(sessions, cast.rural, booking)
    once_more = await visit("specialist")
    assert len((await once_more.join(booking.consult))["chat"]) == 2, "what was written keeps its writer's name"


async def test_guests_start_no_session(
    visit: VisitorMaker, guest: GuestMaker, booking: Booking, sessions: Sessions, cast: Cast
) -> None:
    rural, rose = await visit("rural"), await guest()
    await rural.join(booking.consult)
    await rose.join(booking.consult)
    await let_in(sessions, cast.rural, booking)
    await rose.next("admitted")
    assert (await rose.join(booking.consult))["state"] == "waiting"
    assert (await (await visit("specialist")).join(booking.consult))["state"] == "live"


async def test_a_guests_cookie_opens_one_room_and_nothing_else(
    visit: VisitorMaker, guest: GuestMaker, booking: Booking, site: LiveSite
) -> None:
    rose = await guest()
    assert await rose.join(uuid.uuid4()) == {"error": "not-found"}
    for elsewhere in ("/worklist", "/looking"):
        with pytest.raises(REFUSED):
            await (await guest(namespace=elsewhere, connect=False)).connect()
    unasked = await guest(connect=False)
    unasked.auth = None
    with pytest.raises(REFUSED):
        await unasked.connect()
    from_elsewhere = await guest(connect=False)
    from_elsewhere.headers["Origin"] = "https://evil.example"
    with pytest.raises(REFUSED):
        await from_elsewhere.connect()
    staff = await visit("rural", connect=False)
    staff.auth = {"as": "guest"}
    with pytest.raises(REFUSED):
        await staff.connect()


async def test_a_guest_has_ten_sockets_at_a_time(guest: GuestMaker) -> None:
    for _ in range(MOST_PER_GUEST):
        await guest()
    with pytest.raises(REFUSED):
        await (await guest(connect=False)).connect()
    await guest("Somebody else")


@pytest.mark.usefixtures("resting_watch")
@pytest.mark.parametrize("how", ["revoked", "revoked, told", "expired", "session over", "session over, told"])
@pytest.mark.parametrize("where", ["room", "door"])
async def test_a_guest_who_may_no_longer_be_there_is_out(
    visit: VisitorMaker,
    guest: GuestMaker,
    booking: Booking,
    sessions: Sessions,
    cast: Cast,
    site: LiveSite,
    how: str,
    where: str,
) -> None:
    """Told of, or seen at the next look, and one comes every three seconds."""
    if where == "room":
        rural, specialist, rose, joined = await three_in(visit, guest, booking, sessions, cast)
    else:
        rural, specialist, rose = await visit("rural"), await visit("specialist"), await guest()
        await rural.join(booking.consult)
        await specialist.join(booking.consult)
        await rose.join(booking.consult)
    if how == "revoked, told":
        await turn_out(sessions, cast.rural, booking)
    elif how == "session over, told":
        await specialist.ask("leave", {})
    else:
        async with transaction(sessions) as session:
            if how == "session over":
                await session.execute(update(Encounter).values(ended_at=now()))
            else:
                column = "revoked_at" if how == "revoked" else "expires_at"
                await session.execute(update(GuestPass).values({column: now()}))
        await site.live.watch.look()
    assert (await rose.next("bye"))["reason"] == "ended"
    if where == "room":
        heard = await rural.next("peer")
        while heard["peer"]["pid"] != joined["pid"] or heard["change"] == "joined":
            heard = await rural.next("peer")
        assert heard["change"] == "left"
    with pytest.raises(REFUSED):
        await (await guest(connect=False)).connect()


async def test_being_let_in_is_noticed_without_being_told(
    visit: VisitorMaker, guest: GuestMaker, booking: Booking, sessions: Sessions
) -> None:
    rural, rose = await visit("rural"), await guest()
    await rural.join(booking.consult)
    await rose.join(booking.consult)
    async with transaction(sessions) as session:
        await session.execute(update(GuestPass).values(admitted_at=now()))
    await rose.next("admitted")
