"""Reading a signed note: its author, who asked, who treats the patient; each reading of it is recorded."""

import pytest
from sqlalchemy import select

from teleconsult.accounts.actor import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import PractitionerRole, RoleCode
from teleconsult.errors import NotFound
from teleconsult.notes.queries import read_note, read_pdf
from teleconsult.notes.signing import Signing
from teleconsult.patients.models import CareRelation, Patient
from tests import note_steps
from tests.people import Cast


async def treats(sessions: Sessions, actor: Actor, patient: Patient) -> None:
    assert actor.role_id
    async with transaction(sessions) as session:
        session.add(
            CareRelation(patient_id=patient.id, practitioner_role_id=actor.role_id, reason="treats", started_at=now())
        )


async def test_each_reading_is_recorded(cast: Cast, signing: Signing) -> None:
    signed = await note_steps.signed(cast, signing)
    for actor in (cast.specialist, cast.rural):
        async with transaction(signing.sessions) as session:
            assert (await read_note(session, actor, signed.note.id)).id == signed.note.id
    async with transaction(signing.sessions) as session:
        revision = await read_pdf(session, cast.rural, signed.note.id)
        assert (await signing.objects.get(revision.object_key)).startswith(b"%PDF-")
    async with signing.sessions() as session:
        events = await session.scalars(select(AuditEvent.actor_name).where(AuditEvent.action == "note-read"))
        assert sorted(events) == sorted([cast.specialist.name, cast.rural.name, cast.rural.name])


async def test_a_draft_has_no_pdf(cast: Cast, signing: Signing) -> None:
    draft = await note_steps.drafted(cast, signing.sessions)
    async with transaction(signing.sessions) as session:
        with pytest.raises(NotFound):
            await read_pdf(session, cast.specialist, draft.note.id)


async def test_a_colleague_reads_it_once_they_treat_the_patient(cast: Cast, signing: Signing) -> None:
    signed = await note_steps.signed(cast, signing)
    async with transaction(signing.sessions) as session:
        with pytest.raises(NotFound):
            await read_note(session, cast.colleague, signed.note.id)
    await treats(signing.sessions, cast.colleague, cast.patient)
    async with transaction(signing.sessions) as session:
        assert await read_note(session, cast.colleague, signed.note.id)


async def test_so_does_who_treats_the_same_person_elsewhere_in_the_network(cast: Cast, signing: Signing) -> None:
    signed = await note_steps.signed(cast, signing)
    provincial = cast.organizations["provincial"]
    async with transaction(signing.sessions) as session:
        role = PractitionerRole(
            practitioner_id=cast.oncall.practitioner_id, organization_id=provincial.id, code=RoleCode.DOCTOR
        )
        session.add(role)
        await session.flush()
    elsewhere = Actor(
        cast.oncall.account_id,
        cast.oncall.practitioner_id,
        role.id,
        provincial.id,
        role.code,
        cast.oncall.name,
        sharing_network=provincial.sharing_network,
    )
    await treats(signing.sessions, elsewhere, cast.patient_elsewhere)
    async with transaction(signing.sessions) as session:
        assert await read_note(session, elsewhere, signed.note.id)


async def test_nobody_else(cast: Cast, signing: Signing) -> None:
    signed = await note_steps.signed(cast, signing)
    for actor in (cast.stranger, cast.coordinator, cast.oncall, cast.admin):
        async with transaction(signing.sessions) as session:
            with pytest.raises(NotFound):
                await read_note(session, actor, signed.note.id)
