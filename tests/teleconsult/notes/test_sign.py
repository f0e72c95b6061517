"""Signing: one signature, the right person, the right words, the right moment, and nothing after it."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import select, text, update

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consults.models import TaskStatus
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.consults.triage import cancel_consult
from teleconsult.db import transaction
from teleconsult.delivery.models import Delivery, DeliveryStatus
from teleconsult.directory.models import Practitioner
from teleconsult.embedded import DatabaseUrls
from teleconsult.encounters.actions import arrive_encounter, start_encounter
from teleconsult.encounters.models import Encounter, EncounterStatus
from teleconsult.errors import Conflict, Invalid, NotFound, Refused
from teleconsult.notes.authority import trust_folder
from teleconsult.notes.content import NoteContent
from teleconsult.notes.drafting import open_note, save_draft
from teleconsult.notes.models import Composition, CompositionStatus, SigningKey
from teleconsult.notes.signing import Signing
from teleconsult.notes.verifying import trusted_roots, verify_pdf
from teleconsult.patients.models import Patient
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from tests import consult_steps, note_steps
from tests.people import Cast


async def test_the_signed_note_is_whole_and_good(cast: Cast, signing: Signing) -> None:
    signed = await note_steps.signed(cast, signing)
    note = signed.note
    assert note.status is CompositionStatus.FINAL
    assert note.signer_name == cast.specialist.name
    assert note.content
    assert note.pdf_object_key
    pdf = await signing.objects.get(note.pdf_object_key)
    assert hashlib.sha256(pdf).digest() == note.pdf_sha256
    assert hashlib.sha256(note.content).digest() == note.content_sha256
    content = NoteContent.from_bytes(note.content)
    assert content.patient.name == cast.patient.name
    assert content.sections["opinion"] == note_steps.OPINION
    assert content.question == consult_steps.QUESTION
    roots = trusted_roots(trust_folder(signing.settings.data))
    verdict = await asyncio.to_thread(verify_pdf, pdf, roots)
    assert verdict.is_good
    assert verdict.signer == cast.specialist.name


async def test_the_consult_waits_for_its_delivery(cast: Cast, signing: Signing) -> None:
    signed = await note_steps.signed(cast, signing)
    async with signing.sessions() as session:
        consult = await consult_for(session, cast.rural, signed.consult.id)
        assert state_of(consult) is ConsultState.SIGNED
        assert consult.task
        assert consult.task.status is TaskStatus.IN_PROGRESS
        delivery = await session.scalar(select(Delivery).where(Delivery.composition_id == signed.note.id))
        assert delivery
        assert delivery.status is DeliveryStatus.QUEUED
        owed = text("select count(*) from procrastinate_jobs where task_name = 'deliver_owed'")
        assert await session.scalar(owed) == 1
        event = await session.scalar(select(AuditEvent).where(AuditEvent.action == "note-signed"))
        assert event
        assert signed.note.pdf_sha256
        assert event.detail["pdf_sha256"] == signed.note.pdf_sha256.hex()


async def test_a_time_that_was_not_used_is_free_again(cast: Cast, signing: Signing) -> None:
    consult = await consult_steps.booked(cast, signing.sessions)
    async with transaction(signing.sessions) as session:
        note = await open_note(session, cast.specialist, consult_id=consult.id)
        note = await save_draft(
            session, cast.specialist, note_id=note.id, version=1, sections={"opinion": "In writing then."}
        )
    await note_steps.sign(signing, cast.specialist, note)
    async with signing.sessions() as session:
        appointment = await session.scalar(select(Appointment).where(Appointment.service_request_id == consult.id))
        encounter = await session.scalar(select(Encounter).where(Encounter.service_request_id == consult.id))
        assert appointment
        assert encounter
        assert appointment.status is AppointmentStatus.CANCELLED
        assert encounter.status is EncounterStatus.FINISHED


async def test_signing_during_the_session_ends_it_on_paper(cast: Cast, signing: Signing) -> None:
    consult = await consult_steps.booked(cast, signing.sessions)
    async with transaction(signing.sessions) as session:
        for actor in (cast.rural, cast.specialist):
            await arrive_encounter(session, actor, consult_id=consult.id)
        await start_encounter(session, cast.specialist, consult_id=consult.id)
        note = await open_note(session, cast.specialist, consult_id=consult.id)
        note = await save_draft(session, cast.specialist, note_id=note.id, version=1, sections={"opinion": "Seen."})
    note = await note_steps.sign(signing, cast.specialist, note)
    assert note.content
    assert NoteContent.from_bytes(note.content).session_started_at
    async with signing.sessions() as session:
        signed = await consult_for(session, cast.rural, consult.id)
        assert state_of(signed) is ConsultState.SIGNED
        assert signed.appointment
        assert signed.appointment.status is AppointmentStatus.FULFILLED
        assert signed.appointment.encounter
        assert signed.appointment.encounter.status is EncounterStatus.FINISHED
        assert note.encounter_id == signed.appointment.encounter.id


async def test_a_key_sealed_with_another_secret_signs_nothing(cast: Cast, signing: Signing) -> None:
    draft = await note_steps.drafted(cast, signing.sessions)
    other = signing.settings.model_copy(update={"secret_key": "another secret, just as long as the first"})
    elsewhere = replace(signing, settings=other)
    with pytest.raises(Refused, match="cannot be opened"):
        await note_steps.sign(elsewhere, cast.specialist, draft.note)


async def test_only_the_author_signs(cast: Cast, signing: Signing) -> None:
    draft = await note_steps.drafted(cast, signing.sessions)
    for actor in (cast.rural, cast.oncall, cast.coordinator, cast.stranger):
        with pytest.raises(NotFound):
            await note_steps.sign(signing, actor, draft.note)


async def test_the_password_is_asked_again(cast: Cast, signing: Signing) -> None:
    draft = await note_steps.drafted(cast, signing.sessions)
    with pytest.raises(Invalid) as caught:
        await note_steps.sign(signing, cast.specialist, draft.note, password="wrong")
    assert set(caught.value.fields) == {"password"}
    async with signing.sessions() as session:
        assert await session.scalar(select(AuditEvent.id).where(AuditEvent.action == "step-up-failed"))
        assert (await session.get_one(Composition, draft.note.id)).status is CompositionStatus.PRELIMINARY


async def test_an_empty_opinion_is_not_signed(cast: Cast, signing: Signing) -> None:
    draft = await note_steps.drafted(cast, signing.sessions, opinion=" \n ")
    with pytest.raises(Invalid) as caught:
        await note_steps.sign(signing, cast.specialist, draft.note)
    assert set(caught.value.fields) == {"opinion"}


async def test_words_changed_after_reading_are_not_signed(cast: Cast, signing: Signing) -> None:
    draft = await note_steps.drafted(cast, signing.sessions)
    async with transaction(signing.sessions) as session:
        await save_draft(session, cast.specialist, note_id=draft.note.id, version=2, sections={"plan": "Transfer"})
    with pytest.raises(Conflict):
        await note_steps.sign(signing, cast.specialist, draft.note)


async def test_twice_at_once_makes_one_signature(cast: Cast, signing: Signing) -> None:
    draft = await note_steps.drafted(cast, signing.sessions)
    answers = await asyncio.gather(
        *(note_steps.sign(signing, cast.specialist, draft.note) for _ in range(3)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, Refused | Conflict)]
    assert len(refused) == 2
    assert not [answer for answer in refused if "cannot be written" in answer.message]
    async with signing.sessions() as session:
        assert len(list(await session.scalars(select(Delivery)))) == 1
    stored = [path for path in (signing.settings.data / "objects" / "note").rglob("*") if path.is_file()]
    assert len(stored) == 2, "the PDF and its FHIR document"


async def test_a_cancelled_consult_is_not_answered(cast: Cast, signing: Signing) -> None:
    draft = await note_steps.drafted(cast, signing.sessions)
    async with transaction(signing.sessions) as session:
        await cancel_consult(session, cast.rural, consult_id=draft.consult.id, reason="Transferred")
    with pytest.raises((Refused, NotFound)):
        await note_steps.sign(signing, cast.specialist, draft.note)


async def test_without_a_good_certificate_nothing_is_signed(cast: Cast, signing: Signing) -> None:
    draft = await note_steps.drafted(cast, signing.sessions)
    async with transaction(signing.sessions) as session:
        await session.execute(update(Practitioner).values(registration_number=Practitioner.registration_number + "X"))
    with pytest.raises(Refused, match="made out to someone else"):
        await note_steps.sign(signing, cast.specialist, draft.note)
    async with transaction(signing.sessions) as session:
        await session.execute(update(SigningKey).values(not_after=now() - timedelta(days=1)))
    with pytest.raises(Refused, match="no valid signing certificate"):
        await note_steps.sign(signing, cast.specialist, draft.note)


async def test_a_signed_note_is_not_saved_again(cast: Cast, signing: Signing) -> None:
    signed = await note_steps.signed(cast, signing)
    async with transaction(signing.sessions) as session:
        with pytest.raises(Refused):
            await save_draft(
                session, cast.specialist, note_id=signed.note.id, version=2, sections={"opinion": "Better words"}
            )
    with pytest.raises(Refused):
        await note_steps.sign(signing, cast.specialist, signed.note)


@pytest.mark.parametrize(
    "statement",
    [
        "update composition set sections = '{}'",
        "update composition set status = 'preliminary'",
        "update composition set content = null",
        "delete from composition",
        "truncate composition cascade",
    ],
)
async def test_the_database_refuses_too(
    cast: Cast, signing: Signing, clean_database: DatabaseUrls, statement: str
) -> None:
    await note_steps.signed(cast, signing)
    for url in (clean_database.app, clean_database.owner):
        with psycopg.connect(url) as connection, pytest.raises(psycopg.Error) as caught:
            connection.execute("set teleconsult.acting = 'system'")  # who sees every row
            connection.execute(statement)
        assert caught.value.sqlstate in ("23001", "42501")  # our trigger's, or no right at all
    with psycopg.connect(clean_database.owner) as connection, pytest.raises(psycopg.errors.RestrictViolation):
        connection.execute(statement)


async def test_a_later_identity_does_not_reach_a_signed_note(cast: Cast, signing: Signing) -> None:
    signed = await note_steps.signed(cast, signing)
    async with transaction(signing.sessions) as session:
        await session.execute(update(Patient).values(family="Renamed"))
    async with signing.sessions() as session:
        note = await session.get_one(Composition, signed.note.id)
        assert note.content
        assert NoteContent.from_bytes(note.content).patient.name == cast.patient.name


async def test_a_failed_store_leaves_a_draft(cast: Cast, signing: Signing) -> None:
    draft = await note_steps.drafted(cast, signing.sessions)
    (signing.settings.data / "objects" / "note").write_text("a file where a folder should be")
    with pytest.raises(Exception):  # noqa: B017 -- the store's own way to fail
        await note_steps.sign(signing, cast.specialist, draft.note)
    async with signing.sessions() as session:
        assert (await session.get_one(Composition, draft.note.id)).status is CompositionStatus.PRELIMINARY
        assert list(await session.scalars(select(Delivery))) == []
