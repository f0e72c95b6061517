"""One of everything that has an id, and who may know of it: what the authorization matrix walks.

Everybody who is not named among a thing's `insiders` is outside: for them it must look like nothing at all.
"""

import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.models import Account
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consents.recording import consent_of
from teleconsult.consults.answering import accept_consult
from teleconsult.consults.drafting import start_draft
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.models import Channel
from teleconsult.directory.models import DutyShift
from teleconsult.documents.press import Press
from teleconsult.emergencies.models import Emergency, EmergencyPage, Transfer, Transport
from teleconsult.encounters.models import (
    ChatMessage,
    Encounter,
    EncounterParticipant,
    FileKind,
    GuestKind,
    GuestPass,
    SentFile,
)
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.imaging.pacs.models import Pacs, PacsFetch, PacsKind
from teleconsult.notes.drafting import open_note
from teleconsult.notes.models import SigningKey
from teleconsult.notes.signing import Signing
from teleconsult.objects import Objects, new_keys, open_store
from teleconsult.patients.models import Patient
from teleconsult.records.actions import file_entry
from teleconsult.records.documents import TEXT, Document, keep
from teleconsult.records.statements import Problem
from teleconsult.scheduling.hours_models import AppointmentParticipant
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings
from tests import agenda_steps, consult_steps, delivery_steps, meeting_steps, note_steps
from tests.house.administered import administered
from tests.people import Cast, another_neurologist
from tests.recording_steps import objects_in, recorded
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import door

PEOPLE: Final = (
    *("rural", "colleague", "nurse", "secretary", "privacy", "coordinator", "specialist", "second", "oncall"),
    *("admin", "privacy_tertiary", "operator", "stranger", "nurse_elsewhere"),
)


@dataclass(frozen=True)
class Thing:
    """What fills the places of an address (or of a form), and who may know of it."""

    kind: str
    parts: dict[str, str]
    insiders: frozenset[str]


World = dict[str, Thing]


async def make_world(cast: Cast, sessions: Sessions, settings: Settings) -> World:
    """A consult in each state that matters, with its papers, and one of all the rest; some of it the stranger's."""
    world: World = {}

    def add(name: str, kind: str, id: object, *insiders: str, **parts: object) -> None:
        filled = {key: str(value) for key, value in {"id": id, **parts}.items()}
        world[name] = Thing(kind, filled, frozenset(insiders))

    async with transaction(sessions) as session:
        second = await another_neurologist(session, cast)
        cast.emails["second"] = await _email_of(session, second.account_id)
        strangers_draft = await start_draft(session, cast.stranger, patient_id=cast.strangers_patient.id)
    await note_steps.enrol(sessions, settings, cast.specialist)
    press = Press()
    signing = Signing(sessions, settings, Objects(open_store(None, settings.data)), Sealer(settings.secret_key), press)
    signed = await note_steps.signed(cast, signing)
    withdrawn = await note_steps.withdrawn(cast, signing)
    press.close()
    booked = await consult_steps.booked(cast, sessions)
    submitted = await consult_steps.submitted(cast, sessions)
    in_a_week = meeting_steps.plan(cast, starts_at=now() + timedelta(days=7))
    meeting = await meeting_steps.planned(cast, sessions, in_a_week)
    case = await meeting_steps.taken_off(cast, sessions, meeting.id)
    draft = await consult_steps.drafted(cast, sessions)
    async with door(sessions, settings.data) as opened:
        await opened.bring(cast.rural, submitted.id, dicom_bytes(side=64))
        await opened.bring(cast.rural, draft.id, dicom_bytes(side=64))
        await opened.bring(cast.stranger, strangers_draft.id, dicom_bytes(side=64, PatientName="Lavoie^Luc"))
    async with transaction(sessions) as session:
        await accept_consult(session, cast.specialist, consult_id=submitted.id)
    async with transaction(sessions) as session:
        note = await open_note(session, cast.specialist, consult_id=submitted.id)

    film = await recorded(cast, sessions, settings, booked.id)

    both_sides = ("rural", "specialist", "coordinator")
    add("accepted consult", "consult", submitted.id, *both_sides)
    add("signed consult", "consult", signed.consult.id, *both_sides)
    add("booked consult", "consult", booked.id, *both_sides)
    add("draft consult", "consult", draft.id, "rural")
    add("stranger's consult", "consult", strangers_draft.id, "stranger")
    # Privacy officers see what was read of it, by their own people or at their own establishment; never the file.
    officers = ("privacy", "privacy_tertiary")
    add("patient", "patient", cast.patient.id, "rural", "colleague", "nurse", "secretary", *officers)
    add("patient elsewhere", "patient", cast.patient_elsewhere.id)
    # A program reads the same person wherever the file it may read names them.
    add("fhir patient", "fhir patient", cast.patient.id, "rural", "colleague", "nurse", "secretary")
    add("fhir patient elsewhere", "fhir patient", cast.patient_elsewhere.id, "rural")
    add("fhir stranger's patient", "fhir patient", cast.strangers_patient.id, "stranger", "nurse_elsewhere")
    add("stranger's patient", "patient", cast.strangers_patient.id, "stranger", "nurse_elsewhere")
    add("draft note", "note", note.id, "specialist")
    add("signed note", "note", signed.note.id, "rural", "specialist")
    every = await delivery_steps.deliveries(sessions, Channel.PATIENT_FILE)
    owed = next(one for one in every if one.composition_id == signed.note.id)
    add("delivery", "delivery", owed.id, "coordinator", "admin")
    add("signed document", "fhir document", signed.note.id, "rural", "specialist")
    add("withdrawn note", "withdrawn note", withdrawn.note.id, *officers)
    async with transaction(sessions, cast.specialist) as session:
        template, phrase = await note_steps.phrasing(session, cast.specialist)
    add("specialist's template", "note template", template.id, "specialist")
    add("specialist's phrase", "note phrase", phrase.id, "specialist")
    for name, consult, insiders in (
        ("shared study", submitted, ("rural", "specialist")),
        ("unshared study", draft, ("rural",)),
        ("stranger's study", strangers_draft, ("stranger",)),
    ):
        study_id, uid, series, sop = await _study_of(sessions, consult.id)
        add(name, "study", study_id, *insiders, uid=uid, series=series, sop=sop)

    async with transaction(sessions) as session:
        guest = await _guest(session, cast, booked.id)
        add("rural's fetch", "pacs fetch", await _fetch(session, cast.rural, draft.id), "rural")
        add("stranger's fetch", "pacs fetch", await _fetch(session, cast.stranger, strangers_draft.id), "stranger")
        # Who finds the patient is told to say first that they treat them.
        ours = await _entry(session, cast.rural, cast.patient)
        add("rural's entry", "entry", cast.patient.id, "rural", "colleague", "nurse", entry=ours)
        theirs = await _entry(session, cast.stranger, cast.strangers_patient)
        add("rural's resource", "resource", ours, "rural")
        add("stranger's resource", "resource", theirs, "stranger")
        for who, whom in (("rural", cast.patient), ("stranger", cast.strangers_patient)):
            add(f"{who}'s binary", "binary", await _document(session, settings, getattr(cast, who), whom), who)
        add("stranger's entry", "entry", cast.strangers_patient.id, "stranger", "nurse_elsewhere", entry=theirs)
        add("guest", "guest", booked.id, "rural", "specialist", guest=guest.id)
        assert booked.appointment is not None
        invited = {"appointment_id": booked.appointment.id, "practitioner_role_id": cast.oncall.role_id}
        session.add(AppointmentParticipant(**invited, invited_sequence=0))
        add("invited session", "invited session", booked.appointment.id, "oncall")
        sent = await _chat_file(session, settings, booked.id)
        add("chat file", "chat file", booked.id, "rural", "specialist", file=sent)
        emergency, page, transfer = await _emergency(session, cast, booked.id)
        add("emergency", "emergency", emergency, *both_sides)
        add("emergency page", "emergency page", page, "specialist")
        add("transfer", "transfer", transfer, *both_sides)
        add("recording", "recording", film.id, "rural", "specialist")
        add("recording file", "recording file", film.id, "rural", "specialist", file=film.file)
        for name, row, kind, insiders in administered(cast):
            session.add(row)
            await session.flush()
            add(name, kind, row.id, *insiders)
        shift = await session.scalar(
            select(DutyShift.id).where(DutyShift.practitioner_role_id == cast.specialist.role_id)
        )
        add("own shift", "own shift", shift, "specialist")
        audit.record(session, cast.rural, "file-opened", cast.patient, patient_id=cast.patient.id)
        audit.record(session, cast.stranger, "file-opened", cast.strangers_patient)
    add("meeting", "meeting", meeting.id, "coordinator", "specialist", "oncall")
    add("meeting case", "meeting case", meeting.id, "coordinator", "specialist", "oncall", case=case.id)
    rule = await agenda_steps.rule_of(sessions, cast)
    planners = ("coordinator", "admin")
    add("specialist's hours", "hours", cast.specialist.role_id, "specialist", *planners, entry=rule)
    add("room's hours", "hours", (await agenda_steps.room(sessions, cast)).id, *planners, entry=uuid.uuid4())
    add("neurology's hours", "hours", cast.neurology.id, *planners, entry=uuid.uuid4())
    add("specialist's person", "practitioner", cast.specialist.practitioner_id, "admin", *officers)
    add("rural person", "practitioner", cast.rural.practitioner_id, "privacy")
    async with transaction(sessions) as session:
        keys = select(SigningKey.id).where(SigningKey.practitioner_id == cast.specialist.practitioner_id)
        add("specialist's key", "signing key", await session.scalar(keys.limit(1)), "specialist", "admin")
    add("specialist's role", "role", cast.specialist.role_id, "admin", "specialist")
    add("rural role", "role", cast.rural.role_id, "rural")
    add("neurology", "service", cast.neurology.id, "admin", "coordinator")
    add("rural establishment", "organization", cast.organizations["rural"].id, "operator")
    async with transaction(sessions) as session:
        consent = await consent_of(session, booked.id)
        assert consent is not None
        add("patient's consent", "consent", consent.id, "rural")
        for who, insiders in (("rural", ("privacy",)), ("stranger", ())):
            role_id = getattr(cast, who).role_id
            of_person = (AuditEvent.practitioner_role_id == role_id) & (AuditEvent.action == "file-opened")
            event_id = await session.scalar(select(AuditEvent.id).where(of_person).limit(1))
            add(f"{who}'s act", "event", event_id, *insiders)
    return world


async def _emergency(session: AsyncSession, cast: Cast, consult_id: uuid.UUID) -> tuple[uuid.UUID, ...]:
    """One that the neurologist was paged for, and a journey."""
    moment, specialist, service = now(), cast.specialist.role_id, cast.neurology.id
    emergency = Emergency(id=uuid.uuid4(), service_request_id=consult_id, pressed_at=moment)
    page = EmergencyPage(
        id=uuid.uuid4(),
        emergency_id=emergency.id,
        practitioner_role_id=specialist,
        service_id=service,
        paged_at=moment,
    )
    transfer = Transfer(
        id=uuid.uuid4(),
        service_request_id=consult_id,
        destination_id=cast.organizations["tertiary"].id,
        transport=Transport.AMBULANCE,
        requested_at=moment,
        requested_by_id=cast.rural.role_id,
    )
    for row in (emergency, page, transfer):
        session.add(row)
        await session.flush()
    return emergency.id, page.id, transfer.id


async def _entry(session: AsyncSession, actor: Actor, patient: Patient) -> uuid.UUID:
    """A problem as the form writes it."""
    problem = Problem(name="Fibrillation auriculaire").resource(was={}, at=now())
    entry = await file_entry(
        session, actor, patient_id=patient.id, resource=problem, title="Fibrillation", effective_at=now()
    )
    return entry.id


async def _document(session: AsyncSession, settings: Settings, actor: Actor, patient: Patient) -> uuid.UUID:
    """A letter, with its bytes."""
    entry_id, letter = uuid.uuid4(), Document(TEXT, b"Vu ce jour.")
    resource = letter.resource(entry_id, title="Lettre", at=now())
    await file_entry(
        session,
        actor,
        patient_id=patient.id,
        resource=resource,
        title="Lettre",
        effective_at=now(),
        entry_id=entry_id,
    )
    await keep(Objects(open_store(None, settings.data)), entry_id, letter)
    return entry_id


async def _fetch(session: AsyncSession, actor: Actor, consult_id: uuid.UUID) -> uuid.UUID:
    """A study of an archive, on its way to a draft."""
    house, moment = actor.organization_id, now()
    pacs = Pacs(organization_id=house, name="PACS", kind=PacsKind.DICOMWEB, address="", created_at=moment)
    session.add(pacs)
    await session.flush()
    fetch = PacsFetch(
        organization_id=house,
        pacs_id=pacs.id,
        service_request_id=consult_id,
        requester_role_id=actor.role_id,
        study_instance_uid="1.2.3",
        created_at=moment,
        changed_at=moment,
    )
    session.add(fetch)
    await session.flush()
    return fetch.id


async def _guest(session: AsyncSession, cast: Cast, consult_id: uuid.UUID) -> GuestPass:
    encounter_id = await session.scalar(select(Encounter.id).where(Encounter.service_request_id == consult_id))
    kept = GuestPass(
        encounter_id=encounter_id,
        patient_id=cast.patient.id,
        kind=GuestKind.INTERPRETER,
        name="An interpreter",
        token_hash=secrets.token_bytes(32),
        created_by_id=cast.rural.role_id,
        created_at=now(),
        expires_at=now() + timedelta(hours=1),
    )
    session.add(kept)
    await session.flush()
    return kept


async def _chat_file(session: AsyncSession, settings: Settings, consult_id: uuid.UUID) -> str:
    found = select(EncounterParticipant).join(Encounter, Encounter.id == EncounterParticipant.encounter_id)
    seat = (await session.scalars(found.where(Encounter.service_request_id == consult_id).limit(1))).one()
    keys = new_keys("chat", 2)
    for key in keys:
        await objects_in(settings).put(key, b"a picture")
    file = SentFile(FileKind.PICTURE, keys[0], len(b"a picture"), keys[1])
    told = {"encounter_id": seat.encounter_id, "participant_id": seat.id, "text": "a.jpg", "sent_at": now()}
    line = ChatMessage(id=uuid.uuid4(), **told, **file.columns)
    session.add(line)
    await session.flush()
    return str(line.id)


async def _email_of(session: AsyncSession, account_id: uuid.UUID | None) -> str:
    return str((await session.get_one(Account, account_id)).email)


async def _study_of(sessions: Sessions, consult_id: uuid.UUID) -> tuple[uuid.UUID, str, str, str]:
    async with sessions() as session:
        found = await session.execute(
            select(
                *(ImagingStudy.id, ImagingStudy.study_instance_uid),
                *(ImagingSeries.series_instance_uid, ImagingInstance.sop_instance_uid),
            )
            .join(ImagingSeries, ImagingSeries.imaging_study_id == ImagingStudy.id)
            .join(ImagingInstance, ImagingInstance.imaging_series_id == ImagingSeries.id)
            .where(ImagingStudy.service_request_id == consult_id)
        )
        study_id, uid, series, sop = found.one()
        return study_id, uid, series, sop
