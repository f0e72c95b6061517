"""Patients by R4 search parameters, and whose files a search of entries is about."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import ARRAY, ColumnElement, DateTime, Select, Uuid, and_, cast, false, func, or_, select, tuple_, union
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult import audit
from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.errors import Forbidden, NotFound
from teleconsult.fhir.outcomes import BadSearch, TooCostly
from teleconsult.fhir.patients import number_system, patient_resource
from teleconsult.fhir.questions import Grammar, Question, moment_after
from teleconsult.fhir.searching import Position, alternatives, ids_in, token_of, within
from teleconsult.patients.merging import merges_around
from teleconsult.patients.models import BreakGlass, CareRelation, Patient, PatientIdentifier
from teleconsult.patients.names import fold, fold_number
from teleconsult.patients.queries import file_of

GRAMMAR: Final = Grammar(
    parameters={
        **dict.fromkeys(("_id", "identifier", "gender"), "token"),
        **dict.fromkeys(("_lastUpdated", "birthdate"), "date"),
        **dict.fromkeys(("family", "given", "name"), "string"),
    },
    sorts={"_lastUpdated": "_lastUpdated"},
    has_subsets=True,
)
MOST_NAMED: Final = 1000
"""Patients that a search by `name` looks at: beyond, it wants narrowing."""
MOST_OPEN: Final = 500
"""Local patients whose files are searched at once where none is named."""
MOST_FILES: Final = 20
"""Patients whose files are searched at once where they are named."""
_LAST: Final = "\U0010ffff"


async def patients_page(
    session: AsyncSession, actor: Actor, question: Question, *, naming: str
) -> tuple[list[Patient], int | None, Position | None]:
    """A page of patients, how many there are on all pages, and where the next begins."""
    conditions = [_visible(actor, question), *_conditions(actor, question.criteria, naming)]
    found: list[Patient] = []
    if not question.is_counted_only:
        query = select(Patient).where(*conditions).options(joinedload(Patient.organization))
        found = list(await session.scalars(_ordered(question, query)))
    total = question.total_of(found)
    if total is None and question.wants_total:
        total = await session.scalar(select(func.count()).select_from(Patient).where(*conditions)) or 0
    if len(found) <= question.count:
        return found, total, None
    last = found[question.count - 1]
    position = Position.at(last.updated_at, last.id) if question.sort else Position(last.local_number, last.id)
    return found[: question.count], total, position


async def readable_patients(session: AsyncSession, actor: Actor, ids: Iterable[uuid.UUID]) -> list[Patient]:
    """Those of these that are the house's, or belong to a file that is open to the actor."""
    found = await session.scalars(
        select(Patient)
        .where(Patient.id.in_(set(ids)), or_(rows.patients_of_house(actor), rows.files(actor)))
        .order_by(Patient.id)
        .options(joinedload(Patient.organization))
    )
    return list(found)


async def as_resources(
    session: AsyncSession, actor: Actor, patients: Sequence[Patient], *, naming: str
) -> list[dict[str, Any]]:
    """The patients as they go out, with their numbers and links: three queries however many they are."""
    ids = [patient.id for patient in patients]
    identifiers: dict[uuid.UUID, list[PatientIdentifier]] = {}
    linked: dict[uuid.UUID, list[uuid.UUID]] = {}
    if ids:
        known = select(PatientIdentifier).where(PatientIdentifier.patient_id.in_(ids))
        for one in await session.scalars(known.order_by(PatientIdentifier.recorded_at, PatientIdentifier.id)):
            identifiers.setdefault(one.patient_id, []).append(one)
        persons = {patient.person_id for patient in patients}
        same = select(Patient.id, Patient.person_id).where(Patient.person_id.in_(persons), rows.files(actor))
        for id_, person_id in await session.execute(same.order_by(Patient.created_at, Patient.id)):
            linked.setdefault(person_id, []).append(id_)
    merges = await merges_around(session, ids) if ids else []
    return [
        patient_resource(
            patient,
            naming=naming,
            identifiers=identifiers.get(patient.id, ()),
            linked=[id_ for id_ in linked.get(patient.person_id, ()) if id_ != patient.id],
            replaced_by=[kept for merged, kept in merges if merged == patient.id],
            replaces=[merged for merged, kept in merges if kept == patient.id],
        )
        for patient in patients
    ]


async def files_named(session: AsyncSession, actor: Actor, ids: Iterable[uuid.UUID]) -> list[uuid.UUID]:
    """The local patients whose entries make the files of these; those that are not the actor's have none.

    Raises Forbidden for a patient of the house whom the actor does not treat, and nobody else's; TooCostly over 20.
    """
    ids = list(ids)
    if len(ids) > MOST_FILES:
        raise TooCostly("Name at most 20 patients at once.")
    found: dict[uuid.UUID, None] = {}
    refused: Forbidden | None = None
    for id_ in ids:
        try:
            file = await file_of(session, actor, id_)
        except NotFound:  # the answer is empty, not refused: the attempt is noted here
            audit.record(session, actor, "access-denied", patient_id=id_, outcome="denied", by="fhir")
        except Forbidden as error:
            refused = error
        else:
            found.update(dict.fromkeys(file.patient_ids))
    if refused is not None and not found:
        raise refused
    return list(found)


async def open_files(session: AsyncSession, actor: Actor) -> list[uuid.UUID]:
    """The local patients of all files that are open to the actor. Raises TooCostly where these are too many.

    To a system these are all of its house.
    """
    if actor.client_id is not None:
        return await _few(session, select(Patient.id).where(rows.patients_of_house(actor)))
    treated = select(Patient.person_id).join(CareRelation, CareRelation.patient_id == Patient.id)
    opened = select(Patient.person_id).join(BreakGlass, BreakGlass.patient_id == Patient.id)
    persons = treated.where(rows.care_relations(actor)).union(opened.where(rows.openings(actor))).subquery()
    same = Patient.person_id.in_(select(persons.c.person_id))
    return await _few(session, select(Patient.id).where(same, rows.files(actor)))


async def _few(session: AsyncSession, query: Select[uuid.UUID]) -> list[uuid.UUID]:
    found = list(await session.scalars(query.limit(MOST_OPEN + 1)))
    if len(found) > MOST_OPEN:
        raise TooCostly("Name the patient: too many files are open to you to search them all.")
    return found


async def patients_with(
    session: AsyncSession, actor: Actor, traits: Sequence[tuple[str, str]], *, naming: str
) -> list[uuid.UUID]:
    """The patients of the house of whom all this is true, as search parameters say it. Raises BadSearch."""
    conditions = _conditions(actor, traits, naming)
    found = await session.scalars(select(Patient.id).where(rows.patients_of_house(actor), *conditions).limit(MOST_OPEN))
    return list(found)


def _visible(actor: Actor, question: Question) -> ColumnElement[bool]:
    """Patients of the house; whoever is named by id, also where only their file is open."""
    own = rows.patients_of_house(actor)
    return or_(own, rows.files(actor)) if any(name == "_id" for name, _value in question.criteria) else own


def _ordered(question: Question, query: Select[Patient]) -> Select[Patient]:
    """By their number, which the index holds; or as they were changed."""
    key: Any = Patient.updated_at if question.sort else Patient.local_number
    is_ascending = question.is_ascending or not question.sort
    if question.after is not None:
        last = moment_after(question.after) if question.sort else question.after.key
        position, end = tuple_(key, Patient.id), tuple_(last, question.after.id)
        query = query.where(position > end if is_ascending else position < end)
    order = (key, Patient.id) if is_ascending else (key.desc(), Patient.id.desc())
    return query.order_by(*order).limit(question.count + 1)


def _conditions(actor: Actor, criteria: Sequence[tuple[str, str]], naming: str) -> list[ColumnElement[bool]]:
    found = []
    for name, value in criteria:
        try:
            found.append(_condition(actor, name, value, naming))
        except (ValueError, OverflowError) as error:
            raise BadSearch({name: "This value cannot be read."}) from error
    return found


def _condition(actor: Actor, name: str, value: str, naming: str) -> ColumnElement[bool]:
    match name:
        case "_id":
            condition: ColumnElement[bool] = Patient.id.in_(ids_in(value, "Patient"))
        case "_lastUpdated":
            condition = or_(*(within(one, Patient.updated_at, Patient.updated_at) for one in alternatives(value)))
        case "identifier":
            condition = _by_identifier(actor, name, value, naming)
        case "family" | "given":
            column = Patient.family_folded if name == "family" else Patient.given_folded
            condition = or_(false(), *(_begins(column, one) for one in alternatives(value)))
        case "name":
            condition = or_(false(), *(_named(actor, one) for one in alternatives(value)))
        case "birthdate":
            condition = or_(false(), *(_born(one) for one in alternatives(value)))
        case _:
            condition = Patient.gender.in_([one.rpartition("|")[2] for one in alternatives(value)])
    return condition


def _born(value: str) -> ColumnElement[bool]:
    """A birth date, or all of the year where no more is known; where a whole day is meant, by the index."""
    try:
        return Patient.birth_date == date.fromisoformat(value.removeprefix("eq"))
    except ValueError:
        born, first, last = (
            cast(day, DateTime(timezone=True))
            for day in (
                Patient.birth_date,
                func.make_date(Patient.estimated_birth_year, 1, 1),
                func.make_date(Patient.estimated_birth_year, 12, 31),
            )
        )
        is_year_known = Patient.birth_date.is_(None) & Patient.is_temporary.is_(False)
        by_year = and_(is_year_known, Patient.estimated_birth_year.is_not(None), within(value, first, last))
        return or_(and_(Patient.birth_date.is_not(None), within(value, born, born)), by_year)


def _begins(column: Any, value: str) -> ColumnElement[bool]:
    """The name begins with these words, without accents or case. Said so that the index serves below the wall."""
    words = fold(value)
    if not words:
        raise ValueError("no name")
    return and_(column.op("~>=~")(words), column.op("~<~")(words + _LAST))


def _named(actor: Actor, value: str) -> ColumnElement[bool]:
    """Each word begins one of the person's names (`patients.searching` says why by a function)."""
    words = [f"{word}:*" for word in fold(value).split()[:8]]
    if not words:
        raise ValueError("no name")
    called = func.patients_called(actor.organization_id, " & ".join(words), cast(None, ARRAY(Uuid)), MOST_NAMED)
    return Patient.id.in_(select(called))


def _by_identifier(actor: Actor, name: str, value: str, naming: str) -> ColumnElement[bool]:
    """A local number under its establishment's own system, or a number that another authority gave."""
    own = rows.patients_of_house(actor)
    branches: list[Select[uuid.UUID]] = []
    for one in alternatives(value):
        try:
            wanted = token_of(one)
        except ValueError as error:
            raise BadSearch({name: "Give a number, or its system, a bar, and the number."}) from error
        numbers = {wanted.code, wanted.code.upper(), fold_number(wanted.code)}
        given = select(Patient.id).join(PatientIdentifier, PatientIdentifier.patient_id == Patient.id)
        if wanted.system is not None:
            given = given.where(PatientIdentifier.system == wanted.system)
        branches.append(given.where(own, PatientIdentifier.value.in_(numbers)))
        house = actor.organization_id
        if wanted.system is None or (house is not None and wanted.system == number_system(naming, house)):
            branches.append(select(Patient.id).where(own, Patient.local_number.in_(numbers)))
    return Patient.id.in_(select(union(*branches).subquery().c.id)) if branches else false()
