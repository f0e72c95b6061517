"""The live room over real sockets: every message, and everything that must not work."""

import asyncio
import uuid
from typing import Any

from sqlalchemy import event as events
from sqlalchemy import func, select

from teleconsult.accounts.sessions import sign_out
from teleconsult.audit.models import AuditEvent
from teleconsult.consults.models import ConsultMode, Task, TaskStatus
from teleconsult.consults.triage import cancel_consult
from teleconsult.db import Sessions, transaction
from teleconsult.emergencies.escalating import calm_consult, escalate_consult
from teleconsult.encounters.actions import finish_encounter
from teleconsult.encounters.models import ChatMessage, Encounter, EncounterStatus
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from tests.kept_rows import KeptRows
from tests.people import Cast
from tests.signaling.booking import Booking
from tests.signaling.conftest import LiveSite, VisitorMaker
from tests.signaling.visitors import Visitor

OFFER = {"type": "offer", "sdp": "v=0\r\n"}


async def both_in(visit: VisitorMaker, booking: Booking) -> tuple[Visitor, Visitor, dict[str, Any], dict[str, Any]]:
    """Rural doctor and specialist, both in the room."""
    rural, specialist = await visit("rural"), await visit("specialist")
    first = await rural.join(booking.consult)
    second = await specialist.join(booking.consult)
    return rural, specialist, first, second


async def test_who_comes_is_looked_up_once(visit: VisitorMaker, booking: Booking, sessions: Sessions) -> None:
    """What a join costs decides how many may come at once. Of what else goes on here, nothing asks these."""
    asked: list[str] = []
    engine = sessions.kw["bind"].sync_engine

    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    events.listen(engine, "before_cursor_execute", count)
    try:
        await both_in(visit, booking)
    finally:
        events.remove(engine, "before_cursor_execute", count)
    locks = [one for one in asked if one.startswith("SELECT service_request.id") and one.endswith("FOR UPDATE")]
    seats = [
        one for one in asked if one.startswith("SELECT encounter_participant.encounter_id") and "guest_pass" in one
    ]
    assert (len(locks), len(seats)) == (2, 2)


async def test_who_comes_first_waits_and_knows_for_whom(
    visit: VisitorMaker, booking: Booking, sessions: Sessions, cast: Cast
) -> None:
    rural = await visit("rural")
    joined = await rural.join(booking.consult)
    assert joined["state"] == "waiting"
    assert [(peer["name"], peer["present"]) for peer in joined["peers"]] == [(cast.specialist.name, False)]
    assert joined["ice"] == []
    async with transaction(sessions) as session:
        assert (await session.get_one(Encounter, booking.encounter.id)).status is EncounterStatus.ARRIVED
        assert (await session.get_one(Appointment, booking.appointment.id)).status is AppointmentStatus.ARRIVED


async def test_the_session_starts_when_both_are_in(visit: VisitorMaker, booking: Booking, sessions: Sessions) -> None:
    rural, _, first, second = await both_in(visit, booking)
    assert second["state"] == "live"
    assert (await rural.next("room"))["state"] == "live"
    change = await rural.next("peer")
    assert change["change"] == "joined"
    assert change["peer"]["pid"] == second["pid"]
    # Both sides come to opposite answers about who gives way.
    assert change["peer"]["polite"] is not second["peers"][0]["polite"]
    assert second["peers"][0]["pid"] == first["pid"]
    async with transaction(sessions) as session:
        encounter = await session.get_one(Encounter, booking.encounter.id)
        assert encounter.status is EncounterStatus.IN_PROGRESS
        assert encounter.started_at
        assert (await session.get_one(Task, booking.task.id)).status is TaskStatus.IN_PROGRESS
        actions = (await session.scalars(select(AuditEvent.action))).all()
    assert actions.count("encounter-arrived") == 2
    assert "encounter-started" in actions


async def test_a_description_reaches_the_peer_and_nobody_else(visit: VisitorMaker, booking: Booking) -> None:
    rural, specialist, first, second = await both_in(visit, booking)
    assert await rural.ask("signal", {"to": second["pid"], "description": OFFER}) == {"ok": "yes"}
    assert await specialist.next("signal") == {"sender": first["pid"], "description": OFFER}
    candidate = {"candidate": "candidate:1 1 udp 1 10.0.0.1 9 typ host", "sdpMid": "0", "sdpMLineIndex": 0}
    await specialist.ask("signal", {"to": first["pid"], "candidate": candidate})
    assert (await rural.next("signal"))["candidate"] == candidate


async def test_a_signal_to_who_is_not_there(visit: VisitorMaker, booking: Booking) -> None:
    rural = await visit("rural")
    joined = await rural.join(booking.consult)
    for to in (joined["peers"][0]["pid"], joined["pid"], str(uuid.uuid4())):
        assert await rural.ask("signal", {"to": to, "description": OFFER}) == {"error": "gone"}


async def test_nothing_works_before_joining(visit: VisitorMaker, booking: Booking) -> None:
    rural = await visit("rural")
    for event, message in (
        ("signal", {"to": str(uuid.uuid4()), "description": OFFER}),
        ("media", {"audio": True, "video": False}),
        ("chat", {"id": str(uuid.uuid4()), "text": "hello"}),
        ("ice", {}),
        ("leave", {}),
    ):
        assert await rural.ask(event, message) == {"error": "not-joined"}


async def test_microphone_and_camera_are_told(visit: VisitorMaker, booking: Booking) -> None:
    rural, specialist, first, _ = await both_in(visit, booking)
    await rural.ask("media", {"audio": False, "video": True})
    assert await specialist.next("media") == {"sender": first["pid"], "audio": False, "video": True, "streams": []}


async def test_chat_is_kept_passed_on_and_given_to_who_comes_back(
    visit: VisitorMaker, booking: Booking, sessions: Sessions
) -> None:
    rural, specialist, first, _ = await both_in(visit, booking)
    message = {"id": str(uuid.uuid4()), "text": "<b>Đau đầu</b> depuis hier"}
    assert await rural.ask("chat", message) == {"ok": "yes"}
    line = await specialist.next("chat")
    assert (line["id"], line["text"], line["sender"]) == (message["id"], message["text"], first["pid"])
    assert await rural.next("chat") == line, "its writer has it the same way"
    assert await rural.ask("chat", message) == {"ok": "yes"}, "sent again after an outage: kept once"
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(ChatMessage)) == 1
    again = await visit("specialist")
    assert [line["sender"] for line in (await again.join(booking.consult))["chat"]] == [first["pid"]]


async def test_chat_refuses_what_is_empty_or_too_long(visit: VisitorMaker, booking: Booking) -> None:
    rural = await visit("rural")
    await rural.join(booking.consult)
    for text in ("", "   ", "x" * 2001, "a\0b", 7):
        assert await rural.ask("chat", {"id": str(uuid.uuid4()), "text": text}) == {"error": "invalid"}


async def test_another_persons_message_id_is_no_way_in(visit: VisitorMaker, booking: Booking) -> None:
    rural, specialist, _, _ = await both_in(visit, booking)
    message = {"id": str(uuid.uuid4()), "text": "mine"}
    await rural.ask("chat", message)
    assert await specialist.ask("chat", message | {"text": "other"}) == {"error": "invalid"}


async def test_strangers_and_unknown_consults_look_the_same(
    visit: VisitorMaker, booking: Booking, sessions: Sessions
) -> None:
    for who in ("stranger", "colleague", "coordinator", "oncall", "admin"):
        outsider = await visit(who)
        assert await outsider.join(booking.consult) == {"error": "not-found"}
        assert await outsider.join(uuid.uuid4()) == {"error": "not-found"}
    async with transaction(sessions) as session:
        refused = AuditEvent.action.in_(("encounter-refused", "message-refused"))
        denied = await session.scalar(select(func.count()).where(refused))
    assert denied == 10


async def test_a_stranger_cannot_signal_into_a_room(visit: VisitorMaker, booking: Booking) -> None:
    _, specialist, first, _ = await both_in(visit, booking)
    stranger = await visit("stranger")
    assert await stranger.ask("signal", {"to": first["pid"], "description": OFFER}) == {"error": "not-joined"}
    assert await specialist.hears_nothing("signal")


async def test_the_room_is_closed_once_the_note_is_signed(
    visit: VisitorMaker, booking: Booking, sessions: Sessions, cast: Cast
) -> None:
    async with transaction(sessions) as session:
        await finish_encounter(session, cast.specialist, consult_id=booking.consult)
    assert await (await visit("rural")).join(booking.consult) == {"error": "not-open"}


async def test_malformed_messages_are_refused_and_change_nothing(visit: VisitorMaker, booking: Booking) -> None:
    rural, specialist, _, second = await both_in(visit, booking)
    for event, message in (
        ("join", []),
        ("join", {"consult": "../etc", "page": str(uuid.uuid4()), "audio": True, "video": True}),
        ("signal", {"to": second["pid"]}),
        ("signal", {"to": second["pid"], "description": {"type": "pranswer", "sdp": "v=0"}}),
        ("signal", {"to": second["pid"], "description": OFFER | {"more": 1}}),
        ("signal", {"to": second["pid"], "description": {"type": "offer", "sdp": "x" * 60_001}}),
        ("signal", {"to": second["pid"], "candidate": {"candidate": "", "sdpMLineIndex": True}}),
        ("media", {"audio": 1, "video": False}),
        ("leave", {"now": True}),
        ("unheard-of", {}),
        ("trigger_event", {}),
    ):
        assert await rural.ask(event, message) == {"error": "invalid"}, (event, message)
    assert await specialist.hears_nothing("signal")


async def test_a_newer_tab_takes_the_seat_from_the_older_one(
    visit: VisitorMaker, booking: Booking, sessions: Sessions
) -> None:
    older, specialist, first, _ = await both_in(visit, booking)
    newer = await visit("rural")
    again = await newer.join(booking.consult)
    assert again["pid"] == first["pid"]
    assert (await older.next("bye"))["reason"] == "elsewhere"
    await asyncio.wait_for(older.gone.wait(), 30)
    change = await specialist.next("peer")
    assert change["change"] == "joined"
    assert change["peer"]["page"] == str(newer.page)
    assert await specialist.hears_nothing("peer")  # the older tab's going is not told as a loss
    async with transaction(sessions) as session:
        noted = select(AuditEvent.detail).where(AuditEvent.action == "participant-removed")
        assert [detail["reason"] for detail in await session.scalars(noted)] == ["elsewhere"]
    await specialist.ask("signal", {"to": first["pid"], "description": OFFER})
    assert await newer.next("signal")


async def test_leaving_is_told_and_ends_the_session_when_the_specialist_does(
    visit: VisitorMaker, booking: Booking, sessions: Sessions
) -> None:
    rural, specialist, _, second = await both_in(visit, booking)
    await rural.next("room")
    assert await specialist.ask("leave", {}) == {"ok": "yes"}
    change = await rural.next("peer")
    while change["change"] == "joined":
        change = await rural.next("peer")
    assert (change["change"], change["peer"]["pid"], change["peer"]["present"]) == ("left", second["pid"], False)
    assert (await rural.next("room"))["state"] == "ended"
    async with transaction(sessions) as session:
        assert (await session.get_one(Appointment, booking.appointment.id)).status is AppointmentStatus.FULFILLED
        assert (await session.get_one(Task, booking.task.id)).business_status == "unsigned"
        assert (await session.get_one(Encounter, booking.encounter.id)).status is EncounterStatus.IN_PROGRESS
    assert (await specialist.join(booking.consult))["state"] == "live"  # a slip of the finger: both go on
    assert (await rural.next("room"))["state"] == "live"


async def test_a_lost_line_is_told_and_the_seat_taken_again(
    visit: VisitorMaker, booking: Booking, sessions: Sessions
) -> None:
    rural, specialist, first, second = await both_in(visit, booking)
    await rural.close()
    change = await specialist.next("peer")
    assert (change["change"], change["peer"]["pid"]) == ("lost", first["pid"])
    assert await specialist.ask("signal", {"to": first["pid"], "description": OFFER}) == {"error": "gone"}
    back = await visit("rural")
    back.page = rural.page
    again = await back.join(booking.consult)
    assert again["pid"] == first["pid"]
    assert again["state"] == "live"
    change = await specialist.next("peer")
    assert change["peer"]["page"] == str(rural.page)  # the same page: its peer connection can go on
    # The offer that found nobody is sent again and arrives.
    assert await specialist.ask("signal", {"to": first["pid"], "description": OFFER}) == {"ok": "yes"}
    assert (await back.next("signal"))["sender"] == second["pid"]
    async with transaction(sessions) as session:
        actions = (await session.scalars(select(AuditEvent.action))).all()
    assert "encounter-rejoined" in actions


async def test_forged_disconnect_leaves_no_invisible_listener(visit: VisitorMaker, booking: Booking) -> None:
    rural, specialist, first, _ = await both_in(visit, booking)
    await rural.send_raw('2/room,["disconnect"]')
    await rural.send_raw('2/room,["disconnect","transport close"]')
    assert await specialist.ask("signal", {"to": first["pid"], "description": OFFER}) == {"ok": "yes"}
    assert await rural.next("signal")
    assert await specialist.hears_nothing("bye")
    heard = [message["change"] for name, message in list(specialist.heard._queue) if name == "peer"]  # type: ignore[attr-defined]  # a peek
    assert "lost" not in heard


async def test_forged_connect_makes_nobody_else_of_you(
    visit: VisitorMaker, booking: Booking, site: LiveSite, cast: Cast
) -> None:
    stranger = await visit("stranger")
    forged = '{"HTTP_COOKIE":"session=x","HTTP_ORIGIN":"' + site.url + '"}'
    await stranger.send_raw(f'2/room,["connect",{forged},{{"token":"x"}}]')
    await stranger.send_raw('2/room,["connect"]')
    assert await stranger.join(booking.consult) == {"error": "not-found"}
    assert [connection.actor.name for connection in site.live.room.connections.values()] == [cast.stranger.name]


async def test_event_names_that_are_no_text_are_dropped(visit: VisitorMaker, booking: Booking) -> None:
    rural = await visit("rural")
    for packet in ("2/room,[7]", "2/room,[null,{}]", "2/room,[[],{}]", "2/room,[]", '2/room,{"0":"join"}', "2/room,"):
        await rural.send_raw(packet)
    assert (await rural.join(booking.consult))["state"] == "waiting"


async def test_signing_out_elsewhere_ends_the_call(
    visit: VisitorMaker, booking: Booking, site: LiveSite, sessions: Sessions
) -> None:
    rural, specialist, first, _ = await both_in(visit, booking)
    actor = next(c.actor for c in site.live.room.connections.values() if c.actor.name == "Dr Hélène Tremblay")
    async with transaction(sessions) as session:
        await sign_out(session, actor)
    assert (await rural.next("bye"))["reason"] == "signed-out"
    await asyncio.wait_for(rural.gone.wait(), 30)
    change = await specialist.next("peer")
    assert (change["change"], change["peer"]["pid"]) == ("left", first["pid"])


async def test_a_cancelled_consult_empties_the_room(
    visit: VisitorMaker, booking: Booking, sessions: Sessions, cast: Cast
) -> None:
    rural = await visit("rural")
    await rural.join(booking.consult)
    async with transaction(sessions) as session:
        await cancel_consult(session, cast.rural, consult_id=booking.consult, reason="She is better.")
    assert (await rural.next("bye"))["reason"] == "ended"


async def test_who_waits_in_the_room_of_an_emergency_that_is_none_goes_out(
    visit: VisitorMaker, booking: Booking, sessions: Sessions, cast: Cast
) -> None:
    async with transaction(sessions, cast.rural) as session:
        await escalate_consult(session, cast.rural, consult_id=booking.consult)
    rural = await visit("rural")
    assert (await rural.join(booking.consult))["state"] != "closed"
    async with transaction(sessions, cast.rural) as session:
        await calm_consult(session, cast.rural, consult_id=booking.consult, mode=ConsultMode.VIDEO)
    assert (await rural.next("bye"))["reason"] == "ended"


async def test_of_who_is_in_no_record_any_more_nothing_is_noted(
    visit: VisitorMaker, booking: Booking, site: LiveSite, kept_rows: KeptRows
) -> None:
    rural, specialist, first, _second = await both_in(visit, booking)
    (sid,) = (sid for sid, one in site.live.room.connections.items() if one.actor.name == "Dr Hélène Tremblay")
    kept_rows.sweep()  # as where an older backup was put back
    await site.live.room.dismiss(sid, "ended")
    assert (await rural.next("bye"))["reason"] == "ended"
    change = await specialist.next("peer")
    assert (change["change"], change["peer"]["pid"]) == ("left", first["pid"])
