"""Creating and updating entries of files, also under a condition (R4 §3.1.0.8, §3.1.0.4)."""

import uuid
from dataclasses import replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.errors import Conflict, NotFound
from teleconsult.fhir.asking import Answered, Asked, version_wanted
from teleconsult.fhir.attachments import Attached
from teleconsult.fhir.conditions import condition_of, number_in
from teleconsult.fhir.entries import entry_resource
from teleconsult.fhir.incoming import Incoming, read_incoming, resource_in
from teleconsult.fhir.outcomes import BadResource, NoSuchPatient, Several, Stale
from teleconsult.fhir.reading import entry_for
from teleconsult.fhir.searching import id_of
from teleconsult.fhir.tracing import trace_files
from teleconsult.patients.queries import PatientFile, file_of, treated_patient
from teleconsult.records.actions import file_entry
from teleconsult.records.changing import replace_entry, retract_entry
from teleconsult.records.identifying import Number, keep_numbers, known_as
from teleconsult.records.models import Origin, RecordEntry, ResourceType

SAID_ELSEWHERE: Final = "Marked as an error by the system that sent it."
"""Why, where a program says no more than that."""


async def create_entry(session: AsyncSession, actor: Actor, asked: Asked) -> Answered:
    """`POST /{type}`; under a condition only where no entry has the number: else that entry, with 200.

    Raises BadRequest, BadResource and NoSuchPatient for what cannot be taken, Forbidden where the actor does not treat
    the patient, Several where more than one entry has the number.
    """
    kind = ResourceType(asked.segments[0])
    content = resource_in(asked)
    if condition := condition_of(asked):
        number = number_in(condition)
        if (entry := await the_one(session, actor, kind=kind, number=number)) is not None:
            return await _as_it_stands(session, actor, asked, entry)
    return await _create(session, actor, asked, read_incoming(content, kind, server=asked.server))


async def update_entry(session: AsyncSession, actor: Actor, asked: Asked) -> Answered:
    """`PUT /{type}/{id}`, or `PUT /{type}?identifier=…`: the entry's next version.

    A resource that says `entered-in-error` marks the entry as one. Raises NotFound alike for an unknown id, a foreign
    one, and an entry of a file that the actor does not treat (an id is ours to give); Stale where `If-Match` names
    another version; Refused for what is not theirs to change; and as `create_entry` does.
    """
    kind = ResourceType(asked.segments[0])
    if len(asked.segments) == 1:
        found = await the_one(session, actor, kind=kind, number=number_in(condition_of(asked)))
        if found is None:
            return await create_entry(session, actor, asked)
        entry = found
    else:
        entry = await entry_for(session, actor, asked)
    content = resource_in(asked)
    if len(asked.segments) > 1 and content.get("id") != asked.segments[1]:
        raise BadResource(f"{kind.value}.id", "The resource has to say the id of its address.")
    if asked.attached is not None and not asked.attached.is_of(entry.resource):
        words = "A document keeps its bytes. Send others as a DocumentReference that replaces this one (relatesTo)."
        raise BadResource(asked.attached.element, words, code="business-rule")
    incoming = _with_document(read_incoming(content, kind, server=asked.server), asked.attached, entry.id)
    if incoming.patient_id != entry.patient_id:
        raise BadResource(incoming.patient_element, "An entry keeps its patient.", code="business-rule")
    session.expunge(entry)  # it is read again once it is locked, as whoever was first has left it
    replaced = await _replace(session, actor, entry.id, incoming, version_wanted(asked))
    if replaced.version == entry.version:  # it was an error already
        return await _as_it_stands(session, actor, asked, replaced)
    return _answered(asked, replaced, 200)


def _with_document(incoming: Incoming, attached: Attached | None, entry_id: uuid.UUID) -> Incoming:
    """What comes in, leading to the document that it brought."""
    if attached is None:
        return incoming
    placed = attached.placed(incoming.resource, entry_id, title=incoming.title, at=incoming.effective_at)
    return replace(incoming, resource=placed)


async def the_one(session: AsyncSession, actor: Actor, *, kind: ResourceType, number: Number) -> RecordEntry | None:
    """The entry with this number, if there is one. Raises Several."""
    found = await known_as(session, actor, kind=kind, number=number)
    if len(found) > 1:
        raise Several
    return found[0] if found else None


async def _create(session: AsyncSession, actor: Actor, asked: Asked, incoming: Incoming) -> Answered:
    if incoming.is_error:
        raise BadResource(incoming.kind.value, "What is an error already need not be filed.", code="business-rule")
    file = await _file_to_write(session, actor, incoming)
    entry_id = asked.given_id or uuid.uuid4()
    incoming = _with_document(incoming, asked.attached, entry_id)
    entry = await file_entry(
        session,
        actor,
        patient_id=file.patient.id,
        resource=incoming.resource,
        title=incoming.title,
        effective_at=incoming.effective_at,
        origin=Origin.FHIR,
        source=incoming.source if actor.client_id is None else actor.name,
        entry_id=entry_id,
        episode_id=await _episode(session, incoming, file),
    )
    await keep_numbers(session, entry, numbers=incoming.numbers)
    if asked.attached is not None:
        await asked.attached.keep(entry.id)
    return _answered(asked, entry, 201)


async def _replace(
    session: AsyncSession, actor: Actor, entry_id: uuid.UUID, incoming: Incoming, version: int | None
) -> RecordEntry:
    file = await _file_to_write(session, actor, incoming)
    try:
        if incoming.is_error:
            return await retract_entry(session, actor, entry_id=entry_id, reason=SAID_ELSEWHERE, version=version)
        entry = await replace_entry(
            session,
            actor,
            entry_id=entry_id,
            resource=incoming.resource,
            title=incoming.title,
            effective_at=incoming.effective_at,
            version=version,
        )
    except Conflict as error:
        raise Stale from error
    entry.episode_id = await _episode(session, incoming, file)
    await session.flush()
    await keep_numbers(session, entry, numbers=incoming.numbers)
    return entry


async def _file_to_write(session: AsyncSession, actor: Actor, incoming: Incoming) -> PatientFile:
    """The file it goes into. Raises NoSuchPatient, Forbidden."""
    try:
        await treated_patient(session, actor, incoming.patient_id)
        return await file_of(session, actor, incoming.patient_id)
    except NotFound as error:
        raise NoSuchPatient(incoming.patient_element) from error


async def _episode(session: AsyncSession, incoming: Incoming, file: PatientFile) -> uuid.UUID | None:
    """The entry of the encounter it names: one of the same file. Raises BadResource."""
    if not incoming.encounter or incoming.encounter.startswith("#"):
        return None
    element = f"{incoming.kind.value}.encounter"
    try:
        entry = await session.get(RecordEntry, id_of(incoming.encounter, "Encounter")[1])
    except ValueError as error:
        raise BadResource(element, "Give a reference, as in Encounter/ and an id.") from error
    if entry is None or entry.resource_type is not ResourceType.ENCOUNTER or entry.patient_id not in file.patient_ids:
        raise BadResource(element, "There is no such encounter in the patient's file.", code="not-found")
    return entry.id


async def _as_it_stands(session: AsyncSession, actor: Actor, asked: Asked, entry: RecordEntry) -> Answered:
    """An entry that nothing is done to: to be answered with it is to read it."""
    await trace_files(session, actor, [entry.patient_id], entry=entry, of=entry.resource_type.value)
    return _answered(asked, entry, 200)


def _answered(asked: Asked, entry: RecordEntry, status: int) -> Answered:
    location = f"{asked.server}/{entry.resource_type.value}/{entry.id}/_history/{entry.version}"
    return Answered(status, entry_resource(entry), str(entry.version), entry.recorded_at, location)
