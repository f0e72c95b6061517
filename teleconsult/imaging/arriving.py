"""Images that a machine sends, without a consult: filed with the patient they name, or kept until somebody says whose.

The sender chooses nothing but the bytes. Whose they are is found here, by the establishment's own number together with
the name and the birth date; so they are taken as the system, under the sender's name, like a message (ADR 14).
"""

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.accounts.actor import Actor
from teleconsult.directory.models import Organization
from teleconsult.imaging.actions import Instance, Outcome, instance_row, take_turn
from teleconsult.imaging.filing import StudyRows, file_study
from teleconsult.imaging.header import InstanceHeader
from teleconsult.imaging.identity import identity_agrees
from teleconsult.imaging.known import Known
from teleconsult.imaging.models import ImagingStudy
from teleconsult.imaging.refusals import Refusal
from teleconsult.objects import Objects
from teleconsult.patients.models import Patient
from teleconsult.patients.names import fold


class ArrivedStudies(StudyRows):
    """Of images that came to an establishment by themselves."""

    def __init__(self, session: AsyncSession, house: Organization, *, source: str) -> None:
        super().__init__(session)
        self._house, self._source = house, source
        self._patients: dict[tuple[str, str, str, str], uuid.UUID | None] = {}

    async def study_of(self, header: InstanceHeader) -> ImagingStudy | Refusal:
        """The study, unless this instance names another patient than the study's, or than its other instances do."""
        study = await super().study_of(header)
        if isinstance(study, Refusal) or _names_the_same(study, header):
            return study
        if study.patient_id is not None and study.patient_id == await self._patient_named(header):
            return study
        return Refusal.OTHER_PATIENT

    async def _find(self, uid: str) -> ImagingStudy | None:
        return await self._session.scalar(
            select(ImagingStudy)
            .where(ImagingStudy.organization_id == self._house.id, ImagingStudy.study_instance_uid == uid)
            .with_for_update()
        )

    async def _new(self, header: InstanceHeader) -> ImagingStudy:
        return await self._add(header, self._house, patient_id=await self._patient_named(header), source=self._source)

    async def _patient_named(self, header: InstanceHeader) -> uuid.UUID | None:
        """The patient of the establishment with this number of its own, whose name and birth date agree."""
        who = header.patient_id, header.patient_issuer, header.patient_name, header.patient_birth_date
        if who not in self._patients:
            self._patients[who] = await self._look_for(header)
        return self._patients[who]

    async def _look_for(self, header: InstanceHeader) -> uuid.UUID | None:
        is_others_number = header.patient_issuer and fold(header.patient_issuer) != fold(self._house.name)
        if not header.patient_id or is_others_number:
            return None
        patient = await self._session.scalar(
            select(Patient).where(Patient.organization_id == self._house.id, Patient.local_number == header.patient_id)
        )
        if patient is None:
            return None
        is_them = identity_agrees(patient, header_name=header.patient_name, born=header.birth_date)
        return patient.id if is_them else None


async def take_arrived(
    session: AsyncSession, actor: Actor, *, instances: Sequence[Instance], objects: Objects
) -> list[Outcome]:
    """Add the instances to the studies of the sender's establishment, in the order given. The session is the system's.

    An instance that is here with the same data set stays as it is; the same UID with another is refused, and so is
    one that names another patient than its study. Each study is filed with the patient it names, or else waits to be
    matched (`imaging.matching`); audited in the sender's name. Raises NotFound for who may bring no images.
    """
    require(actor, Permission.IMAGES_ADD)
    house = await session.get_one(Organization, actor.organization_id)
    await take_turn(session, house.id)
    known = await Known.of(session, house.id, instances, objects)
    rows = ArrivedStudies(session, house, source=actor.name)
    added: dict[ImagingStudy, int] = {}
    outcomes = []
    for instance in instances:
        if instance in known:
            outcomes.append(Outcome(instance.name, await known.refusal_of(instance)))
            continue
        study = await rows.study_of(instance.header)
        if isinstance(study, Refusal):
            outcomes.append(Outcome(instance.name, study))
            continue
        known.add(instance)
        session.add(instance_row(await rows.series_of(study, instance.header), study, instance))
        added[study] = added.get(study, 0) + 1
        outcomes.append(Outcome(instance.name, None, instance.object_key, study.id))
    await session.flush()
    for study, count in added.items():
        await file_study(session, actor, study, series=rows.all_series_of(study))
        audit.record(session, actor, "images-stored", study, patient_id=study.patient_id, instances=count)
    return outcomes


def _names_the_same(study: ImagingStudy, header: InstanceHeader) -> bool:
    """The instance carries the very identity by which the study was filed, or waits."""
    return (header.patient_id, header.patient_issuer, header.patient_name, header.birth_date) == (
        study.header_patient_id,
        study.header_issuer,
        study.header_patient_name,
        study.header_birth_date,
    )
