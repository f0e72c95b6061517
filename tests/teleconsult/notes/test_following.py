"""What follows a signed note: an addendum, a new version; each goes again to all who had the earlier one."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.db import transaction
from teleconsult.delivery.actions import acknowledge_note
from teleconsult.delivery.filing import file_owed
from teleconsult.delivery.models import Delivery
from teleconsult.errors import Conflict, Forbidden, NotFound, Refused
from teleconsult.notes.content import NoteContent, Relation, oid_of
from teleconsult.notes.drafting import save_draft
from teleconsult.notes.following import begin_addendum, begin_amendment
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.notes.signing import Signing
from teleconsult.notes.versions import versions_of
from teleconsult.records.models import EntryStatus, RecordEntry, ResourceType
from tests import note_steps
from tests.note_steps import Drafted
from tests.people import Cast
from tests.waiting import eventually, is_one_held_up

Begin = Callable[..., Awaitable[Composition]]


async def delivered(cast: Cast, signing: Signing) -> Drafted:
    """Signed, and in the file of who asked."""
    signed = await note_steps.signed(cast, signing)
    await file_owed(signing.sessions, note_id=signed.note.id)
    return signed


async def followed(cast: Cast, signing: Signing, note: Composition, begin: Begin, words: str) -> Composition:
    """A signed note that follows this one, and is where it goes to."""
    async with transaction(signing.sessions, cast.specialist) as session:
        draft = await begin(session, cast.specialist, note_id=note.id)
        draft = await save_draft(
            session, cast.specialist, note_id=draft.id, version=draft.version, sections={"opinion": words}
        )
    signed = await note_steps.sign(signing, cast.specialist, draft)
    await file_owed(signing.sessions, note_id=signed.id)
    return signed


async def state(cast: Cast, session: AsyncSession, consult_id: uuid.UUID) -> ConsultState:
    return state_of(await consult_for(session, cast.rural, consult_id))


async def entries(signing: Signing, note: Composition) -> dict[ResourceType, RecordEntry]:
    async with transaction(signing.sessions, SYSTEM) as session:
        found = await session.scalars(select(RecordEntry).where(RecordEntry.source_id == note.id))
        return {entry.resource_type: entry for entry in found}


async def test_an_addendum_is_a_document_of_its_own(cast: Cast, signing: Signing) -> None:
    signed = await delivered(cast, signing)
    async with transaction(signing.sessions, cast.rural) as session:
        await acknowledge_note(session, cast.rural, consult_id=signed.consult.id)
    added = await followed(cast, signing, signed.note, begin_addendum, "The laboratory confirms it.")
    assert added.content
    content = NoteContent.from_bytes(added.content)
    assert (content.relation, content.related_oid, content.version_number) == (
        Relation.APPENDS,
        signed.note.document_oid,
        1,
    )
    assert content.set_id == str(added.id) != str(signed.note.set_id)
    assert content.document_oid == oid_of(added.id)
    assert content.related_at == signed.note.signed_at
    document = (await entries(signing, added))[ResourceType.DOCUMENT_REFERENCE]
    assert document.resource["relatesTo"][0]["code"] == "appends"
    first = await entries(signing, signed.note)
    pointer, said = first[ResourceType.DOCUMENT_REFERENCE], first[ResourceType.COMPOSITION]
    assert (pointer.status, pointer.resource["status"]) == (EntryStatus.CURRENT, "current")
    assert (pointer.resource["docStatus"], said.resource["status"]) == ("amended", "amended")
    reference = {"reference": f"DocumentReference/{pointer.id}"}
    assert document.resource["relatesTo"][0]["target"].items() >= reference.items()
    async with transaction(signing.sessions, cast.rural) as session:
        assert await state(cast, session, signed.consult.id) is ConsultState.ACKNOWLEDGED, "completed stays completed"
        consult = await consult_for(session, cast.rural, signed.consult.id)
        assert {mark.status for mark in consult.notes} == {CompositionStatus.AMENDED, CompositionStatus.FINAL}
        assert consult.task
        assert consult.task.output_composition_id == signed.note.id
        listed = await versions_of(session, cast.rural, signed.note)
        assert [(one.id, one.stands) for one in listed] == [(signed.note.id, True), (added.id, True)]


async def test_an_amendment_is_the_next_version_and_replaces(cast: Cast, signing: Signing) -> None:
    signed = await delivered(cast, signing)
    async with transaction(signing.sessions, cast.specialist) as session:
        draft = await begin_amendment(session, cast.specialist, note_id=signed.note.id)
        assert draft.sections["opinion"] == note_steps.OPINION, "it begins with the same words"
    newer = await followed(cast, signing, signed.note, begin_amendment, "No headache: migraine.")
    assert newer.content
    content = NoteContent.from_bytes(newer.content)
    assert (newer.set_id, newer.version_number, content.relation) == (signed.note.set_id, 2, Relation.REPLACES)
    first, second = await entries(signing, signed.note), await entries(signing, newer)
    assert first[ResourceType.DOCUMENT_REFERENCE].resource["status"] == "superseded"
    assert first[ResourceType.COMPOSITION].resource["status"] == "amended"
    assert second[ResourceType.COMPOSITION].resource["status"] == "final"
    (told,) = second[ResourceType.COMPOSITION].resource["relatesTo"]
    reference = {"reference": f"Composition/{first[ResourceType.COMPOSITION].id}"}
    assert told == {"code": "replaces", "targetReference": reference}
    related = second[ResourceType.DOCUMENT_REFERENCE].resource["relatesTo"][0]
    assert related["code"] == "replaces"
    assert related["target"]["identifier"]["value"] == f"urn:oid:{signed.note.document_oid}"
    async with transaction(signing.sessions, cast.rural) as session:
        consult = await consult_for(session, cast.rural, signed.consult.id)
        assert consult.task
        assert consult.task.output_composition_id == newer.id
        assert state_of(consult) is ConsultState.DELIVERED
        listed = await versions_of(session, cast.rural, newer)
        assert [(one.id, one.stands) for one in listed] == [(newer.id, True), (signed.note.id, False)]
    async with signing.sessions() as session:
        deliveries = {one.composition_id: one for one in await session.scalars(select(Delivery))}
    assert deliveries[newer.id].replaces_id == deliveries[signed.note.id].id
    assert deliveries[newer.id].destination == deliveries[signed.note.id].destination


@pytest.mark.parametrize("begin", [begin_addendum, begin_amendment])
async def test_who_may_not_and_when_not(cast: Cast, signing: Signing, begin: Begin) -> None:
    draft = await note_steps.drafted(cast, signing.sessions)

    async def tried(actor: Actor) -> None:
        async with transaction(signing.sessions, actor) as session:
            await begin(session, actor, note_id=draft.note.id)

    with pytest.raises(Refused):
        await tried(cast.specialist)
    note = await note_steps.sign(signing, cast.specialist, draft.note)
    for actor in (cast.rural, cast.colleague, cast.coordinator, cast.stranger):
        with pytest.raises((NotFound, Forbidden)):
            await tried(actor)
    await followed(cast, signing, note, begin_amendment, "Other words.")
    with pytest.raises(Refused, match="A later version"):
        await tried(cast.specialist)


async def test_twice_is_one_draft_and_another_kind_waits(cast: Cast, signing: Signing) -> None:
    signed = await delivered(cast, signing)
    async with transaction(signing.sessions, cast.specialist) as session:
        first = await begin_addendum(session, cast.specialist, note_id=signed.note.id)
        again = await begin_addendum(session, cast.specialist, note_id=signed.note.id)
        assert first.id == again.id
        other = await begin_amendment(session, cast.specialist, note_id=signed.note.id)
        assert (other.id, other.relation, other.version_number) == (first.id, Relation.REPLACES, 2)
        await save_draft(
            session, cast.specialist, note_id=other.id, version=other.version, sections={"opinion": "Other words."}
        )
    async with transaction(signing.sessions, cast.specialist) as session:
        with pytest.raises(Refused, match="begun something else"):
            await begin_addendum(session, cast.specialist, note_id=signed.note.id)
    async with signing.sessions() as session:
        acts = list(await session.scalars(select(AuditEvent.action).where(AuditEvent.entity_id == first.id)))
    assert sorted(acts) == ["addendum-begun", "amendment-begun"]


async def test_an_untouched_correction_gives_way_and_another_tab_notices(cast: Cast, signing: Signing) -> None:
    """Pressed by mistake, it need not be emptied by hand; the tab that shows it does not write into the addendum."""
    signed = await delivered(cast, signing)
    async with transaction(signing.sessions, cast.specialist) as session:
        correction = await begin_amendment(session, cast.specialist, note_id=signed.note.id)
        seen = correction.version
        addendum = await begin_addendum(session, cast.specialist, note_id=signed.note.id)
        assert (addendum.id, addendum.relation, addendum.sections["opinion"]) == (correction.id, Relation.APPENDS, "")
        correction = await begin_amendment(session, cast.specialist, note_id=signed.note.id)
        emptied = dict.fromkeys(correction.sections, "")
        await save_draft(session, cast.specialist, note_id=correction.id, version=correction.version, sections=emptied)
        await begin_addendum(session, cast.specialist, note_id=signed.note.id)
    async with transaction(signing.sessions, cast.specialist) as session:
        with pytest.raises(Conflict):
            await save_draft(
                session,
                cast.specialist,
                note_id=correction.id,
                version=seen,
                sections={"opinion": "The whole note, corrected."},
            )


async def test_signing_and_beginning_again_at_once_end_in_words(cast: Cast, signing: Signing) -> None:
    """Both lock the consult before the draft: neither waits for what the other holds."""
    signed = await delivered(cast, signing)
    async with transaction(signing.sessions, cast.specialist) as session:
        draft = await begin_addendum(session, cast.specialist, note_id=signed.note.id)
        draft = await save_draft(
            session, cast.specialist, note_id=draft.id, version=draft.version, sections={"opinion": "More."}
        )
    printing, printed = asyncio.Event(), asyncio.Event()

    class Held:
        async def note(self, content: NoteContent, *, is_signed: bool) -> bytes:
            printing.set()
            await printed.wait()
            return await signing.press.note(content, is_signed=is_signed)

    held = replace(signing, press=Held())  # type: ignore[arg-type]  # all that signing asks of it
    signature = asyncio.create_task(note_steps.sign(held, cast.specialist, draft))
    await printing.wait()
    async with transaction(signing.sessions, cast.specialist) as session:
        await consult_for(session, cast.specialist, signed.consult.id, lock=True)
        printed.set()
        assert await eventually(lambda: is_one_held_up(signing.sessions))
        again = await begin_addendum(session, cast.specialist, note_id=signed.note.id)
        assert again.id == draft.id
    assert (await signature).status is CompositionStatus.FINAL


async def test_a_version_that_was_overtaken_cannot_be_signed(cast: Cast, signing: Signing) -> None:
    """Begun before the note was replaced: the words stay, the signature is refused."""
    signed = await delivered(cast, signing)
    newer = await followed(cast, signing, signed.note, begin_amendment, "Second.")
    async with transaction(signing.sessions, SYSTEM) as session:
        session.add(
            Composition(
                id=(late := uuid.uuid4()),
                service_request_id=newer.service_request_id,
                patient_id=newer.patient_id,
                author_role_id=newer.author_role_id,
                language="fr",
                sections={"opinion": "Late"},
                version=1,
                relation=Relation.APPENDS,
                related_id=signed.note.id,
                created_at=newer.created_at,
                updated_at=newer.updated_at,
            )
        )
    async with transaction(signing.sessions, SYSTEM) as session:
        note = await session.get_one(Composition, late)
    with pytest.raises(Refused, match="A later version"):
        await note_steps.sign(signing, cast.specialist, note)


@pytest.mark.parametrize(
    "change",
    [
        "update composition set set_id = gen_random_uuid() where status = 'final'",
        "update composition set bundle_jws = 'x' where status = 'final'",
        "update composition set related_id = null, relation = '' where relation <> '' and status = 'final'",
        "update composition set version_number = 5 where status = 'preliminary'",
        "update composition set set_id = related_id where status = 'preliminary'",
        "update composition set relation = 'replaces' where status = 'preliminary'",
    ],
)
async def test_the_database_refuses_by_itself(cast: Cast, signing: Signing, change: str) -> None:
    signed = await delivered(cast, signing)
    await followed(cast, signing, signed.note, begin_addendum, "More.")
    async with transaction(signing.sessions, cast.specialist) as session:
        await begin_addendum(session, cast.specialist, note_id=signed.note.id)
    with pytest.raises(DBAPIError) as refused:
        async with transaction(signing.sessions, SYSTEM) as session:
            await session.execute(text(change))
    assert isinstance(refused.value.orig, psycopg.errors.RestrictViolation)
