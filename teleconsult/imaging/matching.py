"""Images that came without a consult and name no patient for sure: whose they are, a person says, or that they go.

Who registers patients at the establishment they came to sees what the images say, and likely patients beside it: never
the pictures, for those are of a file that nobody may have opened yet.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from teleconsult import audit
from teleconsult.access import Permission, may, require, rows
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.db import act_as
from teleconsult.errors import NotFound, Refused
from teleconsult.imaging.actions import delete_images
from teleconsult.imaging.filing import file_study
from teleconsult.imaging.identity import differences_in, identity_in
from teleconsult.imaging.models import ImagingStudy
from teleconsult.patients.linking import check_reason
from teleconsult.patients.matching import LEAST, WEIGHTS, Sign, signs_of
from teleconsult.patients.models import Patient
from teleconsult.patients.queries import patient_for
from teleconsult.patients.searching import search_patients

PAGE: Final = 50
MOST_COUNTED: Final = 100
MOST_CANDIDATES: Final = 8


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """Studies that wait, the oldest first; `next` is where further ones begin."""

    studies: Sequence[ImagingStudy]
    next: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class LikelyPatient:
    """A patient of the house whom the images may be of, and what speaks for it and against it."""

    patient: Patient
    signs: tuple[Sign, ...]

    @property
    def score(self) -> int:
        """How near they are; only good for an order."""
        return sum(WEIGHTS[sign] for sign in self.signs)


async def waiting_studies(session: AsyncSession, actor: Actor, *, after: uuid.UUID | None = None) -> WaitingPage:
    """What waits at the actor's establishment, 50 at a time. Raises NotFound for who registers nobody."""
    require(actor, Permission.PATIENT_REGISTER)
    studies = (await session.scalars(page_of_waiting(actor, after=after))).all()
    return WaitingPage(studies[:PAGE], studies[PAGE - 1].id if len(studies) > PAGE else None)


def page_of_waiting(actor: Actor, *, after: uuid.UUID | None) -> Select[ImagingStudy]:
    """A page and one more, from its index (`ix_imaging_study_waiting`)."""
    wanted = select(ImagingStudy).where(rows.waiting_studies(actor))
    if after is not None:
        last = aliased(ImagingStudy)
        place = select(last.created_at, last.id).where(last.id == after).scalar_subquery()
        wanted = wanted.where(tuple_(ImagingStudy.created_at, ImagingStudy.id) > place)
    return wanted.order_by(ImagingStudy.created_at, ImagingStudy.id).limit(PAGE + 1)


async def waiting_images(session: AsyncSession, actor: Actor) -> int:
    """How many studies wait, counted to 100. 0 for who registers nobody."""
    if not may(actor, Permission.PATIENT_REGISTER):
        return 0
    some = select(ImagingStudy.id).where(rows.waiting_studies(actor)).limit(MOST_COUNTED).subquery()
    return await session.scalar(select(func.count()).select_from(some)) or 0


async def waiting_study_for(session: AsyncSession, actor: Actor, study_id: uuid.UUID) -> ImagingStudy:
    """One of them. Raises NotFound for another establishment's, one that is matched, and who registers nobody."""
    require(actor, Permission.PATIENT_REGISTER)
    study = await session.scalar(select(ImagingStudy).where(ImagingStudy.id == study_id, rows.waiting_studies(actor)))
    if study is None:
        raise NotFound
    return study


async def likely_patients(session: AsyncSession, actor: Actor, study: ImagingStudy) -> list[LikelyPatient]:
    """Patients of the house by the number, the name or the birth date in the images, the nearest first; at most 8."""
    said = identity_in(study)
    born = said.birth_date.isoformat() if said.birth_date else ""
    asked = (said.local_number, f"{said.family} {said.given.partition(' ')[0]}", born)
    found: dict[uuid.UUID, Patient] = {}
    for text in filter(str.strip, asked):
        found |= {patient.id: patient for patient in (await search_patients(session, actor, text=text)).patients}
    likely = []
    for patient in found.values():
        numbers = (Sign.SAME_NUMBER,) if said.local_number and patient.local_number == said.local_number else ()
        one = LikelyPatient(patient, (*numbers, *signs_of(patient, said)))
        if numbers or one.score >= LEAST:
            likely.append(one)
    return sorted(likely, key=lambda one: (-one.score, one.patient.name))[:MOST_CANDIDATES]


async def match_study(
    session: AsyncSession, actor: Actor, *, study_id: uuid.UUID, patient_id: uuid.UUID, reason: str = ""
) -> ImagingStudy:
    """Say that the images are of this patient of the house: they are filed with them, for good.

    Where the images name somebody else, `reason` says why. Raises NotFound as `waiting_study_for`, also for a patient
    of another establishment; Invalid on `reason`; Refused where somebody was faster.
    """
    waiting = await waiting_study_for(session, actor, study_id)
    patient = await patient_for(session, actor, patient_id)
    differs = bool(differences_in(waiting, patient))
    if differs:
        check_reason(reason)
    await act_as(session, SYSTEM)  # what is nobody's, nobody may change
    study = await _locked(session, study_id)
    study.patient_id, study.identity_differs = patient.id, differs
    study.reconciled_at, study.reconciled_by_id = now(), actor.role_id
    await session.flush()
    await file_study(session, actor, study)
    await session.flush()
    await act_as(session, actor)
    audit.record(
        session, actor, "study-matched", study, patient_id=patient.id, identity_differs=differs, reason=reason.strip()
    )
    return study


async def discard_study(session: AsyncSession, actor: Actor, *, study_id: uuid.UUID, reason: str) -> list[str]:
    """Throw images away that are nobody's here. Returns the keys of their objects, to be deleted after the commit.

    Raises NotFound as `waiting_study_for`, Invalid on `reason`, Refused where somebody was faster.
    """
    waiting = await waiting_study_for(session, actor, study_id)
    check_reason(reason)
    await act_as(session, SYSTEM)
    study = await _locked(session, study_id)
    count, keys = await delete_images(session, study)
    await session.flush()
    await act_as(session, actor)
    audit.record(
        session,
        actor,
        "study-discarded",
        waiting,
        instances=count,
        study_instance_uid=waiting.study_instance_uid,
        reason=reason.strip(),
    )
    return keys


async def _locked(session: AsyncSession, study_id: uuid.UUID) -> ImagingStudy:
    study = await session.scalar(
        select(ImagingStudy)
        .where(ImagingStudy.id == study_id, ImagingStudy.patient_id.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if study is None:
        raise Refused("Somebody has dealt with these images meanwhile.")
    return study
