"""Whose objects are that are made of what a doctor brings, and what for: read off the consult, once an upload."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.consults.models import ServiceRequest
from teleconsult.imaging.actions import consult_to_fill
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.imaging.uids import derived_uid
from teleconsult.patients.models import AdministrativeGender

_SEX = {AdministrativeGender.MALE: "M", AdministrativeGender.FEMALE: "F", AdministrativeGender.OTHER: "O"}


@dataclass(frozen=True, slots=True)
class Heading:
    """The same for every object of a consult; names are family name and given names."""

    consult_id: uuid.UUID
    number: str
    """The consult's, as an Accession Number, which nobody takes for one of the hospital's."""
    begun: datetime
    """When the request was begun. Its offset is that of all times of the study (0008,0201)."""
    zone: ZoneInfo
    institution: str
    referrer: tuple[str, str]
    patient: tuple[str, str]
    patient_number: str
    birth_date: str
    sex: str
    present: int
    """How many instances the study has."""

    @property
    def study_uid(self) -> str:
        """One study a consult, always the same."""
        return derived_uid("captured study", str(self.consult_id))

    def series_uid(self, kind: str) -> str:
        """One series a kind."""
        return derived_uid("captured series", f"{self.consult_id} {kind}")

    def instance_uid(self, digest: bytes) -> str:
        """Of what came with this SHA-256: the same file, brought twice to a consult, is the same object."""
        return derived_uid("captured instance", f"{self.consult_id} {digest.hex()}")

    def moment(self, told: str, *, received: datetime) -> datetime:
        """When it was made, in the offset of the study: as `told` (ISO 8601, or ""), if a clock that was set can have
        said so, else when it was received. A time without an offset is the establishment's.
        """
        moment = datetime.fromisoformat(told) if told else received
        moment = moment if moment.tzinfo else moment.replace(tzinfo=self.zone)
        born = datetime.strptime(self.birth_date or "20000101", "%Y%m%d").replace(tzinfo=self.zone)
        is_plausible = max(born, _FIRST.replace(tzinfo=self.zone)) <= moment <= received + _DRIFT
        return (moment if is_plausible else received).astimezone(self.begun.tzinfo)


_FIRST = datetime(2001, 1, 1)  # noqa: DTZ001  # in the establishment's zone; before it, only clocks that were never set
_DRIFT = timedelta(hours=1)


async def heading_for(session: AsyncSession, actor: Actor, consult_id: uuid.UUID) -> Heading:
    """Raises NotFound, Forbidden and Refused where this actor may bring nothing to the consult now."""
    return await heading_of(session, await consult_to_fill(session, actor, consult_id))


async def heading_of(session: AsyncSession, consult: ServiceRequest) -> Heading:
    """The same for a consult that was looked up."""
    patient, house, requester = consult.patient, consult.requester_organization, consult.requester.practitioner
    zone = ZoneInfo(house.time_zone)
    offset = consult.authored_on.astimezone(zone).utcoffset() or timedelta()
    present = await session.scalar(
        select(func.count())
        .select_from(ImagingInstance)
        .join(ImagingSeries, ImagingSeries.id == ImagingInstance.imaging_series_id)
        .join(ImagingStudy, ImagingStudy.id == ImagingSeries.imaging_study_id)
        .where(
            ImagingStudy.organization_id == house.id,
            ImagingStudy.study_instance_uid == derived_uid("captured study", str(consult.id)),
        )
    )
    return Heading(
        consult_id=consult.id,
        number=f"TC{consult.number}",
        begun=consult.authored_on.astimezone(timezone(offset)),
        zone=zone,
        institution=house.name,
        referrer=(requester.family, requester.given),
        patient=(patient.family, patient.given),
        patient_number=patient.local_number,
        birth_date=patient.birth_date.strftime("%Y%m%d") if patient.birth_date else "",
        sex=_SEX.get(patient.gender, ""),
        present=present or 0,
    )
