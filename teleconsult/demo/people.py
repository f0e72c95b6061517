"""The demonstration's establishments, their services, and who works there."""

import asyncio
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.accounts.models import Account
from teleconsult.accounts.passwords import hash_password
from teleconsult.accounts.sessions import actor_of_role
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

PASSWORD: Final = "teleconsult-demo"  # noqa: S105  # printed at the start of the demonstration, used nowhere else
NETWORK: Final = "reseau-cote-nord"

ACCOUNTS: Final = {
    "rural@demo.test": "Dr Hélène Tremblay, Centre de santé de l’Anse-aux-Loups",
    "coordinator@demo.test": "Aline Roy, coordination, CHU de la Capitale",
    "specialist@demo.test": "Dr Nguyễn Thị Minh, neurologie, CHU de la Capitale",
    "oncall@demo.test": "Dr Paul Girard, traumatologie, de garde, CHU de la Capitale",
    "nurse@demo.test": "Sylvie Lefebvre, infirmière, Centre de santé de l’Anse-aux-Loups",
    "secretary@demo.test": "Carole Simard, secrétariat, Centre de santé de l’Anse-aux-Loups",
    "admin@demo.test": "Louise Bouchard, administration, CHU de la Capitale",
    "privacy@demo.test": "Denis Morin, protection des renseignements, Centre de santé de l’Anse-aux-Loups",
    "operator@demo.test": "Yves Poirier, exploitation du réseau, CHU de la Capitale",
    "stranger@demo.test": "Dr Jean Dubois, Clinique du Lac",
}
"""Who signs in with which address: what `make run` prints."""

_ORGANIZATIONS: Final = {
    "rural": (
        "Centre de santé de l’Anse-aux-Loups",
        OrganizationKind.HEALTH_CENTRE,
        "America/Blanc-Sablon",
        NETWORK,
    ),
    "provincial": ("Hôpital provincial de la Côte-Nord", OrganizationKind.PROVINCIAL, "America/Toronto", NETWORK),
    "tertiary": ("CHU de la Capitale", OrganizationKind.TERTIARY, "America/Toronto", NETWORK),
    "clinic": ("Clinique du Lac", OrganizationKind.CLINIC, "America/Toronto", None),
}
_PHONES: Final = {
    "rural": "+1 418 555 0110",
    "provincial": "+1 418 555 0120",
    "tertiary": "+1 418 555 0130",
    "clinic": "+1 418 555 0140",
}
"""Of establishments: numbers that are kept for stories."""
_SERVICES: Final = (
    Specialty.NEUROLOGY,
    Specialty.TRAUMA,
    Specialty.CARDIOLOGY,
    Specialty.DERMATOLOGY,
    Specialty.PAEDIATRICS,
)
_PEOPLE: Final = (
    ("rural", "rural", RoleCode.DOCTOR, Specialty.GENERAL, "Dr", "Hélène", "Tremblay", "14207"),
    ("coordinator", "tertiary", RoleCode.COORDINATOR, None, "", "Aline", "Roy", "C-3318"),
    ("specialist", "tertiary", RoleCode.SPECIALIST, Specialty.NEUROLOGY, "Dr", "Nguyễn Thị", "Minh", "18455"),
    ("oncall", "tertiary", RoleCode.SPECIALIST, Specialty.TRAUMA, "Dr", "Paul", "Girard", "16092"),
    ("nurse", "rural", RoleCode.NURSE, None, "", "Sylvie", "Lefebvre", "I-2276"),
    ("secretary", "rural", RoleCode.SECRETARY, None, "", "Carole", "Simard", "S-0418"),
    ("admin", "tertiary", RoleCode.ADMINISTRATOR, None, "", "Louise", "Bouchard", "A-1071"),
    ("privacy", "rural", RoleCode.PRIVACY_OFFICER, None, "", "Denis", "Morin", "P-1190"),
    ("operator", "tertiary", RoleCode.OPERATOR, None, "", "Yves", "Poirier", "O-0007"),
    ("stranger", "clinic", RoleCode.DOCTOR, Specialty.GENERAL, "Dr", "Jean", "Dubois", "20311"),
)
_SECOND_ROLES: Final = (
    ("rural", "provincial", RoleCode.DOCTOR, Specialty.GENERAL),
    ("admin", "tertiary", RoleCode.PRIVACY_OFFICER, None),
)
"""Begun after the first, in which they sign in the first time."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody, by the first word of their address; establishments and services by name."""

    organizations: dict[str, Organization]
    services: dict[Specialty, HealthcareService]
    actors: dict[str, Actor]


async def add_people(session: AsyncSession) -> Cast:
    """Add the establishments, services and accounts."""
    organizations = {
        key: Organization(
            name=name, kind=kind, time_zone=zone, locale="fr", sharing_network=network, phone=_PHONES[key]
        )
        for key, (name, kind, zone, network) in _ORGANIZATIONS.items()
    }
    session.add_all(organizations.values())
    await session.flush()
    services = {
        specialty: HealthcareService(
            organization_id=organizations["tertiary"].id, specialty=specialty, phone=f"+1 418 555 01{number}"
        )
        for number, specialty in enumerate(_SERVICES, start=31)
    }
    session.add_all(services.values())
    password_hash = await asyncio.to_thread(hash_password, PASSWORD)
    actors = {}
    for key, place, code, specialty, prefix, given, family, number in _PEOPLE:
        practitioner = Practitioner(given=given, family=family, prefix=prefix, registration_number=number)
        session.add(practitioner)
        await session.flush()
        role = PractitionerRole(practitioner=practitioner, organization=organizations[place], code=code)
        role.specialty = specialty
        account = Account(
            email=f"{key}@demo.test",
            password_hash=password_hash,
            practitioner_id=practitioner.id,
            created_at=now(),
        )
        session.add_all([role, account])
        await session.flush()
        actors[key] = actor_of_role(account, role)
    for key, place, code, specialty in _SECOND_ROLES:
        practitioner_id = actors[key].practitioner_id
        assert practitioner_id is not None  # everybody above is somebody
        session.add(
            PractitionerRole(
                practitioner_id=practitioner_id,
                organization_id=organizations[place].id,
                code=code,
                specialty=specialty,
            )
        )
    await session.flush()
    return Cast(organizations, services, actors)
