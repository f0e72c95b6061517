"""What was written in the rooms of a consult, for its page: the words stay readable once the call is over."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import rows
from teleconsult.access.rows.kept import Kept
from teleconsult.accounts.actor import Actor
from teleconsult.directory.models import Practitioner, PractitionerRole
from teleconsult.encounters.models import ChatMessage, Encounter, EncounterParticipant, GuestPass

MOST: Final = 200
"""The newest; a session writes fewer."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the chat."""

    name: str
    sent_at: datetime
    text: str


async def chat_kept(session: AsyncSession, actor: Actor, consult_id: uuid.UUID) -> list[Line]:
    """What was written in a consult's sessions, oldest first; nothing for who was not in them. Files stand apart."""
    question, ids = _WRITTEN.asked_by(actor)
    found = await session.execute(question, {**ids, "consult_id": consult_id})
    lines = [Line(person.name if person else guest, line.sent_at, line.text) for line, person, guest in found]
    return lines[::-1]


def _written(actor: Actor) -> Select[ChatMessage, Practitioner, str]:
    return (
        select(ChatMessage, Practitioner, GuestPass.name)
        .join(Encounter, Encounter.id == ChatMessage.encounter_id)
        .join(EncounterParticipant, EncounterParticipant.id == ChatMessage.participant_id)
        .outerjoin(PractitionerRole, PractitionerRole.id == EncounterParticipant.practitioner_role_id)
        .outerjoin(Practitioner, Practitioner.id == PractitionerRole.practitioner_id)
        .outerjoin(GuestPass, GuestPass.id == EncounterParticipant.guest_pass_id)
        .where(
            Encounter.service_request_id == bindparam("consult_id"),
            rows.encounters(actor),
            ChatMessage.file_key.is_(None),
        )
        .order_by(ChatMessage.sent_at.desc(), ChatMessage.id)
        .limit(MOST)
    )


_WRITTEN: Final = Kept(_written)
