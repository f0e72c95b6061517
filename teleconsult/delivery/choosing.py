"""Who receives a signed note: the file of who asked, always; the specialist's own; the record systems of both; and by
secure mail whom `mailing` names."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from teleconsult.consults.models import ServiceRequest
from teleconsult.delivery.endpoints import endpoints_of
from teleconsult.delivery.mailing import Mailed, mailed_to
from teleconsult.delivery.models import Channel
from teleconsult.directory.models import Organization, PractitionerRole
from teleconsult.notes.models import Composition
from teleconsult.patients.models import Patient


@dataclass(frozen=True, slots=True)
class Recipient:
    """One destination: `destination` as `Delivery` has it, `name` in words."""

    channel: Channel
    destination: str
    name: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """Several addresses, and nobody said which: a person chooses, once."""

    name: str
    candidates: tuple[Recipient, ...]
    key: str = ""
    """Whose address it is, as a choice is remembered (`directory.mailboxes.choosing.Correspondent`)."""


async def recipients_of(
    session: AsyncSession, note: Composition, consult: ServiceRequest
) -> list[Recipient | Undecided]:
    """All of them, the requester's file first."""
    houses = await _houses(session, note, consult)
    own, asked = houses
    found: list[Recipient | Undecided] = [Recipient(Channel.PATIENT_FILE, str(asked.id), asked.name)]
    if await has_own_file(session, note, own, asked):
        found.append(Recipient(Channel.PATIENT_FILE, str(own.id), own.name))
    systems = await endpoints_of(session, dict.fromkeys((asked.id, own.id)))
    found += (Recipient(one.channel, str(one.id), one.name) for one in systems)
    return [*found, *map(_by_mail, await mailed_to(session, consult, own=own, asked=asked))]


def _by_mail(one: Mailed) -> Recipient | Undecided:
    if one.choice is None:
        return Recipient(Channel.SECURE_MAIL, one.address, one.name)
    return Undecided(
        one.name,
        tuple(Recipient(Channel.SECURE_MAIL, box.address, box.owner) for box in one.choice.candidates),
        one.choice.correspondent.key,
    )


async def has_own_file(session: AsyncSession, note: Composition, own: Organization, asked: Organization) -> bool:
    """Whether the specialist's establishment knows the patient in a file of its own: one it does not share already."""
    if own.id == asked.id or (own.sharing_network is not None and own.sharing_network == asked.sharing_network):
        return False
    kept = aliased(Patient)
    return bool(
        await session.scalar(
            select(
                select(kept.id)
                .join(Patient, Patient.person_id == kept.person_id)
                .where(Patient.id == note.patient_id, kept.organization_id == own.id)
                .exists()
            )
        )
    )


async def _houses(
    session: AsyncSession, note: Composition, consult: ServiceRequest
) -> tuple[Organization, Organization]:
    role = await session.get_one(PractitionerRole, note.author_role_id)
    own = await session.get_one(Organization, role.organization_id)
    return own, await session.get_one(Organization, consult.requester_organization_id)
