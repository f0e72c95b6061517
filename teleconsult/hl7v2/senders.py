"""Which systems may send, and what of theirs a person has to look at."""

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.access.rows import hl7_messages_of_house, hl7_senders_of_house
from teleconsult.accounts.actor import Actor
from teleconsult.client_certificates import fingerprint_in
from teleconsult.clock import now
from teleconsult.errors import Conflict, Invalid, NotFound
from teleconsult.hl7v2.models import Hl7Message, Hl7Sender
from teleconsult.other_systems import read_name, turn

LONGEST: Final = 100
MOST: Final = 100


async def senders_here(session: AsyncSession, actor: Actor) -> Sequence[Hl7Sender]:
    """The establishment's systems that send, by name; those turned off too. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    found = await session.scalars(
        select(Hl7Sender).where(hl7_senders_of_house(actor)).order_by(Hl7Sender.name, Hl7Sender.id).limit(MOST)
    )
    return found.all()


async def messages_to_look_at(session: AsyncSession, actor: Actor) -> Sequence[Hl7Message]:
    """What was not taken, or bore a number that was used before; latest first, 100 at most. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    found = await session.scalars(
        select(Hl7Message)
        .where(hl7_messages_of_house(actor), Hl7Message.seen_at.is_(None))
        .order_by(Hl7Message.received_at.desc(), Hl7Message.id)
        .limit(MOST)
        .options(joinedload(Hl7Message.sender))
    )
    return found.all()


async def add_sender(
    session: AsyncSession, actor: Actor, *, name: str, facility: str, certificate: str = ""
) -> Hl7Sender:
    """Let a system send. `certificate` is its client certificate in PEM; empty for one on this machine.

    Raises NotFound, Invalid with a sentence a field, Conflict where such a system is known.
    """
    require(actor, Permission.ADMINISTRATION)
    errors: dict[str, str] = {}
    name, facility = read_name(name, errors), facility.strip()
    if not facility or len(facility) > LONGEST or any(letter in facility for letter in "|^~\\&\r\n"):
        errors["facility"] = "Give the facility as the system writes it in MSH-4."
    fingerprint = None
    if certificate.strip():
        try:
            fingerprint = fingerprint_in(certificate)
        except ValueError:
            errors["certificate"] = "This is no certificate. Paste it from BEGIN CERTIFICATE to END CERTIFICATE."
    if errors:
        raise Invalid(errors)
    sender = Hl7Sender(
        id=uuid.uuid4(),
        organization_id=actor.organization_id,
        name=name,
        facility=facility,
        certificate_sha256=fingerprint,
        created_at=now(),
        created_by_id=actor.role_id,
    )
    try:
        async with session.begin_nested():
            session.add(sender)
    except IntegrityError as error:
        raise Conflict("A system with this certificate and facility may send already.") from error
    audit.record(session, actor, "hl7-sender-added", sender, facility=facility)
    return sender


async def switch_sender(session: AsyncSession, actor: Actor, *, sender_id: uuid.UUID, is_on: bool) -> Hl7Sender:
    """Turn a system off, or on again. Twice is once. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    sender: Hl7Sender | None = await session.scalar(
        select(Hl7Sender).where(Hl7Sender.id == sender_id, hl7_senders_of_house(actor)).with_for_update()
    )
    if sender is None:
        raise NotFound
    if turn(sender, is_on=is_on):
        audit.record(session, actor, "hl7-sender-enabled" if is_on else "hl7-sender-disabled", sender)
        await session.flush()
    return sender


async def mark_seen(session: AsyncSession, actor: Actor, *, message_id: uuid.UUID) -> Hl7Message:
    """A person has looked at what was wrong with a message. Twice is once. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    message: Hl7Message | None = await session.scalar(
        select(Hl7Message).where(Hl7Message.id == message_id, hl7_messages_of_house(actor)).with_for_update()
    )
    if message is None:
        raise NotFound
    if message.seen_at is None:
        message.seen_at = now()
        audit.record(session, actor, "hl7-message-seen", message)
        await session.flush()
    return message
