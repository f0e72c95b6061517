"""Delivering: the note stands in the patient's file, with a receipt, once."""

import asyncio
import uuid

import pytest
from sqlalchemy import select

from teleconsult import jobs
from teleconsult.accounts.actor import SYSTEM
from teleconsult.audit.models import AuditEvent
from teleconsult.consults.queries import consult_for, lock_consult
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.actions import deliver_note
from teleconsult.delivery.models import Delivery, DeliveryStatus
from teleconsult.errors import NotFound
from teleconsult.notes.queries import draft_for
from teleconsult.notes.signing import Signing
from teleconsult.records.documents import hash_of
from teleconsult.records.models import Origin, RecordEntry, ResourceType
from tests import note_steps
from tests.file_steps import timeline
from tests.people import Cast
from tests.waiting import eventually, is_one_held_up


async def delivery_of(sessions: Sessions, note_id: uuid.UUID) -> Delivery:
    async with sessions() as session:
        delivery = await session.scalar(select(Delivery).where(Delivery.composition_id == note_id))
    assert delivery
    return delivery


async def test_the_note_stands_in_the_file_of_who_asked(cast: Cast, signing: Signing) -> None:
    signed = await note_steps.signed(cast, signing)
    delivery = await delivery_of(signing.sessions, signed.note.id)
    async with transaction(signing.sessions) as session:
        await deliver_note(session, SYSTEM, delivery_id=delivery.id)
    async with transaction(signing.sessions) as session:
        page = await timeline(session, cast.rural, cast.patient.id)
        entries = {entry.resource_type: entry for entry in page.entries if entry.source_id == signed.note.id}
        assert set(entries) == {ResourceType.DOCUMENT_REFERENCE, ResourceType.COMPOSITION}
        document = entries[ResourceType.DOCUMENT_REFERENCE]
        assert document.organization.name == "CHU de la Capitale"
        assert document.author_name == cast.specialist.name
        assert signed.note.pdf_object_key
        pdf = await signing.objects.get(signed.note.pdf_object_key)
        attachment = document.resource["content"][0]["attachment"]
        assert (attachment["size"], attachment["hash"]) == (len(pdf), hash_of(pdf))
        assert document.resource["subject"] == {"reference": f"Patient/{cast.patient.id}"}
        written = entries[ResourceType.COMPOSITION].resource["section"][0]
        assert note_steps.OPINION in written["text"]["div"]
        consult = await consult_for(session, cast.rural, signed.consult.id)
        assert state_of(consult) is ConsultState.DELIVERED
        assert consult.task
        assert consult.task.output_composition_id == signed.note.id
    delivery = await delivery_of(signing.sessions, signed.note.id)
    assert delivery.status is DeliveryStatus.DELIVERED
    assert delivery.delivered_at
    assert delivery.receipt == {"entries": [str(document.id), str(entries[ResourceType.COMPOSITION].id)]}


async def test_twice_is_once(cast: Cast, signing: Signing) -> None:
    signed = await note_steps.signed(cast, signing)
    delivery = await delivery_of(signing.sessions, signed.note.id)

    async def deliver() -> None:
        async with transaction(signing.sessions) as session:
            await deliver_note(session, SYSTEM, delivery_id=delivery.id)

    await asyncio.gather(deliver(), deliver())
    await deliver()
    async with signing.sessions() as session:
        entries = list(await session.scalars(select(RecordEntry).where(RecordEntry.source_id == signed.note.id)))
        assert {entry.origin for entry in entries} == {Origin.CONSULT}
        events = list(await session.scalars(select(AuditEvent).where(AuditEvent.action == "note-delivered")))
    assert len(entries) == 2
    assert [event.actor_name for event in events] == ["system"]


async def test_an_unknown_delivery(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        with pytest.raises(NotFound):
            await deliver_note(session, SYSTEM, delivery_id=uuid.uuid4())


async def test_the_worker_carries_it_out(cast: Cast, signing: Signing) -> None:
    signed = await note_steps.signed(cast, signing)
    async with jobs.connected(signing.settings.database_url or "") as app:
        await app.run_worker_async(
            wait=False,
            listen_notify=False,
            install_signal_handlers=False,
            additional_context={"sessions": signing.sessions, "settings": signing.settings},
        )
    assert (await delivery_of(signing.sessions, signed.note.id)).status is DeliveryStatus.DELIVERED


async def test_a_delivery_waits_for_who_has_the_consult_and_holds_nobody_up(cast: Cast, signing: Signing) -> None:
    """Who presses twice to sign has the consult, then asks for the note: they and the delivery wait for no one."""
    signed = await note_steps.signed(cast, signing)
    delivery = await delivery_of(signing.sessions, signed.note.id)

    async def deliver() -> None:
        async with transaction(signing.sessions) as session:
            await deliver_note(session, SYSTEM, delivery_id=delivery.id)

    async with transaction(signing.sessions) as session:
        await lock_consult(session, signed.consult.id)
        delivering = asyncio.create_task(deliver())
        assert await eventually(lambda: is_one_held_up(signing.sessions))
        await draft_for(session, cast.specialist, signed.note.id, lock=True)
    await delivering
