"""Finding patients within one's own establishment: by name, birth date, local number, or an identifier's value."""

import uuid
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ARRAY, ColumnElement, Select, Uuid, cast, func, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import Permission, require, rows
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.patients.birth_dates import find_birth_date, period_in
from teleconsult.patients.born import born_within
from teleconsult.patients.models import CareRelation, Patient, PatientIdentifier
from teleconsult.patients.names import fold, fold_number

LIMIT: Final = 50
LONGEST: Final = 200
MOST_WORDS: Final = 8


@dataclass(frozen=True, slots=True)
class Found:
    """At most `LIMIT` patients; `is_cut` where there are more and the search wants narrowing."""

    patients: list[Patient]
    is_cut: bool


async def search_patients(session: AsyncSession, actor: Actor, *, text: str) -> Found:
    """Patients of the actor's own establishment whom every part of `text` fits.

    Parts of a name count in any order, from their first letter, without accents. Raises NotFound for roles
    that find no patients.
    """
    require(actor, Permission.PATIENTS_FIND)
    conditions = _conditions(actor, text[:LONGEST])
    if not conditions:
        return Found([], is_cut=False)
    found = await session.scalars(
        select(Patient)
        .where(rows.patients_of_house(actor), *conditions)
        .order_by(Patient.family_folded, Patient.given_folded, Patient.birth_date, Patient.id)
        .limit(LIMIT + 1)
    )
    patients = list(found)
    return Found(patients[:LIMIT], is_cut=len(patients) > LIMIT)


async def holder_of(session: AsyncSession, actor: Actor, *, number: str) -> uuid.UUID | None:
    """Whose local or national number this is, typed or scanned in full; None where nobody of the house or several do.

    Raises NotFound for roles that find no patients.
    """
    require(actor, Permission.PATIENTS_FIND)
    if not any(letter.isdigit() for letter in number[:LONGEST]):
        return None
    found = await session.scalars(union(*_carrying(actor, number[:LONGEST])).limit(2))
    holders = list(found)
    return holders[0] if len(holders) == 1 else None


async def patients_in_care(session: AsyncSession, actor: Actor, *, limit: int = 20) -> list[Patient]:
    """Whom the actor treats, the latest first. Raises NotFound for roles that treat nobody."""
    require(actor, Permission.FILE_READ)
    found = await session.scalars(
        select(Patient)
        .join(CareRelation, CareRelation.patient_id == Patient.id)
        .where(
            rows.care_relations(actor),
            rows.patients_of_house(actor),
        )
        .order_by(CareRelation.started_at.desc(), Patient.id)
        .limit(limit)
    )
    return list(found)


def _conditions(actor: Actor, text: str) -> list[ColumnElement[bool]]:
    birth_date, rest = find_birth_date(text, today=now().date())
    conditions: list[ColumnElement[bool]] = [Patient.birth_date == birth_date] if birth_date else []
    if _is_spaced_number(rest):
        return [*conditions, Patient.id.in_(_numbered(actor, rest))]
    names = []
    for part in rest.split()[:MOST_WORDS]:
        if any(letter.isdigit() for letter in part):
            conditions.append(Patient.id.in_(_numbered(actor, part)))
        else:
            names += fold(part).split()
    return [Patient.id.in_(_named(actor, names, conditions))] if names else conditions


def _is_spaced_number(text: str) -> bool:
    """A number written in groups, such as `TREH 5811 2213`: at least two groups have digits."""
    return sum(any(letter.isdigit() for letter in part) for part in text.split()) > 1


def _named(actor: Actor, words: list[str], others: list[ColumnElement[bool]]) -> Select[uuid.UUID]:
    """Ids of the house's first patients, by name, whom the others fit and in whose name every word begins one.

    The database looks for the words in a function: below row-level security no index would serve.
    """
    query = " & ".join(f"{word}:*" for word in words[:MOST_WORDS])
    fitting = func.array(select(Patient.id).where(rows.patients_of_house(actor), *others).scalar_subquery())
    return select(
        func.patients_called(actor.organization_id, query, fitting if others else cast(None, ARRAY(Uuid)), LIMIT + 1)
    )


def _numbered(actor: Actor, number: str) -> Select[uuid.UUID]:
    """Ids of patients with this local number, or the end of it, or identifier, or born in that year or month."""
    own = rows.patients_of_house(actor)
    branches = _carrying(actor, number)
    if number.isascii() and number.isdigit():
        branches.append(select(Patient.id).where(own, Patient.local_number_end == (number.lstrip("0") or "0")))
    if period := period_in(number, today=now().date()):
        branches.append(select(Patient.id).where(own, born_within(*period)))
    found = union(*branches).subquery()
    return select(found.c.id)


def _carrying(actor: Actor, number: str) -> list[Select[uuid.UUID]]:
    """Ids of patients with this local number, and of those with this identifier: a question for each index."""
    own = rows.patients_of_house(actor)
    numbers = {number.strip(), number.strip().upper(), fold_number(number)}
    return [
        select(Patient.id).where(own, Patient.local_number.in_(numbers)),
        select(Patient.id)
        .join(PatientIdentifier, PatientIdentifier.patient_id == Patient.id)
        .where(own, PatientIdentifier.value.in_(numbers)),
    ]
