"""QIDO-RS: studies, series and instances of the files that are open to who asks (PS3.18 §10.6)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, Select, Text, and_, bindparam, cast, func, or_, select, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import NullType

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.excerpts.models import Excerpt, ExcerptStudy
from teleconsult.imaging.asking import Match, Wanted
from teleconsult.imaging.keys import Kind, Level
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.patients.names import fold

_AFTER_ALL: Final = "~"
"""Sorts behind every digit and letter a folded name or a time begins with."""
_LAST: Final = chr(0x10FFFF)


@dataclass(frozen=True, slots=True)
class Readable:
    """Ids of what is open to somebody, as PostgreSQL writes arrays of them."""

    patients: str
    """Whose files."""
    shared: str
    """Studies that an excerpt shares with them."""


async def search(
    session: AsyncSession, actor: Actor, wanted: Wanted, *, within: Readable
) -> tuple[list[Row[Any]], bool]:
    """The rows that match, newest study first, and whether there are more than `wanted.limit`.

    One question, whatever the number, `within` what was found readable just before. The session plans it anew; its
    connection answers with columns alone, of which the session would make twice as much work. Ids are text.
    """
    question = _selected(wanted.level).where(
        rows.studies_among(actor, patients=within.patients, shared=within.shared),
        *(_condition(match, is_fuzzy=wanted.is_fuzzy) for match in wanted.matches),
    )
    page = {"offset": wanted.offset, "limit": wanted.limit + 1}
    connection = await session.connection()
    found = list(await connection.execute(question, page)) if wanted.limit else []
    return found[: wanted.limit], len(found) > wanted.limit


async def readable(session: AsyncSession, actor: Actor) -> Readable:
    """The patients whose files are open to who acts, and the studies that an excerpt shares with them.

    Known beforehand, the database can choose between walking through the latest studies and picking out a few.
    """
    shared = (
        select(ExcerptStudy.imaging_study_id)
        .join(Excerpt, Excerpt.id == ExcerptStudy.excerpt_id)
        .where(rows.shared_excerpts(actor))
    )
    opened = select(func.opened_files().column_valued("id"))
    arrays = (cast(func.array(one.scalar_subquery()), Text) for one in (opened, shared))
    found = (await session.execute(select(*arrays))).one()
    return Readable(patients=found[0], shared=found[1])


@cache
def _selected(level: Level) -> Select[*tuple[Any, ...]]:
    """First the UID of what is searched for, then all that is told of it; `limit` of them from `offset` on."""
    question = _columns(level).order_by(*_order(level))
    return question.offset(bindparam("offset", type_=Integer)).limit(bindparam("limit", type_=Integer))


def _columns(level: Level) -> Select[*tuple[Any, ...]]:
    study, series, instance = ImagingStudy, ImagingSeries, ImagingInstance
    of_study = (
        *(study.study_instance_uid, cast(study.patient_id, Text).label("patient_id")),
        cast(study.attributes, Text).label("study_attributes"),
        type_coerce(study.modalities, NullType()).label("modalities"),  # the driver makes a list of it, and that does
        *(study.number_of_series, study.number_of_instances),
    )
    if level is Level.STUDY:
        return select(*of_study)
    of_series = (
        *(series.series_instance_uid, cast(series.attributes, Text).label("series_attributes")),
        *(series.modality, series.number_of_instances.label("in_series")),
    )
    joined = ImagingSeries.imaging_study_id == ImagingStudy.id
    if level is Level.SERIES:
        return select(*of_series, *of_study).join(ImagingStudy, joined)
    return (
        select(instance.sop_instance_uid, instance.sop_class_uid, instance.dicom_json, *of_series, *of_study)
        .join(ImagingSeries, ImagingInstance.imaging_series_id == ImagingSeries.id)
        .join(ImagingStudy, joined)
    )


def _order(level: Level) -> list[ColumnElement[Any]]:
    study, series, instance = ImagingStudy, ImagingSeries, ImagingInstance
    latest: list[ColumnElement[Any]] = [
        study.study_date.desc(),
        study.study_time.desc(),
        study.study_instance_uid.desc(),
    ]
    of_series: list[ColumnElement[Any]] = [
        study.created_at.desc(),
        series.number.asc(),
        series.series_instance_uid.asc(),
    ]
    of_instance: list[ColumnElement[Any]] = [instance.number.asc(), instance.sop_instance_uid.asc()]
    if level is Level.STUDY:
        return [*latest, study.created_at.desc()]
    return [*latest, *of_series] if level is Level.SERIES else [*latest, *of_series, *of_instance]


def _condition(match: Match, *, is_fuzzy: bool) -> ColumnElement[bool]:
    if match.key.kind is Kind.NAME:
        asked, columns = match.values[0], match.key.column
        # Plain letters are not sought among ideographs: a second column would keep the index of the first from use.
        return or_(*(_named(one, asked, is_fuzzy=is_fuzzy) for one in columns[: 1 if fold(asked).isascii() else None]))
    return _COMPARED[match.key.kind](match.key.column, match)


def _text(column: Any, match: Match) -> ColumnElement[bool]:
    asked = match.values[0]
    if not re.search(r"[*?]", asked):
        return and_(column == asked)
    plain = re.sub(r"([\\%_])", r"\\\1", asked)
    return and_(column.like(plain.replace("*", "%").replace("?", "_")))


def _range(column: Any, match: Match) -> ColumnElement[bool]:
    first, last = match.values
    begins = column >= first if first else column != ""
    return and_(begins, column <= last + _AFTER_ALL) if last else and_(begins)


def _in_sequence(column: Any, match: Match) -> ColumnElement[bool]:
    sequence, inner = match.tag.split(".")
    return and_(column.contains({sequence: {"Value": [{inner: {"Value": [match.values[0]]}}]}}))


def _named(column: Any, asked: str, *, is_fuzzy: bool) -> ColumnElement[bool]:
    """A name, without regard to case and accents; fuzzy: each word asked for begins one of the name's, in any order."""
    if is_fuzzy:
        words = fold(re.sub(r"[*?]", " ", asked)).split()
        return and_(column != "", *(or_(column.like(f"{word}%"), column.like(f"% {word}%")) for word in words))
    pieces = re.split(r"([*?])", asked)
    pattern = "".join({"*": "%", "?": "_"}.get(piece) or fold(piece) for piece in pieces)
    prefix = re.split(r"[%_]", pattern)[0]
    if prefix == pattern:
        return and_(column == pattern)
    is_like = column.like(pattern)
    return and_(column >= prefix, column < prefix + _LAST, is_like) if prefix else and_(is_like)


_COMPARED: Final[dict[Kind, Callable[[Any, Match], ColumnElement[bool]]]] = {
    Kind.UID: lambda column, match: column.in_(match.values),
    Kind.NUMBER: lambda column, match: column == int(match.values[0]),
    Kind.CODES: lambda column, match: column.overlap(cast(array(match.values), ARRAY(Text))),
    Kind.DATE: _range,
    Kind.TIME: _range,
    Kind.TEXT: _text,
    Kind.IN_SEQUENCE: _in_sequence,
}
