"""Whose excerpts, images and notes: what a consult shows of a patient, and for how long."""

from typing import Any, Final

from sqlalchemy import ColumnElement, and_, any_, bindparam, cast, exists, false, not_, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, UUID
from sqlalchemy.orm import aliased
from sqlalchemy.types import NullType

from teleconsult.access.permissions import Permission
from teleconsult.access.rows.consults import consults, is_permitted, requester_treats, requests
from teleconsult.access.rows.patients import is_in_open_file, treats
from teleconsult.access.rows.seam import Filter, has, is_house, is_role, row_filter
from teleconsult.accounts.actor import Actor
from teleconsult.consults.models import ServiceRequest, Task, TaskStatus
from teleconsult.db import asked_at
from teleconsult.directory.models import PractitionerRole, RoleCode
from teleconsult.excerpts.models import Excerpt, ExcerptStudy
from teleconsult.imaging.models import ImagingStudy
from teleconsult.notes.co_signing_models import WAITS_FOR, NoteCoSignature
from teleconsult.notes.models import Composition, CompositionStatus, NoteRetraction

ANSWERING: Final = (TaskStatus.ACCEPTED, TaskStatus.IN_PROGRESS, TaskStatus.ON_HOLD)
"""A specialist has accepted, and the consult is not closed."""
_OWN = aliased(NoteCoSignature)
"""Made once, as those of `patients`."""


@row_filter
def excerpts(actor: Actor) -> Filter:
    """Excerpts the actor may read: the requesting side while it treats the patient, the specialists while shared."""
    own_side = exists().where(
        ServiceRequest.id == Excerpt.service_request_id,
        consults(actor),
        is_house(ServiceRequest.requester_organization_id, actor),
        treats(ServiceRequest.patient_id, actor),
    )
    return or_(own_side, shared_excerpts(actor))


@row_filter
def shared_excerpts(actor: Actor) -> Filter:
    """Excerpts shared with this specialist now: not revoked, not past their time, and the consent stands."""
    if actor.role is not RoleCode.SPECIALIST:
        return false()
    of_consult = exists().where(ServiceRequest.id == Excerpt.service_request_id, consults(actor))
    return and_(
        of_consult,
        _is_in_force(),
        is_permitted(Excerpt.service_request_id),
    )


@row_filter
def studies(actor: Actor) -> Filter:
    """Studies of the files open to the actor, and those an excerpt shares with them."""
    shared = (
        select(ExcerptStudy.id)
        .join(Excerpt, Excerpt.id == ExcerptStudy.excerpt_id)
        .where(ExcerptStudy.imaging_study_id == ImagingStudy.id, shared_excerpts(actor))
    )
    return or_(is_in_open_file(ImagingStudy.patient_id, actor), shared.exists())


@row_filter
def studies_among(actor: Actor, *, patients: str, shared: str) -> Filter:
    """The same, of a person whose open files and shared studies were asked for beforehand: a list of any length then
    costs what its page does. A system reads all of its house, which is asked of each.

    Ids as PostgreSQL writes arrays of them: thousands are not worth taking apart on their way back to it.
    """
    if actor.client_id is not None:
        return studies(actor)
    return or_(ImagingStudy.patient_id == any_(_ids(patients)), ImagingStudy.id == any_(_ids(shared)))


def _is_in_force() -> Filter:
    """The excerpt is neither revoked nor past its time."""
    return and_(Excerpt.revoked_at.is_(None), or_(Excerpt.expires_at.is_(None), Excerpt.expires_at > asked_at()))


def _is_looked_at() -> Filter:
    return and_(
        Task.owner_role_id.is_not(None),
        Task.status.in_(ANSWERING),
        _is_in_force(),
        is_permitted(ServiceRequest.id),
    )


def _ids(written: str) -> ColumnElement[Any]:
    return cast(bindparam(None, written, type_=NullType()), ARRAY(UUID(as_uuid=True)))


@row_filter
def studies_of_house(actor: Actor) -> Filter:
    """Studies that the actor's establishment keeps."""
    return is_house(ImagingStudy.organization_id, actor)


@row_filter
def looks(actor: Actor) -> Filter:
    """Studies that a consult shares between the two whose it is, the actor being one of them: while it is answered, the
    consent stands and who asked still treats the patient. Joins Task, Excerpt and ExcerptStudy to ServiceRequest.
    """
    asks = and_(is_role(ServiceRequest.requester_role_id, actor), treats(ServiceRequest.patient_id, actor))
    return and_(or_(asks, is_role(Task.owner_role_id, actor)), _is_looked_at())


@row_filter
def held_looks() -> Filter:
    """The same for everybody at once. Joins the PractitionerRole that looks as well."""
    asks = and_(PractitionerRole.id == ServiceRequest.requester_role_id, requester_treats())
    return and_(or_(asks, PractitionerRole.id == Task.owner_role_id), _is_looked_at())


@row_filter
def waiting_studies(actor: Actor) -> Filter:
    """Studies that came to the actor's establishment and are nobody's yet: for who registers patients there."""
    if not has(actor, Permission.PATIENT_REGISTER):
        return false()
    return and_(ImagingStudy.patient_id.is_(None), is_house(ImagingStudy.organization_id, actor))


@row_filter
def notes(actor: Actor) -> Filter:
    """Notes that exist for the actor.

    A draft: its author, while the consult is theirs to see. A signed note: its author, who asked, to whom the
    patient's file is open, and who is asked to sign it too, or did.
    """
    asked = exists().where(ServiceRequest.id == Composition.service_request_id, requests(actor))
    co_signs = exists().where(
        _OWN.composition_id == Composition.id,
        is_role(_OWN.practitioner_role_id, actor),
        or_(_OWN.signed_at.is_not(None), _OWN.asked_at > asked_at(less=WAITS_FOR)),
    )
    others = or_(asked, co_signs, is_in_open_file(Composition.patient_id, actor))
    return or_(written_notes(actor), and_(Composition.status != CompositionStatus.PRELIMINARY, others))


@row_filter
def written_notes(actor: Actor) -> Filter:
    """Of these, the actor's own: signed, or a draft while the consult is theirs to see."""
    at_work = exists().where(ServiceRequest.id == Composition.service_request_id, consults(actor))
    signed = Composition.status != CompositionStatus.PRELIMINARY
    return and_(is_role(Composition.author_role_id, actor), or_(signed, at_work))


@row_filter
def legible_notes(actor: Actor) -> Filter:
    """Of these, what they say may be read: a withdrawn one is its author's alone."""
    withdrawn = exists().where(NoteRetraction.composition_id == Composition.id)
    return and_(notes(actor), or_(is_role(Composition.author_role_id, actor), not_(withdrawn)))
