"""ADT: patients registered and corrected, visits begun and ended, duplicates joined (HL7 v2.5.1 §3.3)."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.hl7v2.filing import Filing
from teleconsult.hl7v2.identity import find_patient, identity_in, local_number
from teleconsult.hl7v2.reading import UNKNOWN_KEY, Fault, Message, Segment, moment_in
from teleconsult.patients.merging import add_merge, merges_of
from teleconsult.patients.models import Patient
from teleconsult.patients.registering import Identity, register_patient, set_national_id
from teleconsult.patients.resolving import rewrite_identity

WITH_VISIT: Final = frozenset({"A01", "A03", "A04", "A08"})
CLASSES: Final = {
    "I": ("IMP", "inpatient encounter"),
    "E": ("EMER", "emergency"),
    "O": ("AMB", "ambulatory"),
    "P": ("PRENC", "pre-admission"),
    "R": ("AMB", "ambulatory"),
    "B": ("AMB", "ambulatory"),
}
"""HL7 table 0004 → v3 ActEncounterCode, of which R4 Encounter.class is one."""


async def take_admission(session: AsyncSession, actor: Actor, message: Message, *, zone: ZoneInfo, source: str) -> None:
    """Do what the event says. An unknown patient is registered, whatever the event; raises Fault.

    A patient is known by the establishment's own number alone. One with the same name and birth date under another
    number stays another patient until a person decides.
    """
    pid = message.first("PID")
    identity = identity_in(pid)
    event = message.kind[1]
    if event == "A40":
        await _join(session, actor, message.first("MRG"), identity)
        return
    patient = await find_patient(session, actor, identity.local_number)
    if patient is None:
        patient = await register_patient(session, actor, identity=identity, is_someone_else=True)
    else:
        await _correct(session, actor, patient, identity)
    if event in WITH_VISIT and (visit := next(message.all("PV1"), None)):
        await _visit(Filing(session, actor, patient.id, message.facility, source), message, visit, zone=zone)


async def _correct(session: AsyncSession, actor: Actor, patient: Patient, identity: Identity) -> None:
    """What the sender says is so from now on; what it leaves out stays."""
    born = identity.birth_date or patient.birth_date
    told = replace(
        identity,
        birth_date=born,
        birth_year=None if born else identity.birth_year or patient.birth_year,
        used_name=patient.used_name,
        birth_place=identity.birth_place or patient.birth_place,
        phone=identity.phone or patient.phone,
        address=identity.address or patient.address,
    )
    names = ("family", "given", "gender", "birth_date", "birth_year", "birth_place", "phone", "address")
    if patient.is_temporary or any(getattr(patient, name) != getattr(told, name) for name in names):
        await rewrite_identity(session, actor, patient, identity=told)
    else:
        await set_national_id(session, patient, identity.national_id)


async def _join(session: AsyncSession, actor: Actor, mrg: Segment, identity: Identity) -> None:
    """A40: the number of MRG-1 and that of PID-3 are the same patient. Joined, never moved: it can be undone."""
    former_number = local_number(mrg, 1)
    kept = await find_patient(session, actor, identity.local_number)
    former = await find_patient(session, actor, former_number)
    if kept is None or former is None:
        where = "PID-3" if kept is None else "MRG-1"
        raise Fault(UNKNOWN_KEY, "No patient of the establishment has this number.", where=where)
    await _correct(session, actor, kept, identity)
    if (await merges_of(session, [former.id])).get(former.id) != kept.id:
        await add_merge(session, actor, merged_id=former.id, kept_id=kept.id, reason="A40")


async def _visit(filing: Filing, message: Message, visit: Segment, *, zone: ZoneInfo) -> None:
    """PV1 as an Encounter of the file, known again by PV1-19. A visit that is over stays over."""
    number = visit.text(19)
    if not number:
        return
    entry = (await filing.known(number)).get(number)
    written = moment_in(message.header, 7, zone) or now()
    was_over = entry is not None and entry.resource.get("status") == "finished"
    is_over = message.kind[1] == "A03" or was_over
    begun = moment_in(visit, 44, zone) or (entry.effective_at if entry else written)
    ended = moment_in(visit, 45, zone) or (entry.ended_at if entry else None) or (written if is_over else None)
    resource = _encounter(visit, begun, ended, is_over=is_over)
    title = str(resource["class"]["display"]).capitalize()
    await filing.put(resource, number=number, before=entry, title=title, effective_at=begun)


def _encounter(visit: Segment, begun: datetime, ended: datetime | None, *, is_over: bool) -> dict[str, Any]:
    """An R4 Encounter without id and subject."""
    code, display = CLASSES.get(visit.text(2), ("AMB", "ambulatory"))
    period = {"start": begun.isoformat()} | ({"end": ended.isoformat()} if ended else {})
    resource: dict[str, Any] = {
        "resourceType": "Encounter",
        "status": "finished" if is_over else "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code, "display": display},
        "period": period,
    }
    place = " ".join(part for step in (1, 2, 3) if (part := visit.text(3, step)))
    if place:
        resource["location"] = [{"location": {"display": place}}]
    return resource
