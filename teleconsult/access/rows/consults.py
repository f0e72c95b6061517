"""Whose consults, tasks and live sessions."""

import uuid
from typing import Final

from sqlalchemy import and_, exists, false, or_, select, true
from sqlalchemy.orm import aliased

from teleconsult.access.rows.meetings import meets_over
from teleconsult.access.rows.patients import is_in_open_file, treats
from teleconsult.access.rows.seam import Filter, Id, is_house, is_role, row_filter
from teleconsult.accounts.actor import Actor
from teleconsult.consents.models import Consent, ConsentStatus
from teleconsult.consults.models import (
    Communication,
    CommunicationCategory,
    RequestStatus,
    ServiceRequest,
    Task,
    TaskStatus,
)
from teleconsult.directory.models import HealthcareService, PractitionerRole, RoleCode
from teleconsult.encounters.models import Encounter, EncounterParticipant
from teleconsult.patients.models import CareRelation

UNANSWERED: Final = (TaskStatus.REQUESTED, TaskStatus.RECEIVED, TaskStatus.ON_HOLD)
_SEAT, _CONSULT, _TASK, _RELATION = (
    aliased(EncounterParticipant),
    aliased(ServiceRequest),
    aliased(Task),
    aliased(CareRelation),
)
"""Made once, as those of `patients`."""


@row_filter
def consults(actor: Actor) -> Filter:
    """Consults that exist for the actor.

    The requester sees their own, drafts too (not those thrown away). Once submitted: colleagues of the requesting
    establishment who treat the patient, its secretaries (to whom the agenda tells when it is), coordinators of the
    answering one, specialists of the service while nobody has accepted, then only who did; members of a team meeting
    on whose list it stands.
    """
    kept = or_(ServiceRequest.submitted_at.is_not(None), ServiceRequest.status == RequestStatus.DRAFT)
    return or_(and_(requests(actor), kept), and_(ServiceRequest.submitted_at.is_not(None), _is_submitted_to(actor)))


@row_filter
def requests(actor: Actor) -> Filter:
    """Consults the actor asked for."""
    return is_role(ServiceRequest.requester_role_id, actor)


@row_filter
def services(actor: Actor) -> Filter:
    """Services the actor's role answers for: a specialist's specialty, all of a coordinator's house."""
    of_house = is_house(HealthcareService.organization_id, actor)
    if actor.role is not RoleCode.SPECIALIST:
        return of_house
    same_specialty = exists().where(
        PractitionerRole.id == actor.role_id, PractitionerRole.specialty == HealthcareService.specialty
    )
    return and_(of_house, same_specialty)


@row_filter
def owned_tasks(actor: Actor) -> Filter:
    """Tasks this specialist accepted and did not give back."""
    return _is_owner(Task, actor)


@row_filter
def open_tasks(actor: Actor) -> Filter:
    """Tasks nobody has accepted, of a service this specialist answers for."""
    return _is_open(Task, actor)


@row_filter
def communications(actor: Actor) -> Filter:
    """Of a consult the actor sees: who arranges reads what was wanted and given, not what doctors discuss."""
    if actor.role in (RoleCode.DOCTOR, RoleCode.NURSE, RoleCode.SPECIALIST):
        return true()
    if actor.role is RoleCode.COORDINATOR:
        return Communication.category != CommunicationCategory.MESSAGE
    return false()


@row_filter
def consents(actor: Actor) -> Filter:
    """Consents of the patients whose files are open to the actor."""
    return is_in_open_file(Consent.patient_id, actor)


@row_filter
def is_permitted(consult_id: Id | uuid.UUID) -> Filter:
    """A consent stands for the consult whose id this is, a value or a column."""
    return exists().where(Consent.service_request_id == consult_id, Consent.status == ConsentStatus.ACTIVE)


@row_filter
def encounters(actor: Actor) -> Filter:
    """Live sessions the actor has a seat in, while the consent stands and who asked still treats the patient.

    A member of a team meeting sits in the room of a case once it is called.
    """
    is_called = (
        false() if actor.role_id is None else meets_over(Encounter.service_request_id, actor.role_id, is_called=True)
    )
    asked_and_stopped = exists().where(
        _CONSULT.id == Encounter.service_request_id,
        is_role(_CONSULT.requester_role_id, actor),
        ~treats(_CONSULT.patient_id, actor),
    )
    return and_(
        exists().where(_SEAT.encounter_id == Encounter.id, _is_seat_of(_SEAT, actor), or_(~_SEAT.is_member, is_called)),
        ~asked_and_stopped,
        is_permitted(Encounter.service_request_id),
    )


@row_filter
def held_seats() -> Filter:
    """The same for everybody at once: seats of doctors and specialists that are theirs still. Joins Encounter,
    ServiceRequest and the Task to EncounterParticipant.
    """
    asks = and_(EncounterParticipant.practitioner_role_id == ServiceRequest.requester_role_id, requester_treats())
    answers = EncounterParticipant.practitioner_role_id == Task.owner_role_id
    discusses = and_(
        EncounterParticipant.is_member,
        meets_over(ServiceRequest.id, EncounterParticipant.practitioner_role_id, is_called=True),
    )
    return and_(or_(asks, answers, discusses), is_permitted(ServiceRequest.id))


def requester_treats() -> Filter:
    """Who asked still treats the patient of the ServiceRequest."""
    return exists().where(
        _RELATION.patient_id == ServiceRequest.patient_id,
        _RELATION.practitioner_role_id == ServiceRequest.requester_role_id,
        _RELATION.ended_at.is_(None),
    )


def _is_submitted_to(actor: Actor) -> Filter:
    """A submitted consult concerns the actor: as who treats or receives the patient, coordinates, or may answer."""
    match actor.role:
        case RoleCode.DOCTOR | RoleCode.NURSE:
            return and_(
                is_house(ServiceRequest.requester_organization_id, actor),
                treats(ServiceRequest.patient_id, actor),
            )
        case RoleCode.SECRETARY:
            return is_house(ServiceRequest.requester_organization_id, actor)
        case RoleCode.COORDINATOR:
            return ServiceRequest.service_id.in_(select(HealthcareService.id).where(services(actor)))
        case RoleCode.SPECIALIST:
            answers = or_(_is_owner(_TASK, actor), _is_open(_TASK, actor))
            answered = exists().where(_TASK.service_request_id == ServiceRequest.id, answers)
            return answered if actor.role_id is None else or_(answered, meets_over(ServiceRequest.id, actor.role_id))
        case _:
            return false()


def _is_owner(task: type[Task], actor: Actor) -> Filter:
    return and_(is_role(task.owner_role_id, actor), task.status != TaskStatus.REJECTED)


def _is_open(task: type[Task], actor: Actor) -> Filter:
    if actor.role is not RoleCode.SPECIALIST:
        return false()
    answered = select(HealthcareService.id).where(services(actor))
    return and_(task.owner_role_id.is_(None), task.status.in_(UNANSWERED), task.service_id.in_(answered))


def _is_seat_of(seat: type[EncounterParticipant], actor: Actor) -> Filter:
    if actor.guest_pass_id is not None:
        return seat.guest_pass_id == actor.guest_pass_id
    return is_role(seat.practitioner_role_id, actor)
