"""The bulk start: Bundles of another system's files, a Bundle a transaction (R4 §3.1.0.11; Synthea writes such).

What is no part of a patient's file (organizations, practitioners, places) is left out: references to it stay as they
were written. The same Bundle again adds nothing.
"""

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import orjson
from sqlalchemy import select
from sqlalchemy.exc import DataError
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.db import Sessions, transaction
from teleconsult.errors import TeleconsultError
from teleconsult.exact import read_strictly
from teleconsult.fhir.batches import resolved
from teleconsult.fhir.incoming import read_incoming
from teleconsult.fhir.outcomes import BadRequest, sentence_of
from teleconsult.patients.birth_dates import year_in
from teleconsult.patients.models import AdministrativeGender, Patient
from teleconsult.patients.registering import Identity, register_patient
from teleconsult.records.actions import file_entry
from teleconsult.records.elements import as_text, dicts
from teleconsult.records.identifying import keep_numbers, numbered
from teleconsult.records.models import Origin, RecordEntry, RecordIdentifier, ResourceType

LARGEST: Final = 256 * 1024 * 1024
"""Bytes of a file."""
ORIGINAL: Final = "urn:teleconsult:imported"
"""The system of the ids that entries had where they came from."""
MOST_REFUSED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry that was not filed, or a whole file (`entry` is 0), and why."""

    file: str
    entry: int
    kind: str
    why: str


@dataclass
class Report:
    """What became of it all."""

    files: int = 0
    patients: int = 0
    filed: Counter[str] = field(default_factory=Counter)
    known: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    refused: list[Refused] = field(default_factory=list)

    def refuse(self, file: str, entry: int, kind: str, why: str) -> None:
        """Keep it, up to ten thousand."""
        if len(self.refused) < MOST_REFUSED:
            self.refused.append(Refused(file, entry, kind, why))


async def import_bundle(sessions: Sessions, actor: Actor, content: bytes, *, name: str, report: Report) -> None:
    """File the Bundle into the files of the actor's establishment, all in one transaction.

    Each entry that cannot be taken is reported and left out; a Bundle that is none, or whose patient cannot be
    registered, is reported whole and leaves nothing. `actor` is the system for that establishment.
    """
    before = (report.patients, report.filed.copy(), report.known, report.left_out.copy())
    try:
        resources = list(_resources(content))
        async with transaction(sessions, actor) as session:
            await _import(session, actor, resources, name=name, report=report)
        report.files += 1
    except (TeleconsultError, DataError) as error:
        report.patients, report.filed, report.known, report.left_out = before
        why = sentence_of(error) if isinstance(error, TeleconsultError) else "It holds a value that cannot be kept."
        report.refuse(name, 0, "Bundle", why)


async def _import(
    session: AsyncSession, actor: Actor, resources: list[tuple[str, dict[str, Any]]], *, name: str, report: Report
) -> None:
    ids, names = {}, {}
    for full_url, resource in resources:
        if resource["resourceType"] == "Patient":
            patient, is_new = await _patient(session, actor, resource)
            report.patients += is_new
            ids[full_url] = patient.id
        else:
            ids[full_url] = uuid.uuid4()
    for full_url, resource in resources:
        if full_url and resource["resourceType"] in {"Patient", *ResourceType}:
            names[full_url] = f"{resource['resourceType']}/{ids[full_url]}"
    known = await _known(session, actor, [full_url for full_url, _resource in resources])
    names |= {url: f"{names[url].split('/')[0]}/{entry_id}" for url, entry_id in known.items() if url in names}
    filed = {names[url]: entry_id for url, entry_id in known.items() if url in names}
    # Encounters first: the others belong to them.
    order = sorted(enumerate(resources, 1), key=lambda one: one[1][1]["resourceType"] != "Encounter")
    for number, (full_url, resource) in order:
        kind = resource["resourceType"]
        if kind == "Patient":
            continue
        if kind not in set(ResourceType):
            report.left_out[kind] += 1
        elif full_url in known:
            report.known += 1
        else:
            try:
                await _file(
                    session,
                    actor,
                    resource=resolved(resource, names),
                    full_url=full_url,
                    entry_id=ids[full_url],
                    filed=filed,
                )
                report.filed[kind] += 1
            except TeleconsultError as error:
                report.refuse(name, number, kind, sentence_of(error))


async def _file(
    session: AsyncSession,
    actor: Actor,
    *,
    resource: dict[str, Any],
    full_url: str,
    entry_id: uuid.UUID,
    filed: dict[str, uuid.UUID],
) -> None:
    """`filed` has the entries there are so far, by how others speak of them."""
    incoming = read_incoming(resource, ResourceType(resource["resourceType"]), server="")
    patient = await session.get(Patient, incoming.patient_id)
    if patient is None or patient.organization_id != actor.organization_id:
        raise BadRequest("Its patient is not in the Bundle.")
    entry = await file_entry(
        session,
        actor,
        patient_id=patient.id,
        resource=incoming.resource,
        title=incoming.title,
        effective_at=incoming.effective_at,
        author_name=incoming.source,
        origin=Origin.IMPORT,
        source=incoming.source,
        entry_id=entry_id,
        episode_id=filed.get(incoming.encounter),
    )
    await keep_numbers(session, entry, numbers=[*incoming.numbers, (ORIGINAL, full_url)])
    filed[f"{incoming.kind.value}/{entry_id}"] = entry_id


async def _patient(session: AsyncSession, actor: Actor, resource: Mapping[str, Any]) -> tuple[Patient, bool]:
    """The patient of the establishment with this number, registered where there is none. Raises BadRequest, Invalid."""
    identity = _identity(resource)
    known = await session.scalar(
        select(Patient).where(
            Patient.organization_id == actor.organization_id, Patient.local_number == identity.local_number
        )
    )
    if known is not None:
        if known.birth_date != identity.birth_date:
            raise BadRequest("Another patient of the establishment has this number.")
        return known, False
    return await register_patient(session, actor, identity=identity, is_someone_else=True), True


def _identity(resource: Mapping[str, Any]) -> Identity:
    name = next(iter(sorted(dicts(resource.get("name")), key=lambda one: one.get("use") != "official")), {})
    given = name.get("given")
    number = next(
        (
            value
            for one in dicts(resource.get("identifier"))
            if (value := as_text(one.get("value"))) and "MR" in orjson.dumps(one.get("type")).decode()
        ),
        as_text(resource.get("id")),
    )
    if not number:
        raise BadRequest("The patient has no number.")
    address = next(dicts(resource.get("address")), {})
    lines = address.get("line")
    parts = [
        *(lines if isinstance(lines, list) else []),
        *(address.get(key) for key in ("city", "state", "postalCode")),
    ]
    gender = as_text(resource.get("gender"))
    return Identity(
        family=as_text(name.get("family")),
        given=as_text(given[0]) if isinstance(given, list) and given else "",
        gender=AdministrativeGender(gender) if gender in set(AdministrativeGender) else AdministrativeGender.UNKNOWN,
        birth_date=_day(as_text(resource.get("birthDate"))),
        birth_year=year_in(as_text(resource.get("birthDate"))),
        phone=next((as_text(one.get("value")) for one in dicts(resource.get("telecom"))), ""),
        address=", ".join(text for part in parts if (text := as_text(part))),
        local_number=number,
    )


async def _known(session: AsyncSession, actor: Actor, urls: list[str]) -> dict[str, uuid.UUID]:
    """Which of these came before, and as what."""
    known = numbered(actor, [(ORIGINAL, url) for url in urls])
    found = await session.execute(known.with_only_columns(RecordIdentifier.value, RecordEntry.id))
    return {row.value: row.id for row in found}


def _resources(content: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each resource and the name by which others call it. Raises BadRequest for what is no Bundle."""
    try:
        bundle = read_strictly(content)
    except ValueError as error:
        raise BadRequest("The file is no JSON.") from error
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise BadRequest("The file is no FHIR Bundle.")
    for entry in dicts(bundle.get("entry")):
        resource = entry.get("resource")
        if isinstance(resource, dict) and isinstance(resource.get("resourceType"), str):
            own = f"{resource['resourceType']}/{as_text(resource.get('id'))}"
            yield as_text(entry.get("fullUrl")) or own, resource


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
