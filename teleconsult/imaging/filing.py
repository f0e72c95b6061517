"""A study's rows, and what follows from them: its entry in the patient's timeline, its place in the excerpt."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Boolean, Uuid, column, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.directory.models import Organization
from teleconsult.excerpts.models import Excerpt, ExcerptStudy
from teleconsult.imaging.cataloguing import study_keys
from teleconsult.imaging.entering import enter_study
from teleconsult.imaging.header import InstanceHeader
from teleconsult.imaging.identity import differences_of
from teleconsult.imaging.jobs import prepare_soon
from teleconsult.imaging.models import ImagingSeries, ImagingStudy
from teleconsult.imaging.refusals import Refusal
from teleconsult.patients.models import Patient

_HELD: Final = (
    *(column("id", Uuid), column("patient_id", Uuid), column("service_request_id", Uuid)),
    column("is_in_draft", Boolean),
)


class StudyRows(ABC):
    """The studies and series a lot of instances belongs to, looked up once each."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._studies: dict[str, ImagingStudy | Refusal] = {}
        self._series: dict[tuple[uuid.UUID, str], ImagingSeries] = {}
        self._looked_up: set[uuid.UUID] = set()
        """Studies whose series are all here."""
        self.widened: set[uuid.UUID] = set()
        """Those that have a new series."""

    async def study_of(self, header: InstanceHeader) -> ImagingStudy | Refusal:
        """The establishment's study of that UID, a new one, or why neither."""
        uid = header.study_instance_uid
        if uid not in self._studies:
            self._studies[uid] = await self._find(uid) or await self._new(header)
        return self._studies[uid]

    async def series_of(self, study: ImagingStudy, header: InstanceHeader) -> ImagingSeries:
        """The study's series of that UID, or a new one."""
        key = study.id, header.series_instance_uid
        if study.id not in self._looked_up:
            known = await self._session.scalars(select(ImagingSeries).where(ImagingSeries.imaging_study_id == study.id))
            self._series |= {(study.id, series.series_instance_uid): series for series in known}
            self._looked_up.add(study.id)
        if key not in self._series:
            self._series[key] = self._new_series(study, header)
        return self._series[key]

    def all_series_of(self, study: ImagingStudy) -> Sequence[ImagingSeries] | None:
        """Those of a study, where they were looked up."""
        if study.id not in self._looked_up:
            return None
        return [series for (study_id, _uid), series in self._series.items() if study_id == study.id]

    @abstractmethod
    async def _find(self, uid: str) -> ImagingStudy | Refusal | None:
        """The study that is here, nothing, or why it is not to be added to."""

    @abstractmethod
    async def _new(self, header: InstanceHeader) -> ImagingStudy:
        """A new one, by `_add`."""

    def _add(
        self,
        header: InstanceHeader,
        house: Organization,
        *,
        patient_id: uuid.UUID | None,
        consult_id: uuid.UUID | None = None,
        source: str = "",
    ) -> ImagingStudy:
        study = ImagingStudy(
            id=uuid.uuid4(),
            organization_id=house.id,
            patient_id=patient_id,
            service_request_id=consult_id,
            study_instance_uid=header.study_instance_uid,
            accession_number=header.accession_number,
            description=header.study_description,
            started_at=_moment(header.started, ZoneInfo(house.time_zone)),
            modalities=[],
            header_patient_name=header.patient_name,
            header_patient_id=header.patient_id,
            header_issuer=header.patient_issuer,
            header_birth_date=header.birth_date,
            header_sex=header.sex,
            source=source,
            identity_differs=False,
            created_at=now(),
            number_of_series=0,
            number_of_instances=0,
            **study_keys(header),
        )
        self._session.add(study)
        self._looked_up.add(study.id)
        return study

    def _new_series(self, study: ImagingStudy, header: InstanceHeader) -> ImagingSeries:
        series = ImagingSeries(
            id=uuid.uuid4(),
            imaging_study_id=study.id,
            series_instance_uid=header.series_instance_uid,
            modality=header.modality,
            number=header.series_number,
            description=header.series_description,
            body_part=header.body_part,
            attributes=header.description.series,
            number_of_instances=0,
        )
        self._session.add(series)
        study.modalities = sorted({*study.modalities, header.modality})
        study.number_of_series += 1
        self.widened.add(study.id)
        return series


class BroughtStudies(StudyRows):
    """Of images that the requester brings to a consult: its patient's, now brought in for it."""

    def __init__(self, session: AsyncSession, consult: ServiceRequest) -> None:
        super().__init__(session)
        self._consult = consult

    async def _find(self, uid: str) -> ImagingStudy | Refusal | None:
        consult = self._consult
        asked = func.held_study(consult.requester_organization_id, uid)
        held = (await self._session.execute(select(asked.table_valued(*_HELD)))).one_or_none()
        if held is None:
            return None
        if held.patient_id is None:
            return Refusal.UNMATCHED
        if held.patient_id != consult.patient_id:
            return Refusal.OTHER_PATIENT
        if held.service_request_id != consult.id and held.is_in_draft:
            return Refusal.OTHER_DRAFT
        study = await self._session.get_one(ImagingStudy, held.id)
        study.service_request_id = consult.id
        return study

    async def _new(self, header: InstanceHeader) -> ImagingStudy:
        consult = self._consult
        return self._add(header, consult.requester_organization, patient_id=consult.patient_id, consult_id=consult.id)


def note_identity(study: ImagingStudy, patient: Patient, header: InstanceHeader) -> None:
    """Mark the study where an instance tells another name, birth date or sex than the patient's.

    A further strange identity must be confirmed anew.
    """
    if not differences_of(header, patient):
        return
    said = header.patient_name, header.birth_date, header.sex
    if not study.identity_differs or said != (study.header_patient_name, study.header_birth_date, study.header_sex):
        study.identity_differs, study.reconciled_at, study.reconciled_by_id = True, None, None
        study.header_patient_name, study.header_birth_date, study.header_sex = said
        study.header_patient_id = header.patient_id


async def file_study(
    session: AsyncSession, actor: Actor, study: ImagingStudy, *, series: Sequence[ImagingSeries] | None = None
) -> None:
    """Enter the study in the patient's timeline, as `enter_study`; its images are made ready in any case."""
    await prepare_soon(session, study.organization_id)
    await enter_study(session, actor, study, series=series)


async def share_study(session: AsyncSession, consult: ServiceRequest, study: ImagingStudy) -> None:
    """Add the study to what a submitted consult shares; whose name it bears is shown with it where that is in doubt."""
    if consult.submitted_at is None:
        return
    newest = (
        select(Excerpt.id).where(Excerpt.service_request_id == consult.id).order_by(Excerpt.version.desc()).limit(1)
    )
    excerpt_id = await session.scalar(newest)
    if excerpt_id is not None:
        row = insert(ExcerptStudy).values(id=uuid.uuid4(), excerpt_id=excerpt_id, imaging_study_id=study.id)
        await session.execute(row.on_conflict_do_nothing())


def _moment(started: str, zone: ZoneInfo) -> datetime | None:
    """An aware time; local time is that of the establishment."""
    if not started:
        return None
    moment = datetime.fromisoformat(started)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
