"""Withdrawing a signed note: all who had it learn that and why; what was signed stays for its author and auditors."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.stepping_up import Proof
from teleconsult.audit.models import AuditEvent
from teleconsult.consults.models import RequestStatus, TaskStatus
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.db import transaction
from teleconsult.delivery.filing import file_owed
from teleconsult.errors import Invalid, NotFound, Refused
from teleconsult.notes.content import Relation
from teleconsult.notes.following import begin_addendum
from teleconsult.notes.models import Composition, CompositionStatus, RetractionReason
from teleconsult.notes.queries import read_bundle, read_note, read_pdf, read_signed_notes, read_withdrawn_pdf
from teleconsult.notes.retracting import retract_note
from teleconsult.notes.signing import Signing
from teleconsult.notes.standing import standing_of_code
from teleconsult.notes.versions import versions_of
from teleconsult.records.models import EntryStatus, ResourceType
from tests import note_steps
from tests.people import PASSWORD, Cast
from tests.teleconsult.notes.test_following import delivered, entries, followed

WHY = "It is about the person in the next bed."


async def withdraw(
    signing: Signing, actor: Actor, note: Composition, *, password: str = PASSWORD, explanation: str = WHY
) -> Composition:
    return await retract_note(
        signing.sessions,
        signing.settings,
        actor,
        note_id=note.id,
        reason=RetractionReason.WRONG_PATIENT,
        explanation=explanation,
        proof=Proof(password=password),
        address="192.0.2.1",
    )


async def test_it_is_withdrawn_everywhere_with_all_that_was_added(cast: Cast, signing: Signing) -> None:
    signed = await delivered(cast, signing)
    added = await followed(cast, signing, signed.note, begin_addendum, "More.")
    async with transaction(signing.sessions, cast.specialist) as session:
        draft = await begin_addendum(session, cast.specialist, note_id=signed.note.id)
    before = signed.note.content
    await withdraw(signing, cast.specialist, signed.note)
    for note in (signed.note, added):
        await file_owed(signing.sessions, note_id=note.id)
        for kind in (ResourceType.DOCUMENT_REFERENCE, ResourceType.COMPOSITION):
            entry = (await entries(signing, note))[kind]
            assert (entry.status, entry.resource["status"]) == (EntryStatus.ENTERED_IN_ERROR, "entered-in-error")
    async with transaction(signing.sessions, cast.rural) as session:
        consult = await consult_for(session, cast.rural, signed.consult.id)
        assert state_of(consult) is ConsultState.RETRACTED
        assert consult.status is RequestStatus.COMPLETED
        assert consult.task
        assert consult.task.status is TaskStatus.COMPLETED
        listed = await versions_of(session, cast.rural, signed.note)
        assert {(one.retraction.reason, one.retraction.explanation) for one in listed if one.retraction} == {
            (RetractionReason.WRONG_PATIENT, WHY)
        }
        assert len(listed) == 2
        standing = await standing_of_code(session, signed.note.verify_code or "")
        assert standing
        assert standing.withdrawn_at
    async with transaction(signing.sessions, SYSTEM) as session:
        kept = await session.get_one(Composition, signed.note.id)
        assert (kept.status, kept.content) == (CompositionStatus.FINAL, before), "what was signed stands as it was"
        begun = await session.get_one(Composition, draft.id)
        assert (begun.relation, begun.related_id) == (Relation.NONE, None), "and what was begun follows it no more"
        events = list(await session.scalars(select(AuditEvent).where(AuditEvent.action == "note-retracted")))
        assert {event.entity_id for event in events} == {signed.note.id, added.id}
        assert WHY not in str([event.detail for event in events])


async def test_who_still_reads_it(cast: Cast, signing: Signing) -> None:
    signed = await delivered(cast, signing)
    async with transaction(signing.sessions, cast.privacy) as session:
        with pytest.raises(NotFound):
            await read_withdrawn_pdf(session, cast.privacy, signed.note.id)
    await withdraw(signing, cast.specialist, signed.note)
    async with transaction(signing.sessions, cast.specialist) as session:
        assert await read_pdf(session, cast.specialist, signed.note.id)
        assert await read_bundle(session, cast.specialist, signed.note.id)
        assert await read_signed_notes(session, cast.specialist, consult_id=signed.consult.id)
    async with transaction(signing.sessions, cast.rural) as session:
        assert await read_note(session, cast.rural, signed.note.id), "that there was one they know"
        for read in (read_pdf, read_bundle):
            with pytest.raises(Refused, match="withdrawn"):
                await read(session, cast.rural, signed.note.id)
        assert not await read_signed_notes(session, cast.rural, consult_id=signed.consult.id)
    async with transaction(signing.sessions, cast.privacy) as session:
        key = await read_withdrawn_pdf(session, cast.privacy, signed.note.id)
    assert key == signed.note.pdf_object_key
    for actor in (cast.stranger, cast.coordinator, cast.rural):
        async with transaction(signing.sessions, actor) as session:
            with pytest.raises(NotFound):
                await read_withdrawn_pdf(session, actor, signed.note.id)
    async with signing.sessions() as session:
        read_by = await session.scalars(select(AuditEvent.actor_name).where(AuditEvent.action == "withdrawn-note-read"))
        assert list(read_by) == [cast.privacy.name]


async def test_who_may_not_and_when_not(cast: Cast, signing: Signing) -> None:
    draft = await note_steps.drafted(cast, signing.sessions)
    with pytest.raises(Refused):
        await withdraw(signing, cast.specialist, draft.note)
    note = await note_steps.sign(signing, cast.specialist, draft.note)
    for actor in (cast.rural, cast.stranger, cast.coordinator):
        with pytest.raises(NotFound):
            await withdraw(signing, actor, note)
    for explanation in ("", "  ", "x" * 501):
        with pytest.raises(Invalid) as refused:
            await withdraw(signing, cast.specialist, note, explanation=explanation)
        assert "explanation" in refused.value.fields
    with pytest.raises(Invalid) as refused:
        await withdraw(signing, cast.specialist, note, password="not it")
    assert "password" in refused.value.fields
    async with transaction(signing.sessions, cast.specialist) as session:
        assert not any(one.retraction for one in await versions_of(session, cast.specialist, note))
    await withdraw(signing, cast.specialist, note)
    with pytest.raises(Refused):
        await withdraw(signing, cast.specialist, note)
    async with transaction(signing.sessions, cast.specialist) as session:
        with pytest.raises(Refused):
            await begin_addendum(session, cast.specialist, note_id=note.id)


async def test_before_it_was_delivered_it_never_counts_in_the_file(cast: Cast, signing: Signing) -> None:
    signed = await note_steps.signed(cast, signing)
    await withdraw(signing, cast.specialist, signed.note)
    await file_owed(signing.sessions, note_id=signed.note.id)
    found = await entries(signing, signed.note)
    assert all(entry.status is EntryStatus.ENTERED_IN_ERROR for entry in found.values())
    async with transaction(signing.sessions, cast.rural) as session:
        assert state_of(await consult_for(session, cast.rural, signed.consult.id)) is ConsultState.RETRACTED


@pytest.mark.parametrize("change", ["update note_retraction set explanation = 'x'", "delete from note_retraction"])
async def test_what_is_withdrawn_stays_so(cast: Cast, signing: Signing, change: str) -> None:
    signed = await note_steps.signed(cast, signing)
    await withdraw(signing, cast.specialist, signed.note)
    with pytest.raises(DBAPIError):
        async with transaction(signing.sessions, SYSTEM) as session:
            await session.execute(text(change))
