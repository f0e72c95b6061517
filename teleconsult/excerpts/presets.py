"""What a specialty usually needs of a file, entry by entry: the suggestion a request begins with."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, func, literal, literal_column, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.directory.models import Specialty
from teleconsult.excerpts.completeness import BLOOD_THINNERS, DAY, EVIDENCE, Needed, codes_in
from teleconsult.patients.queries import PatientFile
from teleconsult.records.models import HAS_CODE, EntryStatus, RecordEntry
from teleconsult.records.models import ResourceType as R
from teleconsult.records.queries import summary

MOST_SUGGESTED: Final = 150
MOST_PANELS: Final = 60
"""Reports and panels of several values that are looked into: a value may stand in one of them."""
PANEL_CODES: Final = frozenset({"85353-1", "85354-9", "55284-4", "8716-3"})
"""LOINC: vital signs or a blood pressure as one Observation with components."""
MONTH: Final = 30 * DAY
YEAR: Final = 365 * DAY


@dataclass(frozen=True, slots=True)
class Value:
    """The newest value that bears one of these LOINC codes."""

    codes: frozenset[str]
    within: timedelta = MONTH


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest entries of some types; where words or classes are given, of those that say or bear one of them."""

    types: tuple[R, ...]
    words: tuple[str, ...] = ()
    """Beginnings of words, folded, anywhere in the entry; of several words, all."""
    classes: tuple[str, ...] = ()
    """Beginnings of the entry's own code (ATC of a medicine)."""
    most: int = 1
    within: timedelta | None = None


def _value(needed: Needed, within: timedelta = MONTH) -> Value:
    return Value(EVIDENCE[needed].codes, within)


GLUCOSE: Final = _value(Needed.GLUCOSE)
BLOOD_PRESSURE: Final = _value(Needed.BLOOD_PRESSURE)
HEART_RATE: Final = _value(Needed.HEART_RATE)
SATURATION: Final = Value(frozenset({"59408-5", "2708-6"}))
GLASGOW: Final = _value(Needed.GLASGOW)
TEMPERATURE: Final = _value(Needed.TEMPERATURE)
WEIGHT: Final = _value(Needed.WEIGHT)
HEIGHT: Final = Value(frozenset({"8302-2", "8306-3"}), YEAR)
HEAD_CIRCUMFERENCE: Final = Value(frozenset({"9843-4", "8287-5"}), YEAR)
INR: Final = Value(frozenset({"6301-6", "34714-6", "38875-1", "46418-0"}))
PLATELETS: Final = Value(frozenset({"777-3", "26515-7", "49497-1"}))
HAEMOGLOBIN: Final = Value(frozenset({"718-7", "20509-6", "59260-0", "30350-3"}))
CREATININE: Final = Value(frozenset({"2160-0", "14682-9", "38483-4", "33914-3", "62238-1", "98979-8"}))
"""Or the filtration rate."""
POTASSIUM: Final = Value(frozenset({"2823-3", "6298-4", "75940-7"}))
TROPONIN: Final = _value(Needed.TROPONIN)
NATRIURETIC_PEPTIDE: Final = Value(frozenset({"30934-4", "33762-6", "42637-9", "83107-3"}))
LDL: Final = Value(frozenset({"13457-7", "18262-6", "2089-1", "22748-8"}), YEAR)
HBA1C: Final = Value(frozenset({"4548-4", "59261-8", "17856-6"}), YEAR)
BLOOD_GROUP: Final = Value(EVIDENCE[Needed.BLOOD_GROUP].codes, 100 * YEAR)

VISIT: Final = Newest((R.ENCOUNTER,))
ANTICOAGULANTS: Final = Newest(
    (R.MEDICATION_STATEMENT, R.MEDICATION_REQUEST, R.MEDICATION_ADMINISTRATION),
    words=BLOOD_THINNERS,
    classes=("B01A",),
    most=5,
    within=180 * DAY,
)
"""Those stopped lately and those only prescribed, too."""
TRACING: Final = Newest(
    (R.DIAGNOSTIC_REPORT, R.DOCUMENT_REFERENCE, R.OBSERVATION, R.PROCEDURE, R.IMAGING_STUDY),
    words=EVIDENCE[Needed.ECG].words,
    most=2,
    within=YEAR,
)
HEART_ULTRASOUND: Final = Newest(
    (R.DIAGNOSTIC_REPORT, R.DOCUMENT_REFERENCE, R.PROCEDURE, R.IMAGING_STUDY),
    words=("echocardi", "echographie cardiaque", "sieu am tim"),
    within=3 * YEAR,
)
_HEAD: Final = ("head", "brain", "skull", "cran", "cerebr", "encephal", "tete", "cerveau", "so nao", "nao bo")
HEAD_IMAGES: Final = Newest((R.IMAGING_STUDY,), words=_HEAD)
HEAD_REPORT: Final = Newest((R.DIAGNOSTIC_REPORT, R.DOCUMENT_REFERENCE), words=_HEAD, within=5 * YEAR)
IMAGES: Final = Newest((R.IMAGING_STUDY,), most=3, within=MONTH)
PHOTOGRAPHS: Final = Newest(
    (R.DOCUMENT_REFERENCE, R.IMAGING_STUDY),
    words=("photo", "dermatosc", "dermosc", "xc", "anh chup", "hinh anh"),
    most=6,
    within=YEAR,
)
TETANUS: Final = Newest((R.IMMUNIZATION,), words=("tetan", "dtp", "dtap", "tdap", "dtca", "uon van"))
VACCINES: Final = Newest((R.IMMUNIZATION,), most=20)

PRESETS: Final[Mapping[Specialty, tuple[Value | Newest, ...]]] = {
    Specialty.NEUROLOGY: (
        *(ANTICOAGULANTS, GLUCOSE, INR, PLATELETS, CREATININE, BLOOD_PRESSURE),
        *(HEAD_IMAGES, HEAD_REPORT, VISIT),
    ),
    Specialty.TRAUMA: (
        *(ANTICOAGULANTS, TETANUS, BLOOD_PRESSURE, HEART_RATE, SATURATION, GLASGOW),
        *(HAEMOGLOBIN, PLATELETS, INR, BLOOD_GROUP, IMAGES, VISIT),
    ),
    Specialty.CARDIOLOGY: (
        *(TRACING, HEART_ULTRASOUND, TROPONIN, NATRIURETIC_PEPTIDE, POTASSIUM, CREATININE, LDL, HBA1C),
        *(BLOOD_PRESSURE, HEART_RATE, WEIGHT, ANTICOAGULANTS, VISIT),
    ),
    Specialty.DERMATOLOGY: (PHOTOGRAPHS, VISIT),
    Specialty.PAEDIATRICS: (WEIGHT, HEIGHT, HEAD_CIRCUMFERENCE, TEMPERATURE, HEART_RATE, VACCINES, VISIT),
    Specialty.GENERAL: (GLUCOSE, HAEMOGLOBIN, CREATININE, BLOOD_PRESSURE, WEIGHT, Newest((R.ENCOUNTER,), most=2)),
}
"""Beside current allergies, problems and medicines, which everybody needs."""


async def suggested_entries(
    session: AsyncSession, file: PatientFile, *, specialty: Specialty | None, at: datetime
) -> list[uuid.UUID]:
    """What this specialty usually needs of a file that the caller has looked up, at most 150 entries.

    `at` is the moment from which periods count back. Without a specialty: what stands in the summary.
    """
    standing = await summary(session, file)
    found = [*standing.allergies, *standing.problems, *standing.medicines]
    if specialty is not None:
        found += await _newest(session, file, PRESETS[specialty], at)
    return list(dict.fromkeys(entry.id for entry in found))[:MOST_SUGGESTED]


async def _newest(
    session: AsyncSession, file: PatientFile, preset: Sequence[Value | Newest], at: datetime
) -> Sequence[RecordEntry]:
    """All of a preset by one statement: a short look-up by an index for each of its parts."""
    oldest = at - max((part.within for part in preset if isinstance(part, Value)), default=MONTH)
    panels = or_(RecordEntry.resource_type == R.DIAGNOSTIC_REPORT, RecordEntry.code.in_(PANEL_CODES))
    looks = [_look(file, part, at, place) for place, part in enumerate(preset)]
    looks.append(_limited(file, [panels, RecordEntry.effective_at >= oldest], MOST_PANELS, len(preset)))
    found = union_all(*looks).subquery()
    rows = await session.execute(
        select(found.c.place, RecordEntry)
        .join(found, found.c.id == RecordEntry.id)
        .order_by(RecordEntry.effective_at.desc(), RecordEntry.id)
    )
    places: dict[int, list[RecordEntry]] = {place: [] for place in range(len(looks))}
    for place, entry in rows:
        places[place].append(entry)
    inside = [(entry, frozenset(codes_in(entry))) for entry in places.pop(len(preset))]
    return [
        entry
        for place, part in enumerate(preset)
        for entry in (_newest_value(part, places[place], inside, at) if isinstance(part, Value) else places[place])
    ]


def _newest_value(
    value: Value, alone: Sequence[RecordEntry], panels: Sequence[tuple[RecordEntry, frozenset[str]]], at: datetime
) -> Iterator[RecordEntry]:
    """The newest entry that tells it, by itself or among others."""
    among = [entry for entry, codes in panels if codes & value.codes and entry.effective_at >= at - value.within]
    found = sorted([*alone, *among], key=lambda entry: entry.effective_at, reverse=True)
    yield from found[:1]


def _look(file: PatientFile, part: Value | Newest, at: datetime, place: int) -> Select[uuid.UUID, int]:
    conditions: list[ColumnElement[bool]] = []
    if part.within is not None:
        conditions.append(RecordEntry.effective_at >= at - part.within)
    if isinstance(part, Value):
        conditions += [RecordEntry.code.in_(part.codes), HAS_CODE]
        return _limited(file, conditions, 1, place)
    conditions.append(RecordEntry.resource_type.in_(part.types))
    said = [RecordEntry.code.startswith(beginning) for beginning in part.classes]
    if part.words:
        query = " | ".join("(" + " & ".join(f"{word}:*" for word in words.split()) + ")" for words in part.words)
        looked_for = func.to_tsquery(literal_column("'simple'::regconfig"), query)
        said.append(RecordEntry.words.bool_op("@@")(looked_for))
    return _limited(file, [*conditions, or_(*said)] if said else conditions, part.most, place)


def _limited(
    file: PatientFile, conditions: Sequence[ColumnElement[bool]], most: int, place: int
) -> Select[uuid.UUID, int]:
    look = (
        select(RecordEntry.id, literal(place).label("place"))
        .where(
            RecordEntry.patient_id.in_(file.patient_ids),
            RecordEntry.status == EntryStatus.CURRENT,
            and_(*conditions),
        )
        .order_by(RecordEntry.effective_at.desc(), RecordEntry.id.desc())
        .limit(most)
        .subquery()
    )
    return select(look.c.id, look.c.place)
