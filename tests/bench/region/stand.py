"""A region to be simulated: 3,000 health centres, 40 hospitals, two servers and a worker over one PostgreSQL."""

import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
import psutil
from sqlalchemy.orm import joinedload

from migrations import migrate
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.models import Account
from teleconsult.accounts.sessions import open_session
from teleconsult.clock import now
from teleconsult.db import Sessions, make_engine, make_sessions, transaction
from teleconsult.directory.models import (
    HealthcareService,
    Organization,
    OrganizationKind,
    PractitionerRole,
    RoleCode,
    Specialty,
)
from teleconsult.embedded import DatabaseUrls, embedded_postgresql
from teleconsult.patients.models import AdministrativeGender, CareRelation, Patient, Person
from teleconsult.settings import Settings
from tests import note_steps
from tests.bench.asking import postmaster, processor
from tests.bench.signaling.servers import Process
from tests.browser.site import Site
from tests.people import SECRET, Cast, another_person, make_cast
from tests.web.test_running import free_port
from web.cookies import session_cookie
from web.csrf import HEADER, token_for

SPOKES: Final = int(os.environ.get("BENCH_SPOKES", "3000"))
HUBS: Final = int(os.environ.get("BENCH_HUBS", "40"))
TOGETHER: Final = 250
"""Health centres in one transaction."""
PROCESSES: Final = ("one", "two")


@dataclass(frozen=True, slots=True)
class Hub:
    """A hospital: who answers there, for which service."""

    service_id: uuid.UUID
    coordinator: Actor
    specialist: Actor
    booked: list[int] = field(default_factory=list)
    """How many sessions its specialist was given: each has a time of its own."""


@dataclass(frozen=True, slots=True)
class Spoke:
    """A health centre's doctor and a patient of theirs."""

    doctor: Actor
    patient_id: uuid.UUID


class Servers(Site):
    """Two servers and one worker."""

    ports: dict[str, int]

    def _start(self) -> None:
        self.ports = dict(zip(PROCESSES, (self.port, free_port()), strict=True))
        self._processes = [
            *(self._serve(name, port) for name, port in self.ports.items()),
            self._run("worker"),
        ]

    def _serve(self, name: str, port: int) -> "subprocess.Popen[bytes]":
        told = {**self.environment, "TELECONSULT_PORT": str(port), "TELECONSULT_PROCESS": name}
        return subprocess.Popen([sys.executable, "-m", "web", "serve"], env=told)

    def parts(self) -> dict[str, Sequence[psutil.Process]]:
        """What uses the processor, by name."""
        one, two, worker = (psutil.Process(each.pid) for each in self._processes)
        return {
            "servers": (one, two),
            "worker": (worker,),
            "PostgreSQL": (postmaster(self.data.parent / "postgresql"),),
        }

    def used(self) -> dict[str, float]:
        """Seconds of processor of each part since it began."""
        return {name: processor(processes) for name, processes in self.parts().items()}

    def process(self, name: str) -> Process:
        """As the tools of the signalling benchmark have it."""
        return Process(self._processes[PROCESSES.index(name)].pid, self.ports[name])


@dataclass(frozen=True, slots=True)
class Region:
    """What runs, and who is in it."""

    servers: Servers
    sessions: Sessions
    settings: Settings
    http: aiohttp.ClientSession
    spokes: Sequence[Spoke]
    hubs: Sequence[Hub]

    async def cookie(self, actor: Actor) -> str:
        """A new session of that person's: they signed in this morning."""
        async with transaction(self.sessions) as session:
            account = await session.get_one(Account, actor.account_id)
            options = [joinedload(PractitionerRole.practitioner), joinedload(PractitionerRole.organization)]
            role = await session.get_one(PractitionerRole, actor.role_id, options=options)
            return open_session(session, self.settings, account, role, methods="pwd", address="127.0.0.1")[1]

    def headers(self, cookie: str) -> dict[str, str]:
        """Of that person's browser."""
        name = session_cookie(secure=False)
        return {
            "Cookie": f"{name}={cookie}",
            HEADER: token_for(self.settings, cookie),
            "Sec-Fetch-Site": "same-origin",
        }


@asynccontextmanager
async def region() -> AsyncIterator[Region]:
    """Filled, and ready to be asked."""
    with tempfile.TemporaryDirectory(prefix="teleconsult-bench-") as folder, embedded_postgresql(Path(folder)) as urls:
        migrate(urls.owner)
        engine = make_engine(urls.app)
        sessions = make_sessions(engine, acting="system")
        settings = Settings(data=Path(folder) / "data", database_url=urls.app, secret_key=SECRET)
        async with transaction(sessions) as session:
            cast = await make_cast(session)
        hubs = [await _hub(sessions, settings, cast, number) for number in range(HUBS)]
        spokes = [one for first in range(0, SPOKES, TOGETHER) for one in await _spokes(sessions, cast, first)]
        _analyze(urls)
        servers = Servers(urls, settings.data)
        connections = aiohttp.TCPConnector(limit=0)
        try:
            servers.wait_until_ready()
            async with aiohttp.ClientSession(connector=connections, auto_decompress=False) as http:
                yield Region(servers, sessions, settings, http, spokes, hubs)
        finally:
            servers.stop()
            await engine.dispose()


def _analyze(urls: DatabaseUrls) -> None:
    import psycopg

    with psycopg.connect(urls.owner, autocommit=True) as connection:
        connection.execute("analyze")


async def _hub(sessions: Sessions, settings: Settings, cast: Cast, number: int) -> Hub:
    name = f"hub-{number}"
    async with transaction(sessions) as session:
        cast.organizations[name] = _organization(f"CHU {number}", OrganizationKind.TERTIARY)
        session.add(cast.organizations[name])
        service = HealthcareService(
            id=uuid.uuid4(), organization_id=cast.organizations[name].id, specialty=Specialty.NEUROLOGY
        )
        await session.flush()
        session.add(service)
        coordinator = await another_person(session, cast, name, RoleCode.COORDINATOR)
        specialist = await another_person(session, cast, name, RoleCode.SPECIALIST, Specialty.NEUROLOGY)
    await note_steps.enrol(sessions, settings, specialist)
    return Hub(service.id, coordinator, specialist)


async def _spokes(sessions: Sessions, cast: Cast, first: int) -> list[Spoke]:
    made = []
    async with transaction(sessions) as session:
        for number in range(first, min(first + TOGETHER, SPOKES)):
            name = f"spoke-{number}"
            cast.organizations[name] = _organization(f"Centre {number}", OrganizationKind.HEALTH_CENTRE)
            session.add(cast.organizations[name])
        await session.flush()
        for number in range(first, min(first + TOGETHER, SPOKES)):
            name = f"spoke-{number}"
            doctor = await another_person(session, cast, name, RoleCode.DOCTOR, Specialty.GENERAL)
            person = Person(id=uuid.uuid4(), created_at=now())
            patient = _patient(cast.organizations[name].id, person.id, number)
            assert doctor.role_id is not None
            session.add(person)
            await session.flush()
            session.add(patient)
            await session.flush()
            session.add(
                CareRelation(
                    patient_id=patient.id, practitioner_role_id=doctor.role_id, reason="treats", started_at=now()
                )
            )
            made.append(Spoke(doctor, patient.id))
    return made


def _organization(name: str, kind: OrganizationKind) -> Organization:
    return Organization(
        id=uuid.uuid4(), name=name, kind=kind, time_zone="America/Toronto", locale="fr", sharing_network="côte"
    )


def _patient(organization_id: uuid.UUID, person_id: uuid.UUID, number: int) -> Patient:
    moment = now()
    return Patient(
        id=uuid.uuid4(),
        organization_id=organization_id,
        person_id=person_id,
        local_number=f"R{number}",
        family=f"Tremblay{number}",
        given="Rose",
        family_folded=f"tremblay{number}",
        given_folded="rose",
        birth_date=moment.date().replace(year=1951),
        gender=AdministrativeGender.FEMALE,
        created_at=moment,
        updated_at=moment,
    )
