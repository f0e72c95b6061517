"""Signing a meeting's conclusion after its author: who was asked, once, with their own key, while it counts."""

import asyncio
import json
import uuid
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.stepping_up import Proof
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import transaction
from teleconsult.delivery.filing import file_owed
from teleconsult.directory.models import Practitioner
from teleconsult.embedded import DatabaseUrls
from teleconsult.errors import Invalid, NotFound, Refused
from teleconsult.messages.models import Notice
from teleconsult.notes.authority import trust_folder
from teleconsult.notes.bundling import SignedBundle
from teleconsult.notes.checking import check, check_both
from teleconsult.notes.co_signers import (
    ask_to_co_sign,
    awaited_of,
    candidates,
    co_signatures_of,
    further_signatures,
)
from teleconsult.notes.co_signing import co_sign_note, note_to_co_sign
from teleconsult.notes.co_signing_models import WAITS_FOR, NoteCoSignature
from teleconsult.notes.evidence import current_pdf
from teleconsult.notes.following import begin_amendment
from teleconsult.notes.jobs import tell_co_signers
from teleconsult.notes.models import Composition, SigningKey
from teleconsult.notes.queries import note_for, read_bundle, read_pdf
from teleconsult.notes.signing import Signing
from teleconsult.notes.unsigned import remind_co_signers
from teleconsult.notes.verdict import Outcome
from teleconsult.notes.verifying import trusted_roots
from teleconsult.records.models import RecordEntry
from tests import meeting_steps, note_steps
from tests.people import PASSWORD, Cast


@pytest.fixture
async def two(signing: Signing, cast: Cast) -> Signing:
    """Both members have a certificate."""
    await note_steps.enrol(signing.sessions, signing.settings, cast.oncall)
    return signing


async def co_sign(signing: Signing, actor: Actor, note: Composition, *, password: str = PASSWORD) -> NoteCoSignature:
    return await co_sign_note(signing, actor, note_id=note.id, proof=Proof(password=password), address="192.0.2.1")


async def awaited(signing: Signing, actor: Actor) -> int:
    async with transaction(signing.sessions, actor) as session:
        return len(await awaited_of(session, actor))


async def newest(signing: Signing, actor: Actor, note: Composition) -> bytes:
    async with transaction(signing.sessions, actor) as session:
        return await signing.objects.get((await read_pdf(session, actor, note.id)).object_key)


async def test_the_member_who_is_asked_signs_the_same_file(cast: Cast, two: Signing) -> None:
    note = await meeting_steps.concluded(cast, two)
    first = await newest(two, cast.specialist, note)
    await file_owed(two.sessions, note_id=note.id)
    async with transaction(two.sessions, cast.specialist) as session:
        assert [one.name for one in await candidates(session, note)] == ["Dr Paul Girard"]
    async with transaction(two.sessions, cast.oncall) as session:
        with pytest.raises(NotFound):  # who was there sees no more than who was not, until they are asked
            await note_for(session, cast.oncall, note.id)
    assert cast.oncall.role_id is not None
    async with transaction(two.sessions, cast.specialist) as session:
        await ask_to_co_sign(session, cast.specialist, note_id=note.id, role_ids=[cast.oncall.role_id])
        assert await candidates(session, note) == []
    assert await awaited(two, cast.oncall) == 1
    assert await newest(two, cast.oncall, note) == first, "what they sign is what was signed"

    signed = await co_sign(two, cast.oncall, note)
    assert signed.signed_at is not None
    assert await awaited(two, cast.oncall) == 0
    pdf, roots = await newest(two, cast.rural, note), trusted_roots(trust_folder(two.settings.data))
    assert pdf.startswith(first)
    async with transaction(two.sessions, cast.rural) as session:
        key, jws = await read_bundle(session, cast.rural, note.id)
        further = await further_signatures(session, note.id)
        entry = (
            await session.scalars(
                select(RecordEntry).where(
                    RecordEntry.source_id == note.id, RecordEntry.resource_type == "DocumentReference"
                )
            )
        ).one()
        assert entry.resource["content"][0]["attachment"]["size"] == len(pdf), "the file tells of what it hands out"
    exported = SignedBundle(await two.objects.get(key), jws, further).exported()
    assert len(json.loads(exported)["signatures"]) == 2
    verdict = await asyncio.to_thread(check_both, pdf, exported, roots)
    assert verdict.outcome is Outcome.GOOD
    names = ["Dr Nguyễn Thị Minh", "Dr Paul Girard"]
    assert [one.name for one in verdict.signers] == names
    assert [one.name for one in (await asyncio.to_thread(check, exported, roots)).signers] == names
    async with transaction(two.sessions) as session:
        actions = list(await session.scalars(select(AuditEvent.action)))
        assert {"co-signature-asked", "note-co-signed"} <= set(actions)

    with pytest.raises(Refused, match="already"):
        await co_sign(two, cast.oncall, note)
    assert await newest(two, cast.rural, note) == pdf
    async with transaction(two.sessions, SYSTEM) as session:
        with pytest.raises(DBAPIError):
            await session.execute(update(NoteCoSignature).values(jws="x"))


async def test_nobody_else_signs_and_nobody_else_is_asked(cast: Cast, two: Signing) -> None:
    note = await meeting_steps.asked_to_co_sign(cast, two)
    for other in (cast.specialist, cast.rural, cast.stranger, cast.coordinator):
        with pytest.raises(NotFound):
            await co_sign(two, other, note)
    assert cast.coordinator.role_id is not None
    assert cast.oncall.role_id is not None
    for role_ids in ([], [cast.coordinator.role_id], [cast.oncall.role_id], [uuid.uuid4()]):
        async with transaction(two.sessions, cast.specialist) as session:
            with pytest.raises(Invalid):
                await ask_to_co_sign(session, cast.specialist, note_id=note.id, role_ids=role_ids)
    for other in (cast.oncall, cast.rural):
        async with transaction(two.sessions, other) as session:
            with pytest.raises(NotFound):
                await ask_to_co_sign(session, other, note_id=note.id, role_ids=[cast.oncall.role_id])
    alone = await note_steps.signed(cast, two)
    async with transaction(two.sessions, cast.specialist) as session:
        assert await candidates(session, alone.note) == []
        with pytest.raises(Refused, match="team meeting"):
            await ask_to_co_sign(session, cast.specialist, note_id=alone.note.id, role_ids=[cast.oncall.role_id])


async def test_with_their_own_good_key_alone(cast: Cast, signing: Signing) -> None:
    note = await meeting_steps.asked_to_co_sign(cast, signing)
    with pytest.raises(Refused, match="no valid signing certificate"):
        await co_sign(signing, cast.oncall, note)
    await note_steps.enrol(signing.sessions, signing.settings, cast.oncall)
    with pytest.raises(Invalid):
        await co_sign(signing, cast.oncall, note, password="not mine")
    async with transaction(signing.sessions) as session:
        await session.execute(
            update(Practitioner).where(Practitioner.id == cast.oncall.practitioner_id).values(registration_number="9")
        )
    with pytest.raises(Refused, match="someone else"):
        await co_sign(signing, cast.oncall, note)
    own = SigningKey.practitioner_id == cast.oncall.practitioner_id
    async with transaction(signing.sessions) as session:
        await session.execute(update(SigningKey).where(own).values(not_after=now() - timedelta(days=1)))
    with pytest.raises(Refused, match="no valid signing certificate"):
        await co_sign(signing, cast.oncall, note)
    async with transaction(signing.sessions, cast.specialist) as session:
        assert [one.signed_at for one in await co_signatures_of(session, note)] == [None]


async def test_not_what_counts_no_more(cast: Cast, two: Signing, clean_database: DatabaseUrls) -> None:
    note = await meeting_steps.asked_to_co_sign(cast, two)
    async with transaction(two.sessions, cast.specialist) as session:
        draft = await begin_amendment(session, cast.specialist, note_id=note.id)
    assert await awaited(two, cast.oncall) == 1, "it is only being written"
    newer = await note_steps.sign(two, cast.specialist, draft)
    assert await awaited(two, cast.oncall) == 0
    with pytest.raises(Refused, match="later version"):
        await co_sign(two, cast.oncall, note)
    assert cast.oncall.role_id is not None
    async with transaction(two.sessions, cast.specialist) as session:
        await ask_to_co_sign(session, cast.specialist, note_id=newer.id, role_ids=[cast.oncall.role_id])
    with psycopg.connect(clean_database.owner) as connection:
        connection.execute("alter table note_co_signature disable trigger user")
        connection.execute("update note_co_signature set asked_at = %s", [now() - WAITS_FOR])
        connection.execute("alter table note_co_signature enable trigger user")
    assert await awaited(two, cast.oncall) == 0
    with pytest.raises(NotFound):
        await co_sign(two, cast.oncall, newer)


async def test_not_what_was_withdrawn(cast: Cast, two: Signing) -> None:
    note = await meeting_steps.asked_to_co_sign(cast, two)
    await note_steps.withdraw(two, cast.specialist, note)
    assert await awaited(two, cast.oncall) == 0
    with pytest.raises(Refused, match="withdrawn"):
        await co_sign(two, cast.oncall, note)
    async with transaction(two.sessions, cast.oncall) as session:
        with pytest.raises(Refused):
            await note_to_co_sign(session, cast.oncall, note_id=note.id)


async def test_pressed_twice_at_once_and_two_at_once(cast: Cast, two: Signing) -> None:
    note = await meeting_steps.asked_to_co_sign(cast, two)
    done = await asyncio.gather(*(co_sign(two, cast.oncall, note) for _ in range(3)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["NoteCoSignature", "Refused", "Refused"]
    async with transaction(two.sessions, cast.specialist) as session:
        await current_pdf(session, note)
    roots = trusted_roots(trust_folder(two.settings.data))
    assert len((await asyncio.to_thread(check, await newest(two, cast.rural, note), roots)).signers) == 2


async def test_who_has_not_signed_is_reminded_after_a_day_and_after_three(cast: Cast, two: Signing) -> None:
    note = await meeting_steps.asked_to_co_sign(cast, two)
    moment = now()
    assert await remind_co_signers(two.sessions, moment + timedelta(hours=23)) == 0
    assert await remind_co_signers(two.sessions, moment + timedelta(hours=25)) == 1
    assert await remind_co_signers(two.sessions, moment + timedelta(hours=26)) == 0, "once"
    assert await remind_co_signers(two.sessions, moment + timedelta(hours=73)) == 1
    assert await remind_co_signers(two.sessions, moment + timedelta(days=29)) == 0
    async with transaction(two.sessions) as session:
        told = list(await session.scalars(select(Notice).where(Notice.occasion == "CoSignatureAsked")))
        assert [one.practitioner_role_id for one in told] == [cast.oncall.role_id] * 2
        await session.execute(delete(Notice))
    await co_sign(two, cast.oncall, note)
    assert await remind_co_signers(two.sessions, moment + timedelta(hours=80)) == 0, "they signed"


async def test_nobody_is_reminded_of_what_counts_no_more(cast: Cast, two: Signing) -> None:
    note = await meeting_steps.asked_to_co_sign(cast, two)
    assert await remind_co_signers(two.sessions, now() + WAITS_FOR + timedelta(hours=1)) == 0, "it is too late to sign"
    await note_steps.withdraw(two, cast.specialist, note)
    assert await remind_co_signers(two.sessions, now() + timedelta(hours=30)) == 0


async def test_who_is_asked_is_told_once(cast: Cast, two: Signing) -> None:
    note = await meeting_steps.asked_to_co_sign(cast, two)
    context: Any = SimpleNamespace(additional_context={"sessions": two.sessions, "settings": two.settings})
    for _ in range(2):
        await tell_co_signers(context, note_id=str(note.id))
    async with transaction(two.sessions) as session:
        told = list(await session.scalars(select(Notice).where(Notice.occasion == "CoSignatureAsked")))
        assert [one.practitioner_role_id for one in told] == [cast.oncall.role_id]
