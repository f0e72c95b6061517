"""Short words between the two sides, on the consult's own page: kept with it, and never changed."""

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult import audit
from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import Communication, CommunicationCategory, ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, require
from teleconsult.directory.models import PractitionerRole
from teleconsult.errors import Invalid

LONGEST_MESSAGE: Final = 2000
MOST_SHOWN: Final = 200


async def send_message(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, text: str, key: uuid.UUID | None = None
) -> Communication:
    """Write to the other side, between the acceptance and the acknowledgement; the consult stands where it stood.

    `key` is drawn with the form: the same words sent with it again are the same message.
    Raises NotFound, Forbidden for who neither asked nor accepted, Refused, Invalid on `text`.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    message_id = uuid.uuid5(key or uuid.uuid4(), f"{consult.id} {actor.role_id} {text}")
    sent = await session.get(Communication, message_id)
    if sent is not None:
        return sent
    require(consult, actor, Verb.SEND_MESSAGE)
    message = say(session, actor, consult, CommunicationCategory.MESSAGE, text)
    message.id = message_id
    audit.record(session, actor, "message-sent", consult, patient_id=consult.patient_id, message=message.id)
    await session.flush()
    await tell_consult(session, "ConsultMessageSent", consult, by=actor.role_id)
    return message


def say(
    session: AsyncSession, actor: Actor, consult: ServiceRequest, category: CommunicationCategory, text: str
) -> Communication:
    """Add the words to the consult. Part of the act they belong to, which audits and tells. Raises Invalid."""
    text = text.strip()
    if not text:
        raise Invalid({"text": "Write something first."})
    if len(text) > LONGEST_MESSAGE:
        raise Invalid({"text": "Keep it under 2,000 characters."})
    assert actor.role_id is not None, "only someone with a role has a part in a consult"
    message = Communication(
        id=uuid.uuid4(),
        service_request_id=consult.id,
        sender_role_id=actor.role_id,
        category=category,
        text=text,
        sent_at=now(),
    )
    session.add(message)
    return message


async def conversation_of(session: AsyncSession, actor: Actor, consult: ServiceRequest) -> Sequence[Communication]:
    """The newest 200, oldest first, each with its sender. The caller has looked the consult up through the actor."""
    found = await session.scalars(
        select(Communication)
        .where(Communication.service_request_id == consult.id, rows.communications(actor))
        .order_by(Communication.sent_at.desc())
        .limit(MOST_SHOWN)
        .options(joinedload(Communication.sender).joinedload(PractitionerRole.practitioner))
    )
    return found.all()[::-1]
