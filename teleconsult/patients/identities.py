"""Who a patient is, as the database tells it of either side of a comparison."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from teleconsult.patients.models import AdministrativeGender, IdentifierStatus, Patient, PatientIdentifier


@dataclass(frozen=True, slots=True)
class KnownNumber:
    """A number some authority gave."""

    system: str
    value: str
    status: IdentifierStatus


@dataclass(frozen=True, slots=True)
class KnownIdentity:
    """A patient's identity at one establishment, now or when it was kept."""

    patient_id: UUID
    organization_id: UUID
    organization: str
    local_number: str
    family: str
    given: str
    used_name: str
    birth_date: date | None
    birth_place: str
    gender: AdministrativeGender
    phone: str
    is_temporary: bool
    person_id: UUID
    numbers: tuple[KnownNumber, ...]

    @property
    def name(self) -> str:
        """FAMILY Given, as files are headed."""
        return f"{self.family.upper()} {self.given}".strip()

    @classmethod
    def of(cls, patient: Patient, numbers: Iterable[PatientIdentifier]) -> "KnownIdentity":
        """Of a patient one may read oneself; the organization is loaded."""
        return cls(
            patient_id=patient.id,
            organization_id=patient.organization_id,
            organization=patient.organization.name,
            local_number=patient.local_number,
            family=patient.family,
            given=patient.given,
            used_name=patient.used_name,
            birth_date=patient.birth_date,
            birth_place=patient.birth_place,
            gender=patient.gender,
            phone=patient.phone,
            is_temporary=patient.is_temporary,
            person_id=patient.person_id,
            numbers=tuple(KnownNumber(one.system, one.value, one.status) for one in numbers),
        )

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> "KnownIdentity":
        """From what the database tells or kept (`migrations.identity_walls`)."""
        numbers = tuple(
            KnownNumber(one["system"], one["value"], IdentifierStatus(one["status"])) for one in told["numbers"]
        )
        ids = {name: UUID(told[name]) for name in ("patient_id", "organization_id", "person_id")}
        born = date.fromisoformat(told["birth_date"]) if told["birth_date"] else None
        gender = AdministrativeGender(told["gender"])
        return cls(**{**told, **ids, "numbers": numbers, "birth_date": born, "gender": gender})
