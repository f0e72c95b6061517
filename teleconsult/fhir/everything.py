"""`Patient/$everything`: the whole file, a page at a time (http://hl7.org/fhir/R4/patient-operation-everything.html)."""

from typing import Any, Final

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.fhir.asking import Answered, Asked
from teleconsult.fhir.bundles import searchset
from teleconsult.fhir.entries import entry_resource
from teleconsult.fhir.entry_search import of_each, position_after
from teleconsult.fhir.outcomes import BadSearch
from teleconsult.fhir.patient_search import as_resources, readable_patients
from teleconsult.fhir.questions import Grammar, read_question
from teleconsult.fhir.reading import uuid_in
from teleconsult.fhir.searching import alternatives, within
from teleconsult.fhir.tracing import trace_files
from teleconsult.patients.queries import file_of
from teleconsult.records.models import RecordEntry, ResourceType

GRAMMAR: Final = Grammar(parameters={"_since": "date", "_type": "token", "start": "date", "end": "date"})


async def read_everything(session: AsyncSession, actor: Actor, asked: Asked) -> Answered:
    """The patient, whoever else is the same person, and every entry of the file: latest first, `_count` a page.

    `_since` leaves out what stood before, `_type` other kinds, `start` and `end` what happened at another time. The
    patients come on the first page only. Raises as `file_of` does, BadSearch for what cannot be read.
    """
    file = await file_of(session, actor, uuid_in(asked.segments[1]))
    question = read_question(asked, GRAMMAR)
    wanted: list[ColumnElement[bool]] = []
    types: set[str] = set()
    for name, value in question.criteria:
        try:
            if name == "_type":
                types |= set(alternatives(value))
            elif name == "_since":
                wanted.append(within(f"ge{value}", RecordEntry.recorded_at, RecordEntry.recorded_at))
            else:
                prefix = "ge" if name == "start" else "le"
                wanted.append(within(f"{prefix}{value}", RecordEntry.effective_at, RecordEntry.effective_at))
        except (ValueError, OverflowError) as error:
            raise BadSearch({name: "This value cannot be read."}) from error
    if types:
        wanted.append(RecordEntry.resource_type.in_([kind for kind in ResourceType if kind.value in types]))
    entries = list(await session.scalars(of_each(question, wanted, file.patient_ids)))
    shown, position = entries[: question.count], position_after(question, entries)
    following = question.address(asked, after=position) if position is not None else None
    await trace_files(session, actor, {file.patient.id, *(entry.patient_id for entry in shown)}, of="Patient")
    resources: list[dict[str, Any]] = []
    if question.after is None and (not types or "Patient" in types):
        patients = await readable_patients(session, actor, file.patient_ids)
        patients.sort(key=lambda patient: patient.id != file.patient.id)
        resources += await as_resources(session, actor, patients, naming=asked.naming)
    resources += [entry_resource(entry) for entry in shown]
    own = question.address(asked)
    return Answered(200, searchset(resources, server=asked.server, own=own, following=following))
