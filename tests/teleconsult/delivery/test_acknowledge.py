"""Acknowledging: who asked says that they have read the note, once, and the consult is closed."""

import pytest
from sqlalchemy import select

from teleconsult.accounts.actor import SYSTEM
from teleconsult.audit.models import AuditEvent
from teleconsult.consults.models import RequestStatus, ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.db import transaction
from teleconsult.delivery.actions import acknowledge_note, deliver_note
from teleconsult.delivery.models import Delivery
from teleconsult.errors import Forbidden, NotFound, Refused
from teleconsult.notes.signing import Signing
from tests import note_steps
from tests.people import Cast


async def delivered(cast: Cast, signing: Signing) -> ServiceRequest:
    signed = await note_steps.signed(cast, signing)
    async with transaction(signing.sessions) as session:
        delivery = await session.scalar(select(Delivery.id).where(Delivery.composition_id == signed.note.id))
        assert delivery
        await deliver_note(session, SYSTEM, delivery_id=delivery)
    return signed.consult


async def test_closes_the_consult(cast: Cast, signing: Signing) -> None:
    consult = await delivered(cast, signing)
    async with transaction(signing.sessions) as session:
        await acknowledge_note(session, cast.rural, consult_id=consult.id)
    async with transaction(signing.sessions) as session:
        closed = await consult_for(session, cast.rural, consult.id)
        assert closed.status is RequestStatus.COMPLETED
        assert closed.completed_at
        assert state_of(closed) is ConsultState.ACKNOWLEDGED
        event = await session.scalar(select(AuditEvent).where(AuditEvent.action == "note-acknowledged"))
        assert event
        assert (event.actor_name, event.patient_id) == (cast.rural.name, cast.patient.id)


async def test_only_who_asked(cast: Cast, signing: Signing) -> None:
    consult = await delivered(cast, signing)
    for actor, error in (
        (cast.specialist, Forbidden),
        (cast.coordinator, Forbidden),
        (cast.colleague, NotFound),
        (cast.stranger, NotFound),
    ):
        async with transaction(signing.sessions) as session:
            with pytest.raises(error):
                await acknowledge_note(session, actor, consult_id=consult.id)


async def test_not_before_the_delivery_and_not_twice(cast: Cast, signing: Signing) -> None:
    signed = await note_steps.signed(cast, signing)
    async with transaction(signing.sessions) as session:
        with pytest.raises(Refused):
            await acknowledge_note(session, cast.rural, consult_id=signed.consult.id)
    consult = await delivered(cast, signing)
    async with transaction(signing.sessions) as session:
        await acknowledge_note(session, cast.rural, consult_id=consult.id)
    async with transaction(signing.sessions) as session:
        with pytest.raises(Refused):
            await acknowledge_note(session, cast.rural, consult_id=consult.id)
