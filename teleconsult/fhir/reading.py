"""Reading and searching patients and entries of files (R4 §3.1.0.2, §3.1.0.3, §3.1.1)."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.errors import NotFound
from teleconsult.fhir.asking import Answered, Asked, is_known
from teleconsult.fhir.bundles import searchset
from teleconsult.fhir.entries import entry_resource, version_resource
from teleconsult.fhir.entry_search import (
    BY_PATIENT,
    CHAINED,
    REVINCLUDES,
    grammar_of,
    is_narrow,
    page_of,
)
from teleconsult.fhir.patient_search import (
    GRAMMAR,
    as_resources,
    files_named,
    open_files,
    patients_page,
    patients_with,
    readable_patients,
)
from teleconsult.fhir.patients import version_of_patient
from teleconsult.fhir.questions import Question, read_question, values_of
from teleconsult.fhir.searching import Position, ids_in
from teleconsult.fhir.tracing import trace_files, trace_patients
from teleconsult.fhir.types import TYPES
from teleconsult.records.changing import version_of
from teleconsult.records.models import RecordEntry, ResourceType

MOST_INCLUDED = 1000


async def read_patient(session: AsyncSession, actor: Actor, asked: Asked) -> Answered:
    """`GET /Patient/{id}`. Raises NotFound for one who is neither of the house nor of an open file."""
    found = await readable_patients(session, actor, [uuid_in(asked.segments[1])])
    if not found:
        raise NotFound
    (patient,) = found
    audit.record(session, actor, "patient-read", patient, patient_id=patient.id, by="fhir")
    version = version_of_patient(patient)
    if is_known(asked, version):
        return Answered(304, version=version, modified=patient.updated_at)
    (resource,) = await as_resources(session, actor, found, naming=asked.naming)
    return Answered(200, resource, version, patient.updated_at)


async def search_patients(session: AsyncSession, actor: Actor, asked: Asked) -> Answered:
    """`GET /Patient`: those of the house, by who they are."""
    question = read_question(asked, GRAMMAR)
    patients, total, following = await patients_page(session, actor, question, naming=asked.naming)
    trace_patients(session, actor, patients)
    resources = await as_resources(session, actor, patients, naming=asked.naming)
    return _bundle(asked, question, resources, total=total, after=following)


async def read_entry(session: AsyncSession, actor: Actor, asked: Asked) -> Answered:
    """`GET /{type}/{id}`, what stands now. Raises NotFound for an entry of no file that is open to the actor."""
    entry = await entry_for(session, actor, asked)
    await trace_files(session, actor, [entry.patient_id], entry=entry, of=entry.resource_type.value)
    if is_known(asked, str(entry.version)):
        return Answered(304, version=str(entry.version), modified=entry.recorded_at)
    return Answered(200, entry_resource(entry), str(entry.version), entry.recorded_at)


async def read_version(session: AsyncSession, actor: Actor, asked: Asked) -> Answered:
    """`GET /{type}/{id}/_history/{version}`. Raises NotFound for a version there never was."""
    entry = await entry_for(session, actor, asked)
    wanted = asked.segments[3]
    if not (wanted.isascii() and wanted.isdecimal()) or len(wanted) > 9:
        raise NotFound
    if int(wanted) == entry.version:
        return await read_entry(session, actor, asked)
    version = await version_of(session, actor, entry_id=entry.id, version=int(wanted))
    await trace_files(session, actor, [entry.patient_id], entry=entry, of=entry.resource_type.value)
    return Answered(200, version_resource(entry, version), str(version.version), version.recorded_at)


async def search_entries(session: AsyncSession, actor: Actor, asked: Asked) -> Answered:
    """`GET /{type}`: of one patient's file, or of all files that are open to the actor."""
    kind = ResourceType(asked.segments[0])
    question = read_question(asked, grammar_of(kind))
    named, patients = await _whose(session, actor, question, kind, asked.naming)
    entries, total, following = await page_of(session, actor, question, kind, patients)
    others = await _included(session, actor, question, entries)
    shown = {entry.patient_id for entry in [*entries, *others]}
    await trace_files(session, actor, shown | named, of=kind.value)
    included = [entry_resource(entry) for entry in others]
    if {f"{kind.value}:patient", f"{kind.value}:subject"} & question.includes:
        about = await readable_patients(session, actor, {entry.patient_id for entry in entries})
        included += await as_resources(session, actor, about, naming=asked.naming)
    return _bundle(
        asked,
        question,
        [entry_resource(entry) for entry in entries],
        total=total,
        after=following,
        included=included,
    )


async def entry_for(session: AsyncSession, actor: Actor, asked: Asked) -> RecordEntry:
    """The entry an address names, of an open file. Raises NotFound alike for what is not there and not theirs."""
    entry = await session.scalar(
        select(RecordEntry).where(
            RecordEntry.id == uuid_in(asked.segments[1]),
            RecordEntry.resource_type == ResourceType(asked.segments[0]),
            rows.entries(actor),
        )
    )
    if entry is None:
        raise NotFound
    return entry


def uuid_in(text: str) -> uuid.UUID:
    """An id of ours. Raises NotFound for what names nothing."""
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise NotFound from error


async def _whose(
    session: AsyncSession, actor: Actor, question: Question, kind: ResourceType, naming: str
) -> tuple[set[uuid.UUID], list[uuid.UUID] | None]:
    """The patients that were named and are the actor's, and all whose entries are looked at; None: whoever's."""
    asked_for = [ids_in(value, "Patient") for value in values_of(question, *BY_PATIENT)]
    if traits := [(CHAINED[name], value) for name, value in question.criteria if name in CHAINED]:
        asked_for.append(await patients_with(session, actor, traits, naming=naming))
    if asked_for:
        files = [await files_named(session, actor, ids) for ids in asked_for]
        patients = [id_ for id_ in files[0] if all(id_ in file for file in files)]
        return {id_ for ids in asked_for for id_ in ids if id_ in patients}, patients
    return set(), None if is_narrow(question, kind) else await open_files(session, actor)


async def _included(
    session: AsyncSession, actor: Actor, question: Question, entries: Sequence[RecordEntry]
) -> list[RecordEntry]:
    """The encounters the entries belong to, and what belongs to the encounters: as far as they are asked for."""
    if not entries:
        return []
    kind = entries[0].resource_type
    conditions: list[ColumnElement[bool]] = []
    shape = TYPES[kind]
    if shape.by_encounter and f"{kind.value}:{shape.by_encounter}" in question.includes:
        conditions.append(RecordEntry.id.in_({entry.episode_id for entry in entries if entry.episode_id}))
    if wanted := [ResourceType(name.partition(":")[0]) for name in REVINCLUDES if name in question.revincludes]:
        conditions.append(
            RecordEntry.episode_id.in_([entry.id for entry in entries]) & RecordEntry.resource_type.in_(wanted)
        )
    found: dict[uuid.UUID, RecordEntry] = {}
    for condition in conditions:
        query = select(RecordEntry).where(condition, rows.entries(actor)).order_by(RecordEntry.effective_at.desc())
        found.update({entry.id: entry for entry in await session.scalars(query.limit(MOST_INCLUDED))})
    return list(found.values())


def _bundle(
    asked: Asked,
    question: Question,
    resources: list[dict[str, Any]],
    *,
    total: int | None,
    after: Position | None,
    included: Sequence[dict[str, Any]] = (),
) -> Answered:
    return Answered(
        200,
        searchset(
            question.cut(resources),
            server=asked.server,
            own=question.address(asked),
            following=question.address(asked, after=after) if after else None,
            total=total,
            included=included,
        ),
    )
