"""QIDO-RS: studies, series and instances of the files that are open to who asks (PS3.18 §10.6)."""

import re
import zlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Select, Text, and_, cast, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.excerpts.models import Excerpt, ExcerptStudy
from teleconsult.imaging.asking import Match, Wanted
from teleconsult.imaging.keys import ALWAYS, Kind, Level
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.patients.names import fold

Element = dict[str, Any]
_AFTER_ALL: Final = "~"
"""Sorts behind every digit and letter a folded name or a time begins with."""
_LAST: Final = chr(0x10FFFF)
_PLANNED_ANEW: Final = func.set_config("plan_cache_mode", "force_custom_plan", True)
"""One plan cannot be good for a name that one patient bears and for one that half of them do."""


async def search(session: AsyncSession, actor: Actor, wanted: Wanted) -> tuple[list[Row[Any]], bool]:
    """The rows that match, newest study first, and whether there are more than `wanted.limit`.

    Two questions, whatever the number: whose studies there can be for the actor, then these.
    """
    question = (
        _selected(wanted.level)
        .where(rows.studies_among(actor, **await _readable(session, actor)))
        .where(*(_condition(match, is_fuzzy=wanted.is_fuzzy) for match in wanted.matches))
        .order_by(*_order(wanted.level))
        .offset(wanted.offset)
        .limit(wanted.limit + 1)
    )
    found = list(await session.execute(question)) if wanted.limit else []
    return found[: wanted.limit], len(found) > wanted.limit


def tell(found: Sequence[Row[Any]], wanted: Wanted, *, studies: str) -> bytes:
    """The rows in the DICOM JSON Model; addresses begin with `studies`. One of a UID: the copy that came last."""
    kept, told = set(), []
    for row in found:
        uid = row[0]
        if uid not in kept:
            kept.add(uid)
            told.append(orjson.dumps(_told(row, wanted, studies)))
    return b"[" + b",".join(told) + b"]"


async def _readable(session: AsyncSession, actor: Actor) -> dict[str, str]:
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
    found = (await session.execute(select(*arrays, _PLANNED_ANEW))).one()
    return {"patients": found[0], "shared": found[1]}


def _selected(level: Level) -> Select[*tuple[Any, ...]]:
    """First the UID of what is searched for, then all that is told of it."""
    study, series, instance = ImagingStudy, ImagingSeries, ImagingInstance
    of_study = (
        *(study.study_instance_uid, study.patient_id, cast(study.attributes, Text).label("study_attributes")),
        *(study.modalities, study.number_of_series, study.number_of_instances),
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


def _told(row: Row[Any], wanted: Wanted, studies: str) -> dict[str, Element]:
    address = f"{studies}/{row.study_instance_uid}"
    of_study = orjson.loads(row.study_attributes) | {
        "00080056": _element("CS", "ONLINE"),
        "00080061": _element("CS", *row.modalities),
        "00081190": _element("UR", address),
        "0020000D": _element("UI", row.study_instance_uid),
        "00201206": _element("IS", row.number_of_series),
        "00201208": _element("IS", row.number_of_instances),
    }
    if wanted.level is Level.STUDY:
        return _chosen(of_study, wanted, Level.STUDY)
    told = {} if "0020000D" in wanted.under else _chosen(of_study, wanted, Level.STUDY)
    address += f"/series/{row.series_instance_uid}"
    of_series = orjson.loads(row.series_attributes) | {
        "00080060": _element("CS", row.modality),
        "00081190": _element("UR", address),
        "0020000D": _element("UI", row.study_instance_uid),
        "0020000E": _element("UI", row.series_instance_uid),
        "00201209": _element("IS", row.in_series),
    }
    told |= {"0020000D": of_series["0020000D"]}
    if wanted.level is Level.SERIES:
        return dict(sorted((told | _chosen(of_series, wanted, Level.SERIES)).items()))
    if "0020000E" not in wanted.under:
        told |= _chosen(of_series, wanted, Level.SERIES)
    of_instance = (orjson.loads(zlib.decompress(row.dicom_json)) if row.dicom_json else {}) | {
        "00080016": _element("UI", row.sop_class_uid),
        "00080018": _element("UI", row.sop_instance_uid),
        "00080056": _element("CS", "ONLINE"),
        "00081190": _element("UR", f"{address}/instances/{row.sop_instance_uid}"),
    }
    told |= {"0020000E": of_series["0020000E"]} | _chosen(of_instance, wanted, Level.INSTANCE)
    return dict(sorted(told.items()))


def _chosen(elements: dict[str, Element], wanted: Wanted, level: Level) -> dict[str, Element]:
    if wanted.is_all:
        return elements
    tags = ALWAYS[level] | wanted.include
    return {tag: element for tag, element in sorted(elements.items()) if tag in tags}


def _element(vr: str, *values: object) -> Element:
    return {"vr": vr, "Value": list(values)}
