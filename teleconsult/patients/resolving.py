"""Who a patient is: true traits for an unknown one, that it is a patient we know already, or a mistake set right."""

import uuid

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, may
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.errors import Invalid, Refused
from teleconsult.patients.care import CareReason, open_care_relation
from teleconsult.patients.earlier import keep_identity
from teleconsult.patients.linking import add_link, take_turn
from teleconsult.patients.links import LinkBasis
from teleconsult.patients.matching import match_identity
from teleconsult.patients.models import Patient
from teleconsult.patients.names import fold
from teleconsult.patients.qualifying import doubt_numbers, traits_of
from teleconsult.patients.queries import patient_for, patient_to_identify
from teleconsult.patients.registering import Identity, check_identity, set_national_id


async def resolve_identity(
    session: AsyncSession, actor: Actor, *, patient_id: uuid.UUID, identity: Identity
) -> Patient:
    """Give an unknown patient their true identity; what they were called before is kept.

    Raises NotFound and Forbidden as `file_of` does, Refused when the identity is known, Invalid when incomplete.
    """
    patient = await _unknown_patient(session, actor, patient_id)
    check_identity(identity)
    keep_identity(session, actor, patient)
    _set_traits(patient, identity)
    await set_national_id(session, patient, identity.national_id)
    await match_identity(session, actor, patient)
    await session.flush()
    audit.record(session, actor, "identity-resolved", patient, patient_id=patient.id)
    return patient


async def correct_identity(
    session: AsyncSession, actor: Actor, *, patient_id: uuid.UUID, identity: Identity
) -> Patient:
    """Set the traits of a known patient right; what they were called before is kept, the links stay.

    Raises NotFound and Forbidden as `patient_to_identify` does, Refused while nobody knows who it is, Invalid.
    """
    patient = await _locked(session, actor, patient_id)
    if patient.is_temporary:
        raise Refused("Nobody knows yet who this is. Say who it is first.")
    await rewrite_identity(session, actor, patient, identity=identity)
    return patient


async def rewrite_identity(session: AsyncSession, actor: Actor, patient: Patient, *, identity: Identity) -> None:
    """The patient, whom the caller has looked up and locked, is called so from now on. Raises Invalid."""
    check_identity(identity)
    keep_identity(session, actor, patient)
    before = traits_of(patient)
    _set_traits(patient, identity)
    if traits_of(patient) != before:
        await doubt_numbers(session, patient)
    await set_national_id(session, patient, identity.national_id)
    await match_identity(session, actor, patient)
    await session.flush()
    audit.record(session, actor, "identity-corrected", patient, patient_id=patient.id)


async def resolve_as_known(
    session: AsyncSession, actor: Actor, *, patient_id: uuid.UUID, known_id: uuid.UUID
) -> Patient:
    """The unknown patient is one whom this establishment knows: both are linked, nothing is moved.

    The link can be undone, and the kept identity says what they were called. Who reads files treats the known
    patient from now on. Raises as `resolve_identity` does; Invalid where `known_id` cannot be the one.
    """
    patient = await _unknown_patient(session, actor, patient_id)
    known = await patient_for(session, actor, known_id)
    if known.id == patient.id or known.is_temporary:
        raise Invalid({"known_id": "Choose a patient whose identity is known."})
    if not await _is_alone(session, patient):
        raise Refused("This patient is linked to files elsewhere already.")
    keep_identity(session, actor, patient)
    await add_link(session, actor, patient_id=patient.id, other_id=known.id, basis=LinkBasis.RESOLUTION)
    _set_traits(
        patient,
        Identity(
            family=known.family,
            given=known.given,
            gender=known.gender,
            birth_date=known.birth_date,
            birth_year=known.birth_year,
            used_name=known.used_name,
            birth_place=known.birth_place,
            phone=known.phone,
            address=known.address,
        ),
    )
    if may(actor, Permission.FILE_READ):
        await open_care_relation(session, actor, patient_id=known.id, reason=CareReason.EMERGENCY)
    await session.flush()
    audit.record(session, actor, "identity-resolved", patient, patient_id=patient.id, known_patient_id=known.id)
    return patient


async def _unknown_patient(session: AsyncSession, actor: Actor, patient_id: uuid.UUID) -> Patient:
    patient = await _locked(session, actor, patient_id)
    if not patient.is_temporary:
        raise Refused("This patient's identity is known already.")
    return patient


async def _locked(session: AsyncSession, actor: Actor, patient_id: uuid.UUID) -> Patient:
    patient = await patient_to_identify(session, actor, patient_id)
    await take_turn(session)
    await session.refresh(patient, with_for_update={"of": Patient})
    return patient


async def _is_alone(session: AsyncSession, patient: Patient) -> bool:
    """Whether no other local patient is the same person yet: a link that exists is never broken by the way."""
    await session.flush()
    return bool(await session.scalar(select(func.is_alone(patient.id))))


def _set_traits(patient: Patient, identity: Identity) -> None:
    patient.family, patient.given = identity.family.strip(), identity.given.strip()
    patient.family_folded, patient.given_folded = fold(identity.family), fold(identity.given)
    patient.used_name, patient.used_name_folded = identity.used_name.strip(), fold(identity.used_name)
    patient.gender, patient.birth_date = identity.gender, identity.birth_date
    patient.estimated_birth_year = identity.birth_year
    patient.birth_place = identity.birth_place.strip()
    patient.phone, patient.address = identity.phone.strip(), identity.address.strip()
    patient.is_temporary = False
    patient.updated_at = now()
