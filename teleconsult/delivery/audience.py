"""For whom a note's author means it: who may see it, and which of the mailboxes it goes to.

The marks are those of the French mail space and national record (ANS, volet Transmission de documents CDA en HL7 v2,
règles de gestion MSSanté; NOS TRE_A07-StatutVisibiliteDocument). They are the note's, frozen with its signature; whom
the patient is opposed to is the patient's, and asked for anew each time (`delivery.mailing`).
"""

import uuid
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.delivery.models import Channel, Delivery, DeliveryStatus, Purpose
from teleconsult.delivery.secure_mail_message import is_patients
from teleconsult.delivery.sending_matrix import Exchange, Marks, exchange_of
from teleconsult.errors import Refused
from teleconsult.notes.content import Relation
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.notes.queries import draft_for


class Audience(StrEnum):
    """What an author chooses from: the combinations that the table lists."""

    EVERYBODY = "everybody"
    NOT_PATIENT_YET = "not-patient-yet"
    NOT_GUARDIANS = "not-guardians"
    PATIENT_ALONE = "patient-alone"


MARKS: Final[Mapping[Audience, Marks]] = {
    Audience.EVERYBODY: Marks(to_professionals=True, to_patient=True),
    Audience.NOT_PATIENT_YET: Marks(invisible_to_patient=True, to_professionals=True),
    Audience.NOT_GUARDIANS: Marks(invisible_to_guardians=True, to_patient=True),
    Audience.PATIENT_ALONE: Marks(to_patient=True),
}


def marks_of(note: Composition) -> Marks:
    """How a note is marked, and for whom it is meant."""
    return Marks(
        invisible_to_patient=note.invisible_to_patient,
        invisible_to_guardians=note.invisible_to_guardians,
        to_professionals=note.mailed_to in (Exchange.BOTH, Exchange.PROFESSIONALS),
        to_patient=note.mailed_to in (Exchange.BOTH, Exchange.PATIENT),
    )


def audience_of(note: Composition) -> Audience | None:
    """Which of them it is; None for marks that the table does not list."""
    return next((audience for audience, marks in MARKS.items() if marks == marks_of(note)), None)


def is_meant_for(note: Composition, address: str) -> bool:
    """Whether the note may be mailed to this mailbox. Raises Refused for marks that the table does not list."""
    exchange = exchange_of(marks_of(note))
    return exchange in (Exchange.BOTH, Exchange.PATIENT if is_patients(address) else Exchange.PROFESSIONALS)


async def choose_audience(session: AsyncSession, actor: Actor, *, note_id: uuid.UUID, marks: Marks) -> Composition:
    """Say for whom the actor's draft is meant.

    Raises NotFound for anybody but its author, Refused for what the table does not list, for one that is signed, and
    as `require_listed` does.
    """
    note = await draft_for(session, actor, note_id, lock=True)
    if note.status is not CompositionStatus.PRELIMINARY:
        raise Refused("This note is signed: it can no longer be changed.")
    mailed_to = exchange_of(marks)
    chosen = (mailed_to, marks.invisible_to_patient, marks.invisible_to_guardians)
    if chosen == (note.mailed_to, note.invisible_to_patient, note.invisible_to_guardians):
        return note
    note.mailed_to, note.invisible_to_patient, note.invisible_to_guardians = chosen
    await require_listed(session, note)
    await session.flush()
    audit.record(
        session,
        actor,
        "note-audience-chosen",
        note,
        patient_id=note.patient_id,
        mailed_to=mailed_to.value,
        invisible_to_patient=marks.invisible_to_patient,
        invisible_to_guardians=marks.invisible_to_guardians,
    )
    return note


async def require_listed(session: AsyncSession, note: Composition) -> None:
    """Before it is signed: raises Refused where nobody may be mailed a note marked so, or where it would replace one
    that somebody has who must not have this one.
    """
    exchange = exchange_of(marks_of(note))
    if note.relation is not Relation.REPLACES or exchange is Exchange.BOTH:
        return
    has_it = exists().where(
        Delivery.composition_id == note.related_id,
        Delivery.channel == Channel.SECURE_MAIL,
        Delivery.purpose == Purpose.DOCUMENT,
        Delivery.status != DeliveryStatus.CANCELLED,
    )
    theirs = Delivery.destination.ilike("%@patient.mssante.fr")
    if exchange is Exchange.PROFESSIONALS and await session.scalar(select(has_it.where(theirs))):
        raise Refused("The patient was sent the version before: what replaces it goes to them too.")
    if exchange is Exchange.PATIENT and await session.scalar(select(has_it.where(~theirs))):
        raise Refused("Professionals were sent the version before: what replaces it goes to them too.")
