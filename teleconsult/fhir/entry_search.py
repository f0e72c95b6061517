"""Entries of files by R4 search parameters: from a question to conditions, a page of rows and their number."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Select,
    String,
    Text,
    Uuid,
    and_,
    case,
    cast,
    column,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH, array
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.fhir.outcomes import BadSearch
from teleconsult.fhir.questions import Grammar, Question, moment_after, values_of
from teleconsult.fhir.searching import Position, TokenValue, alternatives, ids_in, token_of, within
from teleconsult.fhir.types import OF_ERROR, PERIODS, TYPES, EntryType, Shape, Token
from teleconsult.records.models import EntryStatus, RecordEntry, ResourceType

DATE: Final = "date"
UPDATED: Final = "_lastUpdated"
BY_PATIENT: Final = ("patient", "patient:Patient", "subject", "subject:Patient")
CHAINED: Final = {
    f"{reference}.{name}": name
    for reference in ("patient", "patient:Patient", "subject:Patient")
    for name in ("identifier", "name", "family", "given", "birthdate")
}
"""By the patient's own search parameters (http://hl7.org/fhir/R4/search.html#chaining)."""
_PATHS: Final = {
    Shape.CODING: "(@.code == $code || $code == null) && (@.system == $system || $system == null)",
    Shape.IDENTIFIER: "(@.value == $code || $code == null) && (@.system == $system || $system == null)",
    Shape.CODE: "@ == $code",
}
_ENDLESS: Final = cast(literal("infinity", String), DateTime(timezone=True))


def grammar_of(kind: ResourceType) -> Grammar:
    """All that a search of these entries may say."""
    shape = TYPES[kind]
    patients = [name for name in (*BY_PATIENT, *CHAINED) if shape.subject or not name.startswith("subject")]
    references = [*patients, shape.by_encounter] if shape.by_encounter else patients
    dates = [UPDATED, shape.date] if shape.date else [UPDATED]
    included = {f"{kind.value}:patient", *({f"{kind.value}:subject"} if shape.subject else ())}
    if shape.by_encounter:
        included.add(f"{kind.value}:{shape.by_encounter}")
    return Grammar(
        parameters={
            **dict.fromkeys(("_id", *shape.tokens), "token"),
            **dict.fromkeys(dates, "date"),
            **dict.fromkeys(references, "reference"),
        },
        sorts={UPDATED: UPDATED, **({shape.date: DATE, DATE: DATE} if shape.date else {})},
        includes=included,
        revincludes=REVINCLUDES if kind is ResourceType.ENCOUNTER else (),
        has_subsets=True,
    )


REVINCLUDES: Final = tuple(f"{kind.value}:{shape.by_encounter}" for kind, shape in TYPES.items() if shape.by_encounter)
"""What of an encounter may come along with it."""


def conditions_of(question: Question, kind: ResourceType) -> list[ColumnElement[bool]]:
    """What the question asks of an entry, besides whose it is. Raises BadSearch."""
    shape = TYPES[kind]
    found: list[ColumnElement[bool]] = [RecordEntry.resource_type == kind]
    for name, value in question.criteria:
        try:
            if name in shape.tokens:
                found.append(_any_token(name, shape.tokens[name], value))
            elif name == "_id":
                found.append(RecordEntry.id.in_(ids_in(value, kind.value)))
            elif name == shape.by_encounter:
                found.append(RecordEntry.episode_id.in_(ids_in(value, "Encounter")))
            elif name == UPDATED:
                found.append(_dated(value, RecordEntry.recorded_at, RecordEntry.recorded_at))
            elif name == shape.date:
                found.append(_when(shape, value))
        except (ValueError, OverflowError) as error:
            raise BadSearch({name: "This value cannot be read."}) from error
    return found


async def page_of(
    session: AsyncSession, actor: Actor, question: Question, kind: ResourceType, patients: Sequence[uuid.UUID] | None
) -> tuple[list[RecordEntry], int | None, Position | None]:
    """A page of what fits, of the files of these patients (None: of all that are open), how many there are on all
    pages (None where nobody wants to know), and where the next begins.
    """
    conditions = conditions_of(question, kind)
    found: list[RecordEntry] = []
    if patients is None or (patients and not question.is_counted_only):
        query = _of_all(actor, question, conditions) if patients is None else of_each(question, conditions, patients)
        found = list(await session.scalars(query))
    total = 0 if patients == [] and question.wants_total else question.total_of(found)
    if total is None and question.wants_total:
        whose = rows.entries(actor) if patients is None else RecordEntry.patient_id.in_(patients)
        counted = select(func.count()).select_from(RecordEntry).where(whose, *conditions)
        total = await session.scalar(counted) or 0
    return found[: question.count], total, position_after(question, found)


def position_after(question: Question, found: Sequence[RecordEntry]) -> Position | None:
    """Where the next page begins, where one more was found than is shown."""
    if not 0 < question.count < len(found):
        return None
    last = found[question.count - 1]
    return Position.at(last.recorded_at if question.sort == UPDATED else last.effective_at, last.id)


def is_narrow(question: Question, kind: ResourceType) -> bool:
    """Whether the question itself names few entries, so that no patient need be named."""
    return bool(values_of(question, "_id", TYPES[kind].by_encounter or "_id"))


def _of_all(actor: Actor, question: Question, conditions: list[ColumnElement[bool]]) -> Select[RecordEntry]:
    return _ordered(question, select(RecordEntry).where(rows.entries(actor), *conditions), RecordEntry)


def of_each(
    question: Question, conditions: list[ColumnElement[bool]], patients: Sequence[uuid.UUID]
) -> Select[RecordEntry]:
    """The first rows of each patient by the index, then the first of them all: never more than is shown."""
    if len(patients) == 1:
        one = select(RecordEntry).where(RecordEntry.patient_id == patients[0], *conditions)
        return _ordered(question, one, RecordEntry)
    each = (
        func.unnest(cast(list(patients), ARRAY(Uuid))).table_valued(column("id", Uuid), name="whose").render_derived()
    )
    of_one = select(RecordEntry).where(RecordEntry.patient_id == each.c.id, *conditions)
    first = _ordered(question, of_one, RecordEntry).lateral()
    entry = aliased(RecordEntry, first)
    return _ordered(question, select(entry).select_from(each).join(first, true()), entry)


def _ordered(question: Question, query: Select[RecordEntry], entry: type[RecordEntry]) -> Select[RecordEntry]:
    moment = entry.recorded_at if question.sort == UPDATED else entry.effective_at
    if question.after is not None:
        position, last = tuple_(moment, entry.id), tuple_(moment_after(question.after), question.after.id)
        query = query.where(position > last if question.is_ascending else position < last)
    order = (moment, entry.id) if question.is_ascending else (moment.desc(), entry.id.desc())
    return query.order_by(*order).limit(question.count + 1)


def _dated(value: str, begins: ColumnElement[Any] | Any, ends: ColumnElement[Any] | Any) -> ColumnElement[bool]:
    return or_(*(within(one, begins, ends) for one in alternatives(value)))


def _when(shape: EntryType, value: str) -> ColumnElement[bool]:
    """When it happened; what has a period and no end goes on."""
    begins, resource = RecordEntry.effective_at, RecordEntry.resource
    named = shape.dated or shape.when
    periods = [name for name in named if name in PERIODS]
    ends: ColumnElement[datetime] | Any = begins
    if periods:
        goes_on = case((resource.has_any(array(periods, type_=Text)), _ENDLESS), else_=begins)
        ends = func.coalesce(RecordEntry.ended_at, goes_on)
    return and_(_dated(value, begins, ends), resource.has_any(array(named, type_=Text)))


def _any_token(name: str, token: Token, value: str) -> ColumnElement[bool]:
    return or_(*(_token(name, token, token_of(one)) for one in alternatives(value)))


def _token(name: str, token: Token, wanted: TokenValue) -> ColumnElement[bool]:
    """One alternative. What was entered in error goes out as such, whatever the resource said (`entries`)."""
    condition = _looks_at(token, wanted)
    if name not in OF_ERROR:
        return condition
    is_current = RecordEntry.status == EntryStatus.CURRENT
    if name != "clinical-status" and wanted.code == EntryStatus.ENTERED_IN_ERROR:
        return or_(condition, ~is_current)
    return and_(is_current, condition)


def _looks_at(token: Token, wanted: TokenValue) -> ColumnElement[bool]:
    test = _PATHS[token.shape]
    if wanted.system == "":
        test += " && !exists(@.system)"
    variables = literal({"code": wanted.code or None, "system": wanted.system or None}, JSONB)
    return or_(
        *(
            func.jsonb_path_exists(RecordEntry.resource, cast(f"{path} ? ({test})", JSONPATH), variables, True)
            for path in token.paths
        )
    )
