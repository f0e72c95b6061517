"""Looking at a study together: the two whose consult shares it, with a call or without one."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Select, case, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.consults.models import ServiceRequest, Task
from teleconsult.directory.models import Practitioner, PractitionerRole
from teleconsult.errors import NotFound
from teleconsult.excerpts.models import Excerpt, ExcerptStudy
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy


class Look(NamedTuple):
    """Somebody's part in looking at a study within a consult."""

    consult_id: uuid.UUID
    study_id: uuid.UUID
    role_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Companion:
    """With whom a study can be looked at, and within which consult."""

    consult_id: uuid.UUID
    name: str


@dataclass(frozen=True, slots=True)
class OpenedStudy:
    """A study somebody came to look at; `frames` says how many each of its instances has, by series and SOP UID."""

    study: ImagingStudy
    frames: Mapping[tuple[str, str], int]


async def companions(session: AsyncSession, actor: Actor, study_id: uuid.UUID) -> list[Companion]:
    """With whom the actor may look at a study they may read, newest consult first; nobody for who takes no part."""
    if actor.role_id is None:
        return []
    found = await session.execute(_looks(actor, study_id).order_by(ServiceRequest.submitted_at.desc()))
    names = {consult_id: other.name for consult_id, other in found}  # once, whatever number of versions shares it
    return [Companion(consult_id, name) for consult_id, name in names.items()]


async def come_to_look(
    session: AsyncSession, actor: Actor, *, study_id: uuid.UUID, consult_id: uuid.UUID
) -> OpenedStudy:
    """Begin to look at a study with the other party of a consult that shares it. Audited.

    Raises NotFound for who takes no part in it, and once it may be looked at no more.
    """
    if actor.role_id is None:
        raise NotFound
    looks = _looks(actor, study_id).where(ServiceRequest.id == consult_id)
    if (await session.execute(looks.limit(1))).first() is None:
        raise NotFound
    study = await session.get_one(ImagingStudy, study_id)
    instances = await session.execute(
        select(ImagingSeries.series_instance_uid, ImagingInstance.sop_instance_uid, ImagingInstance.frames)
        .join(ImagingInstance, ImagingInstance.imaging_series_id == ImagingSeries.id)
        .where(ImagingSeries.imaging_study_id == study_id)
    )
    audit.record(session, actor, "looking-joined", study, patient_id=study.patient_id, consult=consult_id)
    return OpenedStudy(study, {(series, sop): max(frames, 1) for series, sop, frames in instances})


async def still_looking(session: AsyncSession, looks: Collection[Look]) -> set[Look]:
    """Which of these `come_to_look` would still allow, asked for all at once."""
    if not looks:
        return set()
    look = (ServiceRequest.id, ExcerptStudy.imaging_study_id, PractitionerRole.id)
    found = await session.execute(
        select(*look)
        .distinct()
        .join(Task, Task.service_request_id == ServiceRequest.id)
        .join(Excerpt, Excerpt.service_request_id == ServiceRequest.id)
        .join(ExcerptStudy, ExcerptStudy.excerpt_id == Excerpt.id)
        .join(PractitionerRole, PractitionerRole.id.in_((ServiceRequest.requester_role_id, Task.owner_role_id)))
        .where(tuple_(*look).in_(list(looks)), rows.held_looks())
    )
    return {Look(*row) for row in found}


def _looks(actor: Actor, study_id: uuid.UUID) -> Select[uuid.UUID, Practitioner]:
    """The consults that share a study between the actor and another, with the other."""
    other = case(
        (ServiceRequest.requester_role_id == actor.role_id, Task.owner_role_id),
        else_=ServiceRequest.requester_role_id,
    )
    return (
        select(ServiceRequest.id, Practitioner)
        .join(Task, Task.service_request_id == ServiceRequest.id)
        .join(Excerpt, Excerpt.service_request_id == ServiceRequest.id)
        .join(ExcerptStudy, ExcerptStudy.excerpt_id == Excerpt.id)
        .join(ImagingStudy, ImagingStudy.id == ExcerptStudy.imaging_study_id)
        .join(PractitionerRole, PractitionerRole.id == other)
        .join(Practitioner, Practitioner.id == PractitionerRole.practitioner_id)
        .where(
            ImagingStudy.id == study_id,
            rows.studies(actor),
            rows.looks(actor),
            or_(ServiceRequest.requester_role_id == actor.role_id, Task.owner_role_id == actor.role_id),
        )
    )
