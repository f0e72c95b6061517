"""The signal that one side is in the room and waits: to the other's open pages at once, to their devices besides."""

from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.clock import now
from teleconsult.consults.models import ConsultMode
from teleconsult.encounters.models import EncounterParticipant
from teleconsult.encounters.queries import LiveSession
from teleconsult.events import tell
from teleconsult.messages.occasions import ARRIVAL
from teleconsult.messages.telling import owe_news

RECONNECTED: Final = timedelta(minutes=2)
"""Who was gone for less had a bad line, and did not come anew."""


def comes_anew(participant: EncounterParticipant) -> bool:
    """For the first time, or after having been away: ask before the seat is taken."""
    if participant.arrived_at is None:
        return True
    return participant.left_at is not None and now() - participant.left_at > RECONNECTED


async def say_who_waits(session: AsyncSession, live: LiveSession) -> None:
    """The actor of `live` has come: tell the other side, unless they are in the room and see it.

    Of a case of a team meeting who asked is told, once its chair comes to it: those in the meeting's one call see who
    comes, and must not be led out of it into the room of a case that is not discussed.
    """
    if live.request.mode is ConsultMode.MEETING and live.mine.part != "specialist":
        return
    for seat in live.professionals:
        role_id = seat.participant.practitioner_role_id
        if seat is live.mine or role_id is None or _is_in(seat.participant):
            continue
        await tell(session, ARRIVAL, consult=live.request.id, role=role_id)
        await owe_news(
            session,
            ARRIVAL,
            consult_id=live.request.id,
            specialist_role_id=live.task.owner_role_id,
            by=live.mine.participant.practitioner_role_id,
        )


def _is_in(participant: EncounterParticipant) -> bool:
    return participant.arrived_at is not None and participant.left_at is None
