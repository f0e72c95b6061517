"""The demonstration's patients and their files, at every establishment that treated them."""

import uuid
from datetime import date
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.demo.charts import Chart, birth_date, charts, told
from teleconsult.demo.people import Cast
from teleconsult.patients.care import CareReason, open_care_relation
from teleconsult.patients.matching import match_identity
from teleconsult.patients.models import AdministrativeGender, Patient, Person
from teleconsult.patients.names import fold
from teleconsult.patients.registering import set_national_id
from teleconsult.records.actions import file_entry

_PREFIXES: Final = {"rural": "AL", "provincial": "CN", "tertiary": "CC", "clinic": "L"}
"""What each establishment's numbers begin with."""
_DOCTORS: Final = {"rural": "rural", "clinic": "stranger"}
"""Who treats the patients of an establishment."""
_NURSED: Final = 4
"""How many of the first patients the nurse treats, too."""


async def add_patients(session: AsyncSession, cast: Cast) -> dict[str, Patient]:
    """Add everybody of `files/`: by the chart's name, the patient of the first establishment named there."""
    first: dict[str, Patient] = {}
    for number, (name, chart) in enumerate(charts().items(), start=1):
        patients = await _add_person(session, cast, chart, number)
        place = chart["where"][0]
        first[name] = patients[place]
        if chart.get("care", True):
            doctor = cast.actors[_DOCTORS[place]]
            await open_care_relation(session, doctor, patient_id=first[name].id, reason=CareReason.FOLLOW_UP)
        if place == "rural" and number <= _NURSED:
            nurse = cast.actors["nurse"]
            await open_care_relation(session, nurse, patient_id=first[name].id, reason=CareReason.FOLLOW_UP)
        await _write_file(session, cast, chart, patients)
    return first


async def _add_person(session: AsyncSession, cast: Cast, chart: Chart, number: int) -> dict[str, Patient]:
    moment = now()
    persons = {place: Person(id=uuid.uuid4(), created_at=moment) for place in chart["where"]}
    session.add_all(persons.values())
    await session.flush()
    born = birth_date(chart, moment.date())
    patients = {
        place: Patient(
            organization_id=cast.organizations[place].id,
            person_id=persons[place].id,
            local_number=f"{_PREFIXES[place]}-{1200 + 37 * number:05}",
            family=chart["family"],
            given=chart["given"],
            family_folded=fold(chart["family"]),
            given_folded=fold(chart["given"]),
            birth_date=born,
            gender=AdministrativeGender(chart["gender"]),
            phone=chart.get("phone", ""),
            address=chart.get("address", ""),
            created_at=moment,
            updated_at=moment,
        )
        for place in chart["where"]
    }
    session.add_all(patients.values())
    await session.flush()
    for patient in patients.values():
        await set_national_id(session, patient, _insurance_number(patient, born))
        await match_identity(session, SYSTEM, patient)
    return patients


async def _write_file(session: AsyncSession, cast: Cast, chart: Chart, patients: dict[str, Patient]) -> None:
    zones = {place: organization.time_zone for place, organization in cast.organizations.items()}
    roles = {actor.name: actor.role_id for actor in cast.actors.values()}
    for entry in told(chart, moment=now(), zones=zones):
        filed = await file_entry(
            session,
            SYSTEM,
            patient_id=patients[entry.where].id,
            resource=entry.resource,
            title=entry.title,
            effective_at=entry.effective_at,
            author_name=entry.author,
            author_role_id=roles.get(entry.author),
            organization_id=patients[entry.where].organization_id,
        )
        filed.recorded_at = filed.effective_at


def _insurance_number(patient: Patient, born: date) -> str:
    """As Québec makes them: letters of the name, the birth date (month + 50 for women), two digits more."""
    letters = f"{patient.family_folded.replace(' ', '')[:3]:X<3}{patient.given_folded[:1]}".upper()
    month = born.month + (50 if patient.gender is AdministrativeGender.FEMALE else 0)
    return f"{letters}{born:%y}{month:02}{born:%d}{len(patient.family):02}"
