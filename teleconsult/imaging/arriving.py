"""Images that a machine sends, without a consult: filed with the patient they name, or kept until somebody says whose.

The sender chooses nothing but the bytes. Whose they are is found here, by the establishment's own number together with
the name and the birth date; so they are taken as the system, under the sender's name, like a message (ADR 14).
"""

import uuid
from collections.abc import Sequence
from itertools import chain
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.accounts.actor import Actor
from teleconsult.directory.models import Organization
from teleconsult.errors import NotFound
from teleconsult.imaging.actions import Instance, Outcome, instance_values
from teleconsult.imaging.entering import enter_study
from teleconsult.imaging.filing import StudyRows
from teleconsult.imaging.header import InstanceHeader
from teleconsult.imaging.identity import differences_of
from teleconsult.imaging.jobs import prepare_soon
from teleconsult.imaging.lot_rows import AtHand, at_hand, write_rows
from teleconsult.imaging.models import ImagingSeries, ImagingStudy
from teleconsult.imaging.refusals import Refusal
from teleconsult.objects import Objects
from teleconsult.patients.models import Patient
from teleconsult.patients.names import fold


class ArrivedStudies(StudyRows):
    """Of images that came to an establishment by themselves."""

    def __init__(self, session: AsyncSession, house_id: uuid.UUID, *, source: str, here: AtHand) -> None:
        super().__init__(session)
        self._house_id, self._source, self._here = house_id, source, here
        self._series |= {(one.imaging_study_id, one.series_instance_uid): one for one in here.series}
        self._looked_up |= {study.id for study in here.studies.values()}
        self._patients: dict[tuple[str, str, str, str, str], uuid.UUID | None] = {}

    async def study_of(self, header: InstanceHeader) -> ImagingStudy | Refusal:
        """The study, unless this instance names another patient than the study's, or than its other instances do."""
        study = await super().study_of(header)
        if isinstance(study, Refusal) or _names_the_same(study, header):
            return study
        if study.patient_id is not None and study.patient_id == await self._patient_named(header):
            return study
        return Refusal.OTHER_PATIENT

    async def _find(self, uid: str) -> ImagingStudy | None:
        return self._here.studies.get(uid)

    async def _new(self, header: InstanceHeader) -> ImagingStudy:
        patient_id = await self._patient_named(header)
        return self._add(header, await self._house(), patient_id=patient_id, source=self._source)

    async def _house(self) -> Organization:
        return await self._session.get_one(Organization, self._house_id)

    async def _patient_named(self, header: InstanceHeader) -> uuid.UUID | None:
        """The patient of the establishment with this number of its own, if the images do not contradict who that is."""
        who = header.patient_id, header.patient_issuer, header.patient_name, header.patient_birth_date, header.sex
        if who not in self._patients:
            self._patients[who] = await self._look_for(header)
        return self._patients[who]

    async def _look_for(self, header: InstanceHeader) -> uuid.UUID | None:
        issuer = fold(header.patient_issuer)
        if not header.patient_id or (issuer and issuer != fold((await self._house()).name)):
            return None
        patient = await self._session.scalar(
            select(Patient).where(Patient.organization_id == self._house_id, Patient.local_number == header.patient_id)
        )
        if patient is None:
            return None
        return None if differences_of(header, patient) else patient.id


async def take_arrived(
    session: AsyncSession, actor: Actor, *, instances: Sequence[Instance], objects: Objects
) -> list[Outcome]:
    """Add the instances to the studies of the sender's establishment, in the order given. The session is the system's.

    An instance that is here with the same data set stays as it is; the same UID with another is refused, and so is
    one that names another patient than its study. Each study is filed with the patient it names, or else waits to be
    matched (`imaging.matching`); audited in the sender's name. Its entry counts the images of a lot that brings no
    new series only when these are made ready. Raises NotFound for who may bring no images.
    """
    house_id = house_bringing(actor)
    here = await at_hand(session, house_id, instances, objects)
    rows = ArrivedStudies(session, house_id, source=actor.name, here=here)
    added: dict[ImagingStudy, list[dict[str, Any]]] = {}
    series: set[ImagingSeries] = set()
    outcomes = []
    for instance in instances:
        if instance in here.known:
            outcomes.append(Outcome(instance.name, await here.known.refusal_of(instance)))
            continue
        study = await rows.study_of(instance.header)
        if isinstance(study, Refusal):
            outcomes.append(Outcome(instance.name, study))
            continue
        here.known.add(instance)
        its_series = await rows.series_of(study, instance.header)
        added.setdefault(study, []).append(instance_values(its_series, study, instance))
        series.add(its_series)
        outcomes.append(Outcome(instance.name, None, instance.object_key, study.id))
    if not added:
        return outcomes
    await session.flush()
    await write_rows(
        session,
        instances=list(chain(*added.values())),
        series=series,
        studies=added,
        events=[
            audit.event_of(actor, "images-stored", study, patient_id=study.patient_id, instances=len(its_instances))
            for study, its_instances in added.items()
        ],
    )
    for study in added:
        if study.id in rows.widened:
            await enter_study(session, actor, study, series=rows.all_series_of(study))
    if not here.is_preparing_due:
        await prepare_soon(session, house_id)
    return outcomes


def house_bringing(actor: Actor) -> uuid.UUID:
    """The establishment whose images the actor brings. Raises NotFound for who may bring none."""
    require(actor, Permission.IMAGES_ADD)
    if actor.organization_id is None:
        raise NotFound
    return actor.organization_id


def _names_the_same(study: ImagingStudy, header: InstanceHeader) -> bool:
    """The instance carries the very identity by which the study was filed, or waits."""
    return (header.patient_id, header.patient_issuer, header.patient_name, header.birth_date) == (
        study.header_patient_id,
        study.header_issuer,
        study.header_patient_name,
        study.header_birth_date,
    )
