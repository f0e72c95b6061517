"""Who receives the notes of a request besides who asked: added, taken away, chosen, and whom the patient is opposed to.

Both sides of a request may add somebody from the directory of the establishment that answers. Which of several
addresses counts is chosen by who writes the note; what the patient wants and who their family doctor is, by who asked.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.db import act_as
from teleconsult.delivery.mailing import (
    MOST_ADDED,
    Mailed,
    added_to,
    chosen_before,
    doctor_of,
    has_mailbox,
    mailed_to,
    oppositions_of,
)
from teleconsult.delivery.queueing import queue_missing
from teleconsult.delivery.recipient_models import ConsultCorrespondent, GeneralPractitioner, OpposedTo, Opposition
from teleconsult.delivery.sending_too import Sent, send_signed, sent_to
from teleconsult.directory.mailboxes.finding import offered_mailboxes, remember_choice
from teleconsult.directory.mailboxes.models import WRITABLE, ChoiceKind, Mailbox
from teleconsult.directory.mailboxes.numbers import person_number
from teleconsult.directory.models import HealthcareService, Organization
from teleconsult.errors import Conflict, Invalid, NotFound

LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class Addressed:
    """Who receives the notes of a request, as it stands."""

    consult: ServiceRequest
    mails: bool
    """Whether the establishment that answers has a secure mailbox to send from."""
    recipients: Sequence[Mailed]
    added: Sequence[ConsultCorrespondent]
    oppositions: frozenset[OpposedTo]
    doctor: GeneralPractitioner | None
    sent: Sent
    """Who of them has the note that is signed."""


async def addressed(session: AsyncSession, actor: Actor, consult_id: uuid.UUID) -> Addressed:
    """Raises NotFound as `consult_for` does."""
    require(actor, Permission.CONSULT_DISCUSS)
    consult = await consult_for(session, actor, consult_id)
    own, asked = await _houses(session, consult)
    recipients = await mailed_to(session, consult, own=own, asked=asked)
    return Addressed(
        consult,
        await has_mailbox(session, own.id),
        recipients,
        await added_to(session, consult.id),
        await oppositions_of(session, consult.patient_id),
        await doctor_of(session, consult.patient_id),
        await sent_to(session, actor, consult, recipients),
    )


async def send_too(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, address: str) -> None:
    """Send what is signed already to one of the recipients too. Raises as `sending_too.send_signed`."""
    require(actor, Permission.CONSULT_DISCUSS)
    consult = await consult_for(session, actor, consult_id)
    own, asked = await _houses(session, consult)
    recipients = await mailed_to(session, consult, own=own, asked=asked)
    await send_signed(session, actor, consult_id=consult_id, recipients=recipients, address=address)


async def offered(session: AsyncSession, actor: Actor, consult_id: uuid.UUID, *, typed: str) -> Sequence[Mailbox]:
    """Mailboxes of the answering establishment's directory that fit what was typed; 10 at most. Raises NotFound."""
    require(actor, Permission.CONSULT_DISCUSS)
    own, _asked = await _houses(session, await consult_for(session, actor, consult_id))
    return await offered_mailboxes(session, actor, organization_id=own.id, typed=typed)


async def add_correspondent(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, mailbox_id: uuid.UUID
) -> ConsultCorrespondent:
    """Have the notes of this request sent to a mailbox of the directory too.

    Raises NotFound, also for a mailbox that may not be written to, Conflict for who is added already or one too many.
    """
    require(actor, Permission.CONSULT_DISCUSS)
    consult = await consult_for(session, actor, consult_id, lock=True)
    own, _asked = await _houses(session, consult)
    mailbox = await session.scalar(
        select(Mailbox).where(Mailbox.id == mailbox_id, Mailbox.organization_id == own.id, WRITABLE)
    )
    if mailbox is None:
        raise NotFound
    standing = await added_to(session, consult.id)
    owner = (mailbox.registration_number, mailbox.structure_number)
    if len(standing) >= MOST_ADDED or owner in {(one.registration_number, one.structure_number) for one in standing}:
        raise Conflict("This correspondent receives it already, or there are too many.")
    added = ConsultCorrespondent(
        id=uuid.uuid4(),
        service_request_id=consult.id,
        name=mailbox.owner,
        registration_number=mailbox.registration_number,
        structure_number=mailbox.structure_number,
        address=mailbox.address,
        recorded_by_id=actor.role_id,
        recorded_at=now(),
    )
    session.add(added)
    await session.flush()
    audit.record(session, actor, "correspondent-added", added, patient_id=consult.patient_id, address=mailbox.address)
    return added


async def remove_correspondent(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, correspondent_id: uuid.UUID
) -> None:
    """Take somebody off again; what was sent was sent. Twice is once. Raises NotFound."""
    require(actor, Permission.CONSULT_DISCUSS)
    consult = await consult_for(session, actor, consult_id, lock=True)
    added = await session.scalar(
        select(ConsultCorrespondent)
        .where(ConsultCorrespondent.id == correspondent_id, ConsultCorrespondent.service_request_id == consult.id)
        .with_for_update()
    )
    if added is None:
        raise NotFound
    if added.removed_at is None:
        added.removed_at = now()
        audit.record(session, actor, "correspondent-removed", added, patient_id=consult.patient_id)
        await session.flush()


async def choose_address(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, key: str, address: str) -> None:
    """Say which address of a correspondent counts, now and later; a note that is signed already goes there at once.

    Raises NotFound where nothing is asked about them, Conflict where somebody was faster, Invalid on `address` for one
    that is not offered.
    """
    require(actor, Permission.NOTE_WRITE)
    await consult_for(session, actor, consult_id, lock=True)  # pressed twice, it is owed once
    shown = await addressed(session, actor, consult_id)
    asked = [one.choice for one in shown.recipients if one.choice and one.choice.correspondent.key == key]
    if not asked and await chosen_before(session, shown.consult, key):
        raise Conflict("An address was chosen already. It stands on the list.")
    if not asked:
        raise NotFound
    if address not in {one.address for one in asked[0].candidates}:
        raise Invalid({"address": "Choose one of these addresses."})
    await remember_choice(session, actor, kind=ChoiceKind.SEVERAL_BOXES, subject=key, address=address)
    await act_as(session, SYSTEM)  # a colleague may choose for the author, and only the author owes what they sign
    await queue_missing(session, shown.consult, address=address)
    await act_as(session, actor)


async def record_opposition(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, opposed_to: OpposedTo, is_opposed: bool
) -> None:
    """Write down what the patient wants, at each time it changes. Raises NotFound."""
    require(actor, Permission.CONSULT_REQUEST)
    consult = await consult_for(session, actor, consult_id, lock=True)
    standing = await session.scalar(
        select(Opposition)
        .where(
            Opposition.patient_id == consult.patient_id,
            Opposition.opposed_to == opposed_to,
            Opposition.withdrawn_at.is_(None),
        )
        .with_for_update()
    )
    if (standing is not None) == is_opposed:
        return
    if standing is not None:
        standing.withdrawn_at, standing.withdrawn_by_id = now(), actor.role_id
    else:
        standing = Opposition(
            id=uuid.uuid4(),
            patient_id=consult.patient_id,
            opposed_to=opposed_to,
            recorded_by_id=actor.role_id,
            recorded_at=now(),
        )
        session.add(standing)
    await session.flush()
    audit.record(
        session,
        actor,
        "opposition-recorded" if is_opposed else "opposition-withdrawn",
        standing,
        patient_id=consult.patient_id,
        to=opposed_to.value,
    )


async def name_doctor(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, name: str, number: str) -> None:
    """Say who the patient's family doctor is; with neither name nor number, that nobody is. NotFound, Invalid."""
    require(actor, Permission.CONSULT_REQUEST)
    consult = await consult_for(session, actor, consult_id, lock=True)
    name, plain = " ".join(name.split()), person_number(number)
    if name or number.strip():
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise Invalid({"name": "Give the doctor’s name."})
        if not plain:
            raise Invalid({"number": "An RPPS number has eleven digits."})
    standing = await doctor_of(session, consult.patient_id)
    if standing is not None:
        if (standing.name, standing.registration_number) == (name, plain):
            return
        standing.ended_at = now()
        await session.flush()
    audited: GeneralPractitioner | None = standing
    if plain:
        audited = GeneralPractitioner(
            id=uuid.uuid4(),
            patient_id=consult.patient_id,
            name=name,
            registration_number=plain,
            recorded_by_id=actor.role_id,
            recorded_at=now(),
        )
        session.add(audited)
        await session.flush()
    if audited is not None:
        audit.record(session, actor, "family-doctor-named", audited, patient_id=consult.patient_id)


async def _houses(session: AsyncSession, consult: ServiceRequest) -> tuple[Organization, Organization]:
    """The establishment that answers, and the one that asks. Raises NotFound for a draft that asks nobody yet."""
    own = await session.scalar(
        select(Organization)
        .join(HealthcareService, HealthcareService.organization_id == Organization.id)
        .where(HealthcareService.id == consult.service_id)
    )
    if own is None:
        raise NotFound
    return own, await session.get_one(Organization, consult.requester_organization_id)
