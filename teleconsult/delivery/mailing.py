"""Who receives a signed note by secure mail: who asked, the family doctor, those added to the request, the patient.

An establishment mails once it has a secure mailbox of its own (an active Endpoint of that kind), to mailboxes of its
directory. Nothing goes to professionals, or to the patient, where the patient is opposed to it. The patient's address
is that of their national health space, made of a qualified INS and of nothing else (ANS, Référentiel socle MSSanté #2;
CNAM, Mon espace santé).
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.consults.models import ServiceRequest
from teleconsult.delivery.recipient_models import ConsultCorrespondent, GeneralPractitioner, OpposedTo, Opposition
from teleconsult.directory.mailboxes.choosing import Chosen, Correspondent, OpenChoice, choose_mailbox
from teleconsult.directory.mailboxes.models import ChoiceKind, Mailbox, MailboxChoice
from teleconsult.directory.models import HealthcareService, Organization, Practitioner, PractitionerRole
from teleconsult.patients.models import IdentifierStatus, PatientIdentifier
from teleconsult.patients.national_ids import NIA, NIR

PATIENTS: Final = "patient.mssante.fr"
"""The domain of patients' mailboxes in Mon espace santé."""
MOST_ADDED: Final = 20
"""Correspondents of one request."""
MOST: Final = 500
"""Mailboxes looked at for one note."""


@dataclass(frozen=True, slots=True)
class Mailed:
    """What is known of one recipient: an address, or a question."""

    name: str
    address: str = ""
    choice: OpenChoice | None = None


async def mailed_to(
    session: AsyncSession, consult: ServiceRequest, *, own: Organization, asked: Organization
) -> list[Mailed]:
    """Every recipient by mail, each address once. `own` is the author's establishment, `asked` the requester's."""
    if not await has_mailbox(session, own.id):
        return []
    opposed = await oppositions_of(session, consult.patient_id)
    found: list[Mailed] = []
    if OpposedTo.PROFESSIONALS not in opposed:
        people = await correspondents_of(session, consult, asked)
        known, remembered = await _known(session, own.id, people)
        for to in people:
            choice = choose_mailbox(to, known, remembered=remembered.get(to.key, ""))
            if isinstance(choice, Chosen):
                found.append(Mailed(to.name, choice.address))
            elif choice is not None:
                found.append(Mailed(to.name, choice=choice))
    if OpposedTo.PATIENT not in opposed and (number := await _qualified(session, consult.patient_id)):
        found.append(Mailed("", f"{number.lower()}@{PATIENTS}"))
    return _each_once(found)


async def has_mailbox(session: AsyncSession, organization_id: uuid.UUID) -> bool:
    """Whether an establishment has a secure mailbox of its own to send from."""
    return bool(await session.scalar(select(func.has_secure_mailbox(organization_id))))


async def oppositions_of(session: AsyncSession, patient_id: uuid.UUID) -> frozenset[OpposedTo]:
    """To whom the patient does not want documents sent, as it stands."""
    found = await session.scalars(
        select(Opposition.opposed_to).where(Opposition.patient_id == patient_id, Opposition.withdrawn_at.is_(None))
    )
    return frozenset(found)


async def correspondents_of(
    session: AsyncSession, consult: ServiceRequest, asked: Organization
) -> Sequence[Correspondent]:
    """Who asked, at their establishment; the patient's family doctor; those added to the request. Each person once."""
    requester = (
        await session.scalars(
            select(Practitioner)
            .join(PractitionerRole, PractitionerRole.practitioner_id == Practitioner.id)
            .where(PractitionerRole.id == consult.requester_role_id)
        )
    ).one()
    found = [Correspondent(requester.name, requester.registration_number, asked.structure_number)]
    doctor = await doctor_of(session, consult.patient_id)
    if doctor is not None:
        found.append(Correspondent(doctor.name, doctor.registration_number))
    added = await added_to(session, consult.id)
    found += [Correspondent(one.name, one.registration_number, one.structure_number, one.address) for one in added]
    return found


async def doctor_of(session: AsyncSession, patient_id: uuid.UUID) -> GeneralPractitioner | None:
    """The patient's family doctor, where somebody said who that is."""
    return await session.scalar(
        select(GeneralPractitioner).where(
            GeneralPractitioner.patient_id == patient_id, GeneralPractitioner.ended_at.is_(None)
        )
    )


async def added_to(session: AsyncSession, consult_id: uuid.UUID) -> Sequence[ConsultCorrespondent]:
    """Who was added to a request and not taken off again, in that order."""
    found = await session.scalars(
        select(ConsultCorrespondent)
        .where(ConsultCorrespondent.service_request_id == consult_id, ConsultCorrespondent.removed_at.is_(None))
        .order_by(ConsultCorrespondent.recorded_at, ConsultCorrespondent.id)
        .limit(MOST_ADDED)
    )
    return found.all()


async def chosen_before(session: AsyncSession, consult: ServiceRequest, key: str) -> bool:
    """Whether an address was chosen for one of the correspondents of a request already."""
    asked = await session.get_one(Organization, consult.requester_organization_id)
    if key not in {one.key for one in await correspondents_of(session, consult, asked)}:
        return False
    made = exists().where(
        MailboxChoice.organization_id == HealthcareService.organization_id,
        HealthcareService.id == consult.service_id,
        MailboxChoice.kind == ChoiceKind.SEVERAL_BOXES,
        MailboxChoice.subject == key,
    )
    return bool(await session.scalar(select(made)))


async def _known(
    session: AsyncSession, organization_id: uuid.UUID, people: Sequence[Correspondent]
) -> tuple[Sequence[Mailbox], dict[str, str]]:
    numbers = {one.registration_number for one in people} - {""}
    structures = {one.structure_number for one in people} - {""}
    mailboxes = await session.scalars(
        select(Mailbox)
        .where(
            Mailbox.organization_id == organization_id,
            Mailbox.is_active,
            or_(
                Mailbox.registration_number.in_(numbers),
                (Mailbox.registration_number == "") & Mailbox.structure_number.in_(structures),
            ),
        )
        .order_by(Mailbox.address, Mailbox.id)
        .limit(MOST)
    )
    choices = await session.scalars(
        select(MailboxChoice).where(
            MailboxChoice.organization_id == organization_id,
            MailboxChoice.kind == ChoiceKind.SEVERAL_BOXES,
            MailboxChoice.subject.in_({one.key for one in people}),
        )
    )
    return mailboxes.all(), {one.subject: one.address for one in choices}


async def _qualified(session: AsyncSession, patient_id: uuid.UUID) -> str:
    """The patient's INS, where it is qualified and the only one that is; else nothing."""
    found = (
        await session.scalars(
            select(PatientIdentifier.value).where(
                PatientIdentifier.patient_id == patient_id,
                PatientIdentifier.system.in_((NIR, NIA)),
                PatientIdentifier.status == IdentifierStatus.QUALIFIED,
            )
        )
    ).all()
    return found[0] if len(found) == 1 else ""


def _each_once(recipients: Iterable[Mailed]) -> list[Mailed]:
    found: dict[str, Mailed] = {}
    for one in recipients:
        key = one.address or f"?{one.choice.correspondent.key if one.choice else ''}"
        found.setdefault(key, one)
    return list(found.values())
