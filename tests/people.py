"""The cast of every test: one person for each role, and colleagues and strangers of some.

Three establishments share one file (rural, provincial, tertiary); the stranger's shares nothing.
"""

import uuid
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import Purpose
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.models import Account
from teleconsult.accounts.passwords import hash_password
from teleconsult.accounts.sessions import actor_of_role
from teleconsult.accounts.tokens import issue_token
from teleconsult.clock import now
from teleconsult.directory.models import (
    HealthcareService,
    Organization,
    OrganizationKind,
    Practitioner,
    PractitionerRole,
    RoleCode,
    Specialty,
)
from teleconsult.patients.models import AdministrativeGender, CareRelation, Patient, Person
from teleconsult.sealing import Sealer

SECRET = "a secret for tests, long enough to be one"
PASSWORD = "a long enough password"
PASSWORD_HASH = hash_password(PASSWORD)


@dataclass
class Cast:
    """Who and what a test begins with. `actors` by name; `rural.patient` is known at two establishments."""

    rural: Actor
    colleague: Actor
    coordinator: Actor
    specialist: Actor
    oncall: Actor
    admin: Actor
    stranger: Actor
    nurse: Actor
    """Of the rural health centre; treats nobody yet."""
    secretary: Actor
    """Of the rural health centre."""
    privacy: Actor
    """The privacy officer of the rural health centre."""
    privacy_tertiary: Actor
    operator: Actor
    nurse_elsewhere: Actor
    """A nurse of the stranger's establishment."""
    neurology: HealthcareService
    trauma: HealthcareService
    organizations: dict[str, Organization]
    patient: Patient
    """Of the rural health centre; the rural doctor has a care relation, the colleague has none."""
    patient_elsewhere: Patient
    """The same person at the provincial hospital."""
    strangers_patient: Patient
    emails: dict[str, str] = field(default_factory=dict)


async def make_cast(session: AsyncSession) -> Cast:
    """Add the cast to the database and return it."""
    organizations = {
        "rural": _organization("Centre de santé de l’Anse", OrganizationKind.HEALTH_CENTRE, "America/Blanc-Sablon"),
        "provincial": _organization("Hôpital de la Côte", OrganizationKind.PROVINCIAL, "America/Toronto"),
        "tertiary": _organization("CHU de la Capitale", OrganizationKind.TERTIARY, "America/Toronto"),
        "elsewhere": _organization("Clinique du Lac", OrganizationKind.CLINIC, "Asia/Ho_Chi_Minh", network=None),
    }
    session.add_all(organizations.values())
    await session.flush()
    neurology = HealthcareService(organization_id=organizations["tertiary"].id, specialty=Specialty.NEUROLOGY)
    trauma = HealthcareService(organization_id=organizations["tertiary"].id, specialty=Specialty.TRAUMA)
    session.add_all([neurology, trauma])
    people: dict[str, Actor] = {}
    emails: dict[str, str] = {}
    for name, place, code, specialty, given, family in (
        ("rural", "rural", RoleCode.DOCTOR, Specialty.GENERAL, "Hélène", "Tremblay"),
        ("colleague", "rural", RoleCode.DOCTOR, Specialty.GENERAL, "Marc", "Gagnon"),
        ("coordinator", "tertiary", RoleCode.COORDINATOR, None, "Aline", "Roy"),
        ("specialist", "tertiary", RoleCode.SPECIALIST, Specialty.NEUROLOGY, "Nguyễn Thị", "Minh"),
        ("oncall", "tertiary", RoleCode.SPECIALIST, Specialty.TRAUMA, "Paul", "Girard"),
        ("admin", "tertiary", RoleCode.ADMINISTRATOR, None, "Louise", "Bouchard"),
        ("stranger", "elsewhere", RoleCode.DOCTOR, Specialty.GENERAL, "Jean", "Dubois"),
        ("nurse", "rural", RoleCode.NURSE, None, "Sylvie", "Lefebvre"),
        ("secretary", "rural", RoleCode.SECRETARY, None, "Carole", "Simard"),
        ("privacy", "rural", RoleCode.PRIVACY_OFFICER, None, "Denis", "Morin"),
        ("privacy_tertiary", "tertiary", RoleCode.PRIVACY_OFFICER, None, "Sophie", "Lavigne"),
        ("operator", "tertiary", RoleCode.OPERATOR, None, "Yves", "Poirier"),
        ("nurse_elsewhere", "elsewhere", RoleCode.NURSE, None, "Anne", "Côté"),
    ):
        emails[name] = f"{name}-{uuid.uuid4().hex[:8]}@example.test"
        people[name] = _person(session, organizations[place], code, specialty, given, family, emails[name])
    link, other = Person(created_at=now()), Person(created_at=now())
    session.add_all([link, other])
    await session.flush()
    patient = _patient(organizations["rural"], link, "Bélanger", "Rose")
    patient_elsewhere = _patient(organizations["provincial"], link, "Bélanger", "Rose")
    strangers_patient = _patient(organizations["elsewhere"], other, "Lavoie", "Luc")
    session.add_all([patient, patient_elsewhere, strangers_patient])
    await session.flush()
    session.add_all([_care(patient, people["rural"]), _care(strangers_patient, people["stranger"])])
    await session.flush()
    return Cast(
        **people,
        neurology=neurology,
        trauma=trauma,
        organizations=organizations,
        patient=patient,
        patient_elsewhere=patient_elsewhere,
        strangers_patient=strangers_patient,
        emails=emails,
    )


def _organization(name: str, kind: OrganizationKind, time_zone: str, network: str | None = "côte") -> Organization:
    return Organization(name=name, kind=kind, time_zone=time_zone, locale="fr", sharing_network=network)


async def another_neurologist(session: AsyncSession, cast: Cast) -> Actor:
    """A second specialist of the cast's neurology service."""
    tertiary = cast.organizations["tertiary"]
    email = f"{uuid.uuid4().hex}@example.test"
    actor = _person(session, tertiary, RoleCode.SPECIALIST, Specialty.NEUROLOGY, "Odile", "Caron", email)
    await session.flush()
    return actor


async def another_person(
    session: AsyncSession, cast: Cast, place: str, code: RoleCode, specialty: Specialty | None = None
) -> Actor:
    """One more at an establishment of the cast."""
    email = f"{uuid.uuid4().hex}@example.test"
    actor = _person(session, cast.organizations[place], code, specialty, "Claire", "Fortin", email)
    await session.flush()
    return actor


def _person(
    session: AsyncSession,
    organization: Organization,
    code: RoleCode,
    specialty: Specialty | None,
    given: str,
    family: str,
    email: str,
) -> Actor:
    """Not yet in the database: a flush for each of them would cost half the time of most tests."""
    practitioner = Practitioner(
        id=uuid.uuid4(), given=given, family=family, prefix="Dr", registration_number=uuid.uuid4().hex[:11].upper()
    )
    role = PractitionerRole(
        id=uuid.uuid4(),
        practitioner_id=practitioner.id,
        practitioner=practitioner,
        organization_id=organization.id,
        organization=organization,
        code=code,
        specialty=specialty,
    )
    account = Account(
        id=uuid.uuid4(),
        email=email,
        password_hash=PASSWORD_HASH,
        practitioner_id=practitioner.id,
        created_at=now(),
        locale="en",
    )
    session.add_all([practitioner, role, account])
    return actor_of_role(account, role)


async def bearer_of(session: AsyncSession, actor: Actor, *purposes: Purpose) -> str:
    """A bearer token for that person's role, for an hour; for every purpose where none is named."""
    assert actor.role_id
    return await issue_token(
        session, Sealer(SECRET), SYSTEM, role_id=actor.role_id, purposes=purposes or frozenset(Purpose)
    )


def _patient(organization: Organization, person: Person, family: str, given: str) -> Patient:
    moment = now()
    return Patient(
        organization_id=organization.id,
        person_id=person.id,
        local_number=uuid.uuid4().hex[:8].upper(),
        family=family,
        given=given,
        family_folded="belanger" if family == "Bélanger" else family.lower(),
        given_folded=given.lower(),
        birth_date=date(1951, 3, 14),
        gender=AdministrativeGender.FEMALE,
        created_at=moment,
        updated_at=moment,
    )


def _care(patient: Patient, actor: Actor) -> CareRelation:
    assert actor.role_id
    return CareRelation(patient_id=patient.id, practitioner_role_id=actor.role_id, reason="treats", started_at=now())
