"""Nothing of a session is lost: what is told with a number, to who is there and to who was away."""

import asyncio
import uuid
from typing import Any

from teleconsult.db import Sessions, transaction
from teleconsult.encounters import session_log
from teleconsult.encounters.models import Encounter
from teleconsult.encounters.session_log import log_event
from teleconsult.events import Event
from tests.people import Cast
from tests.signaling.booking import Booking
from tests.signaling.conftest import LiveSite
from tests.signaling.test_guests import GuestMaker, guest, let_in
from tests.signaling.visitors import Visitor, VisitorMaker

__all__ = ["guest"]


async def both_in(visit: VisitorMaker, booking: Booking) -> tuple[Visitor, Visitor, dict[str, Any]]:
    """Both in the room, the session begun; the answer to the second."""
    rural, specialist = await visit("rural"), await visit("specialist")
    await rural.join(booking.consult)
    return rural, specialist, await specialist.join(booking.consult)


async def say(who: Visitor, *texts: str) -> None:
    """Write lines."""
    for text in texts:
        assert await who.ask("chat", {"id": str(uuid.uuid4()), "text": text}) == {"ok": "yes"}


async def test_numbers_rise_by_one_and_everybody_hears_the_same(visit: VisitorMaker, booking: Booking) -> None:
    rural, specialist, joined = await both_in(visit, booking)
    assert joined["log"] == {"last": 1, "events": [], "whole": True}, "the session began: the answer says so itself"
    await say(rural, "one", "two")
    await specialist.next("chat")
    await specialist.next("chat")
    assert specialist.numbers[-2:] == rural.numbers[-2:] == [2, 3]


async def test_who_comes_back_is_told_what_came_since(visit: VisitorMaker, booking: Booking) -> None:
    rural, specialist, joined = await both_in(visit, booking)
    await specialist.close()
    await say(rural, "while you were away", "and more")
    again = await visit("specialist")
    reply = await again.join(booking.consult, since=joined["log"]["last"])
    assert reply["chat"] == []
    assert [(one["number"], one["kind"], one["body"]["text"]) for one in reply["log"]["events"]] == [
        (2, "chat", "while you were away"),
        (3, "chat", "and more"),
    ]
    assert (reply["log"]["last"], reply["log"]["whole"]) == (3, False)
    assert (await again.ask("missed", {"since": 2}))["events"][0]["number"] == 3
    assert (await again.ask("missed", {"since": 3})) == {"last": 3, "events": [], "whole": False}


async def test_who_missed_too_much_begins_anew(visit: VisitorMaker, booking: Booking, monkeypatch: Any) -> None:
    monkeypatch.setattr(session_log, "MOST", 2)
    rural, specialist, _ = await both_in(visit, booking)
    await say(rural, "a", "b", "c")
    assert (await specialist.ask("missed", {"since": 1}))["whole"] is True
    again = await visit("specialist")
    reply = await again.join(booking.consult, since=1)
    assert (reply["log"]["whole"], reply["log"]["last"]) == (True, 4)
    assert [line["text"] for line in reply["chat"]] == ["a", "b", "c"]


async def test_a_guest_is_told_nothing_from_before(
    visit: VisitorMaker, guest: GuestMaker, booking: Booking, sessions: Sessions, cast: Cast
) -> None:
    rural, specialist, _ = await both_in(visit, booking)
    await say(rural, "about her, among us")
    rose = await guest()
    await rose.join(booking.consult)
    await let_in(sessions, cast.rural, booking)
    await rose.next("admitted")
    joined = await rose.join(booking.consult)
    assert joined["log"] == {"last": 2, "events": [], "whole": True}, "up to date, without having read it"
    assert (await rose.ask("missed", {"since": 0})) == {"last": 2, "events": [], "whole": False}
    await say(specialist, "hello")
    assert (await rose.next("chat"))["text"] == "hello"
    assert rose.numbers == [3]


async def test_what_another_process_wrote_is_told_here(
    visit: VisitorMaker, booking: Booking, sessions: Sessions, site: LiveSite
) -> None:
    rural, _, _ = await both_in(visit, booking)
    async with transaction(sessions) as session:
        encounter = await session.get_one(Encounter, booking.encounter.id)
        assert await log_event(session, encounter, "room", {"state": "ended"}) == 2
    while (await rural.next("room"))["state"] != "ended":
        pass
    await site.live.room.recall.hear(Event("Reconnected", {}))
    assert await rural.hears_nothing("room", within=0.05), "each event is told once"


async def test_lines_written_at_once_have_numbers_without_gaps(visit: VisitorMaker, booking: Booking) -> None:
    rural, specialist, _ = await both_in(visit, booking)
    await asyncio.gather(*(say(who, f"{who.page} {count}") for who in (rural, specialist) for count in range(5)))
    await asyncio.sleep(0)
    for _ in range(10):
        await rural.next("chat")
    assert rural.numbers[-10:] == list(range(2, 12))


async def test_what_is_rolled_back_is_told_to_nobody(visit: VisitorMaker, booking: Booking, sessions: Sessions) -> None:
    rural, _, _ = await both_in(visit, booking)
    async with sessions() as session:
        await log_event(session, await session.get_one(Encounter, booking.encounter.id), "room", {"state": "ended"})
        await session.rollback()
    await say(rural, "still here")
    await rural.next("chat")
    assert rural.numbers[-1] == 2, "its number was free again"


async def test_a_beat_says_whether_the_seat_is_kept(visit: VisitorMaker, booking: Booking) -> None:
    rural = await visit("rural")
    assert await rural.ask("beat", {}) == {"error": "not-joined"}
    assert await rural.ask("missed", {"since": 0}) == {"error": "not-joined"}
    await rural.join(booking.consult)
    assert await rural.ask("beat", {}) == {"ok": "yes"}
    for since in (-1, "0", None, 1.5, 2**31):
        assert await rural.ask("missed", {"since": since}) == {"error": "invalid"}
