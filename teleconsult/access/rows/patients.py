"""Whose patients and files: those of the house, those one treats, those opened for want of time to ask."""

from sqlalchemy import and_, exists, false, or_
from sqlalchemy.orm import aliased

from teleconsult.access.permissions import Permission
from teleconsult.access.rows.seam import Filter, Id, has, is_house, is_role, row_filter
from teleconsult.accounts.actor import Actor
from teleconsult.db import asked_at
from teleconsult.directory.models import Organization
from teleconsult.patients.links import IdentityCase, PatientLink
from teleconsult.patients.models import BreakGlass, CareRelation, Patient
from teleconsult.records.models import RecordEntry

_OPENED, _KEPT, _HOUSE, _RELATION = aliased(Patient), aliased(Patient), aliased(Organization), aliased(CareRelation)
_SIDE = aliased(Patient)
"""Made once: to make an alias costs more than the query that uses it. None of them stands inside itself."""


@row_filter
def patients_of_house(actor: Actor) -> Filter:
    """Patients of the actor's own establishment: found, registered and corrected there."""
    return is_house(Patient.organization_id, actor) if has(actor, Permission.PATIENTS_FIND) else false()


@row_filter
def patients_of_network(actor: Actor) -> Filter:
    """Patients of every establishment that shares with the actor's, its own among them."""
    return exists().where(Organization.id == Patient.organization_id, shares(Organization, actor))


@row_filter
def patients(actor: Actor) -> Filter:
    """Patients whose identity the actor may read: those of the house, and whose file was opened without a relation."""
    return or_(patients_of_house(actor), _broke_glass(Patient.id, actor))


@row_filter
def treated_patients(actor: Actor) -> Filter:
    """Patients of the house whom the actor treats."""
    return and_(is_house(Patient.organization_id, actor), treats(Patient.id, actor))


@row_filter
def care_relations(actor: Actor) -> Filter:
    """The actor's own relations that have not ended."""
    return _stands(CareRelation, actor)


@row_filter
def files(actor: Actor) -> Filter:
    """Patients whose entries make a file that is open to the actor."""
    return is_in_open_file(Patient.id, actor)


@row_filter
def entries(actor: Actor) -> Filter:
    """Entries of the files that are open to the actor."""
    return is_in_open_file(RecordEntry.patient_id, actor)


@row_filter
def treated_entries(actor: Actor) -> Filter:
    """Entries of the files of patients whom the actor treats: to change one, breaking the glass is not enough."""
    if not has(actor, Permission.FILE_READ):
        return false()
    if actor.client_id is not None:
        return _is_of_its_house(RecordEntry.patient_id, actor)
    return exists().where(
        _KEPT.id == RecordEntry.patient_id,
        _OPENED.person_id == _KEPT.person_id,
        is_house(_OPENED.organization_id, actor),
        treats(_OPENED.id, actor),
    )


@row_filter
def patient_links(actor: Actor) -> Filter:
    """Links with a patient of the house: for who reads files, whom they treat; for who registers, any of them."""
    if not has(actor, Permission.PATIENT_REGISTER):
        return false()
    own = is_house(_SIDE.organization_id, actor)
    return exists().where(
        or_(_SIDE.id == PatientLink.patient_id, _SIDE.id == PatientLink.other_id),
        and_(own, treats(_SIDE.id, actor)) if has(actor, Permission.FILE_READ) else own,
    )


@row_filter
def identity_cases(actor: Actor) -> Filter:
    """Pairs of patients that the actor's establishment has to compare."""
    return is_house(IdentityCase.organization_id, actor) if has(actor, Permission.IDENTITY_DECIDE) else false()


@row_filter
def openings(actor: Actor) -> Filter:
    """The openings without a care relation that the actor made and that stand."""
    return and_(
        is_role(BreakGlass.practitioner_role_id, actor),
        BreakGlass.ended_at.is_(None),
        BreakGlass.expires_at > asked_at(),
    )


@row_filter
def openings_to_review(actor: Actor) -> Filter:
    """The openings that the privacy officer of the patient's establishment has to judge."""
    return is_house(BreakGlass.organization_id, actor) if has(actor, Permission.AUDIT_READ) else false()


def treats(patient_id: Id, actor: Actor) -> Filter:
    """The actor has said that they treat this patient, and has not stopped."""
    if not has(actor, Permission.FILE_READ):
        return false()
    if actor.client_id is not None:
        return _is_of_its_house(patient_id, actor)
    return exists().where(_RELATION.patient_id == patient_id, _stands(_RELATION, actor))


def is_in_open_file(patient_id: Id, actor: Actor) -> Filter:
    """The patient is one whose file the actor opened, or the same person where the actor's establishment shares."""
    if not has(actor, Permission.FILE_READ):
        return false()
    if actor.client_id is not None:
        return _is_of_its_house(patient_id, actor)
    return exists().where(
        _KEPT.id == patient_id,
        _HOUSE.id == _KEPT.organization_id,
        or_(is_house(_HOUSE.id, actor), shares(_HOUSE, actor)),
        _OPENED.person_id == _KEPT.person_id,
        or_(
            and_(is_house(_OPENED.organization_id, actor), treats(_OPENED.id, actor)),
            _broke_glass(_OPENED.id, actor),
        ),
    )


def shares(house: type[Organization], actor: Actor) -> Filter:
    """The establishment is of the network that shares one file with the actor's; none is where there is no network."""
    return false() if actor.sharing_network is None else house.sharing_network == actor.sharing_network


def _stands(relation: type[CareRelation], actor: Actor) -> Filter:
    return and_(is_role(relation.practitioner_role_id, actor), relation.ended_at.is_(None))


def _is_of_its_house(patient_id: Id, actor: Actor) -> Filter:
    """The patient is one of the establishment that let the system in. What others share, they share with people."""
    return exists().where(_KEPT.id == patient_id, is_house(_KEPT.organization_id, actor))


def _broke_glass(patient_id: Id, actor: Actor) -> Filter:
    """The actor opened this patient's file without a care relation less than an hour ago."""
    if not has(actor, Permission.BREAK_GLASS):
        return false()
    return exists().where(BreakGlass.patient_id == patient_id, openings(actor))
