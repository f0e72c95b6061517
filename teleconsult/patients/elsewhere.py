"""Finding a patient of another establishment that shares, by who they exactly are: for who is about to break the glass.

No list can be looked through: who asks names one patient, a few times an hour at most, and each question is kept.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Date, Text, Uuid, column, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require, rows
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import act_as
from teleconsult.directory.models import Organization
from teleconsult.errors import Invalid, TooMany
from teleconsult.patients.names import fold

MOST_FOUND: Final = 5
MOST_ASKED: Final = 10
WINDOW: Final = timedelta(minutes=15)
ASKED: Final = "patient-sought-elsewhere"
_COLUMNS: Final = (
    *(column("id", Uuid), column("organization_id", Uuid), column("local_number", Text), column("family", Text)),
    *(column("given", Text), column("birth_date", Date), column("gender", Text)),
)


@dataclass(frozen=True, slots=True)
class Search:
    """A patient's number at an establishment, or their family name and birth date."""

    organization_id: uuid.UUID | None = None
    local_number: str = ""
    family: str = ""
    birth_date: date | None = None


@dataclass(frozen=True, slots=True)
class PatientElsewhere:
    """What is told of a patient of another establishment before the glass is broken."""

    id: uuid.UUID
    organization_id: uuid.UUID
    local_number: str
    family: str
    given: str
    birth_date: date | None
    gender: str

    @property
    def name(self) -> str:
        """FAMILY Given, as files are headed."""
        return f"{self.family.upper()} {self.given}".strip()


@dataclass(frozen=True, slots=True)
class Found:
    """At most 5 patients; none where more fit and only a number can tell them apart (`is_cut`)."""

    patients: Sequence[PatientElsewhere]
    is_cut: bool


async def establishments_that_share(session: AsyncSession, actor: Actor) -> Sequence[Organization]:
    """The other establishments of the actor's network, by name."""
    found = await session.scalars(select(Organization).where(rows.houses_that_share(actor)).order_by(Organization.name))
    return found.all()


async def seek_elsewhere(session: AsyncSession, actor: Actor, *, search: Search) -> Found:
    """Whom the search names at the other establishments of the network; the question is audited.

    Raises Invalid for a search that names nobody; TooMany after 10 within 15 minutes; NotFound for who may
    not break the glass.
    """
    require(actor, Permission.BREAK_GLASS)
    _check(search)
    await _count(session, actor)
    found = await look_up(session, search=search)
    audit.record(
        session,
        actor,
        "patient-sought-elsewhere",
        patient_id=found[0].id if len(found) == 1 else None,
        by="number" if search.local_number else "name",
        found=len(found),
    )
    is_cut = len(found) > MOST_FOUND
    return Found([] if is_cut else found, is_cut=is_cut)


async def look_up(session: AsyncSession, *, search: Search) -> Sequence[PatientElsewhere]:
    """Whom the search names, as far as the database tells who acts."""
    asked = func.patients_elsewhere(
        search.organization_id if search.local_number else None,
        search.local_number.strip() or None,
        fold(search.family) or None if search.birth_date else None,
        search.birth_date,
    )
    found = await session.execute(select(asked.table_valued(*_COLUMNS)))
    return [PatientElsewhere(**row) for row in found.mappings()]


def _check(search: Search) -> None:
    if search.local_number.strip():
        if search.organization_id is None:
            raise Invalid({"organization": "Choose the establishment whose number this is."})
        return
    if not fold(search.family) and search.birth_date is None:
        raise Invalid({"": "Give a file number with its establishment, or a family name with a birth date."})
    if not fold(search.family):
        raise Invalid({"family": "Give the whole family name."})
    if search.birth_date is None:
        raise Invalid({"birth_date": "Give the birth date: a name alone finds nobody here."})


async def _count(session: AsyncSession, actor: Actor) -> None:
    """Searches of one person take turns, and are counted by the trace they leave, which is not theirs to read."""
    turn = func.hashtextextended(f"{ASKED} {actor.role_id}", 0)
    await session.execute(select(func.pg_advisory_xact_lock(turn)))
    await act_as(session, SYSTEM)
    asked = await session.scalar(
        select(func.count()).where(
            AuditEvent.action == ASKED,
            AuditEvent.practitioner_role_id == actor.role_id,
            AuditEvent.organization_id == actor.organization_id,
            AuditEvent.recorded_at > now() - WINDOW,
        )
    )
    await act_as(session, actor)
    if (asked or 0) >= MOST_ASKED:
        raise TooMany(
            "You have searched %(times)s times. Wait %(minutes)s minutes, or telephone the establishment.",
            retry_after=int(WINDOW.total_seconds()),
            times=MOST_ASKED,
            minutes=int(WINDOW.total_seconds() // 60),
        )
