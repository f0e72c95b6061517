"""The log of a session: what stands in it is what travels, and it goes with the chat."""

import uuid
from datetime import timedelta

from sqlalchemy import func, select, text, update

from signaling import protocol
from signaling.wire import to_wire
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.encounters import actions
from teleconsult.encounters.models import ChatMessage, Encounter
from teleconsult.encounters.session_log import SessionEvent, chat_as_told, room_as_told
from tests.people import Cast
from tests.signaling.booking import book


def test_its_bodies_are_the_messages_of_the_wire() -> None:
    at = now()
    line = ChatMessage(id=uuid.uuid4(), encounter_id=uuid.uuid4(), participant_id=uuid.uuid4(), text="x", sent_at=at)
    told = protocol.ChatLine(line.id, line.participant_id, "Rose", "x", at)
    assert chat_as_told(line, name="Rose") == to_wire(told)
    for encounter, room in (
        (Encounter(), protocol.Room("waiting")),
        (Encounter(started_at=at), protocol.Room("live", at)),
        (Encounter(started_at=at, ended_at=at), protocol.Room("ended", at)),
    ):
        assert room_as_told(encounter) == to_wire(room)


async def test_an_act_and_its_event_stand_or_fall_together_and_end_with_the_chat(
    sessions: Sessions, cast: Cast
) -> None:
    booking = await book(cast, sessions)
    for who in (cast.rural, cast.specialist):
        async with transaction(sessions, who) as session:
            await actions.arrive_encounter(session, who, consult_id=booking.consult)
    message = uuid.uuid4()
    for _ in range(2):  # sent again after an outage
        async with transaction(sessions, cast.rural) as session:
            await actions.start_encounter(session, cast.rural, consult_id=booking.consult)
            await actions.say(session, cast.rural, consult_id=booking.consult, message_id=message, text="hello")
    async with transaction(sessions) as session:
        kinds = (await session.execute(select(SessionEvent.number, SessionEvent.kind).order_by("number"))).all()
        assert [tuple(one) for one in kinds] == [(1, "room"), (2, "chat")]
        long_ago = now() - timedelta(days=60)
        await session.execute(update(Encounter).values(status="finished", ended_at=long_ago))
        house = cast.rural.organization_id
        erase = text("select erase_chat(:house, :before)")
        assert await session.scalar(erase, {"house": house, "before": now() - timedelta(days=30)}) == 1
        assert await session.scalar(select(func.count()).select_from(SessionEvent)) == 0
