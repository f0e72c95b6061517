"""What changes after a note was signed: it is withdrawn from the files it stands in, and the patient is opposed."""

import uuid

import pytest
from sqlalchemy import select, update

from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import transaction
from teleconsult.delivery.filing import file_owed
from teleconsult.delivery.models import Channel, Delivery, DeliveryStatus
from teleconsult.delivery.queueing import queue_missing, queue_retraction
from teleconsult.delivery.reasons import Reason
from teleconsult.delivery.recipient_models import OpposedTo, Opposition
from teleconsult.directory.models import ConnectionType, Organization
from teleconsult.notes.models import Composition
from teleconsult.notes.signing import Signing
from teleconsult.patients.models import Patient
from teleconsult.records.models import RecordEntry, ResourceType
from tests import delivery_steps, mllp_peers, news_steps, note_steps
from tests.mllp_peers import mllp_peer
from tests.people import Cast
from tests.teleconsult.delivery.test_mailing import box

S = DeliveryStatus


async def own_patient(cast: Cast, signing: Signing) -> uuid.UUID:
    """The same person in a file of the specialist's own hospital, which shares none with who asked."""
    made = uuid.uuid4()
    async with transaction(signing.sessions) as session:
        hospital = await session.get_one(Organization, cast.specialist.organization_id)
        hospital.sharing_network = None
        told = await session.get_one(Patient, cast.patient.id)
        names = ("person_id", "family", "given", "family_folded", "given_folded", "birth_date", "gender")
        session.add(
            Patient(
                id=made,
                organization_id=hospital.id,
                local_number="OWN1",
                created_at=now(),
                updated_at=now(),
                **{name: getattr(told, name) for name in names},
            )
        )
    return made


async def test_both_files_have_it_and_both_say_it_was_withdrawn(cast: Cast, signing: Signing) -> None:
    drafted = await note_steps.drafted(cast, signing.sessions)
    patients = {cast.patient.id, await own_patient(cast, signing)}
    note = await note_steps.sign(signing, cast.specialist, drafted.note)

    async def statuses() -> dict[tuple[uuid.UUID, ResourceType], str]:
        async with signing.sessions() as session:
            kept = await session.scalars(select(RecordEntry).where(RecordEntry.source_id == note.id))
            return {(one.patient_id, one.resource_type): one.resource["status"] for one in kept}

    assert await file_owed(signing.sessions) == 2
    before = await statuses()
    assert {patient for patient, _kind in before} == patients
    assert len(before) == 4
    assert "entered-in-error" not in before.values()
    for _twice in range(2):
        async with transaction(signing.sessions) as session:
            if not _twice:
                await queue_retraction(session, note)
        await file_owed(signing.sessions)
        assert await statuses() == dict.fromkeys(before, "entered-in-error")
    assert await delivery_steps.states(signing.sessions, Channel.PATIENT_FILE) == [S.DELIVERED] * 4


@pytest.mark.parametrize("is_opposed", [True, False])
async def test_the_patients_word_is_asked_for_again_when_it_goes(
    cast: Cast, signing: Signing, is_opposed: bool
) -> None:
    signed = await note_steps.signed(cast, signing)
    moment, address = now(), "dupont@medecin.mssante.fr"
    async with transaction(signing.sessions) as session:
        session.add(box(cast, address, is_active=is_opposed))
        mail = {"composition_id": signed.note.id, "channel": Channel.SECURE_MAIL, "destination": address}
        session.add(Delivery(id=uuid.uuid4(), created_at=moment, **mail))
        if is_opposed:
            word = {"opposed_to": OpposedTo.PROFESSIONALS, "recorded_by_id": cast.rural.role_id, "recorded_at": moment}
            session.add(Opposition(patient_id=cast.patient.id, **word))
    await delivery_steps.send(signing)
    delivery = await delivery_steps.only(signing.sessions, Channel.SECURE_MAIL)
    expected = (S.CANCELLED, Reason.OPPOSED) if is_opposed else (S.DEAD, Reason.NO_MAILBOX)
    assert (delivery.status, delivery.reason) == expected


async def test_who_looks_after_it_is_told_that_it_is_stuck(cast: Cast, signing: Signing) -> None:
    async with mllp_peer(mllp_peers.refuses) as peer:
        await delivery_steps.endpoint(signing.sessions, cast, ConnectionType.HL7V2, peer.address)
        await note_steps.signed(cast, signing)
        await delivery_steps.send(signing)
    told = await news_steps.told(signing.settings, signing.sessions, "ConsultNoteUndelivered")
    assert told == {cast.coordinator.role_id}


@pytest.mark.parametrize("unknowns", [0, 1])
async def test_what_was_given_up_is_not_owed_again_and_is_taken_back_where_it_may_be(
    cast: Cast, signing: Signing, unknowns: int
) -> None:
    """Somebody is added to the request later: what a person has ended for the same note stands as it is."""
    await delivery_steps.endpoint(signing.sessions, cast, ConnectionType.HL7V2, "dpi.example:2575")
    signed = await note_steps.signed(cast, signing)
    async with transaction(signing.sessions) as session:
        ended = {"status": S.CANCELLED, "reason": Reason.GIVEN_UP, "unknowns": unknowns}
        await session.execute(update(Delivery).where(Delivery.channel == Channel.HL7V2).values(**ended))
    async with transaction(signing.sessions) as session:
        consult = await session.get_one(ServiceRequest, signed.consult.id)
        assert await queue_missing(session, consult, address="roy@medecin.mssante.fr") == []
    async with transaction(signing.sessions) as session:
        back = await queue_retraction(session, await session.get_one(Composition, signed.note.id))
        assert [one.channel for one in back] == [Channel.PATIENT_FILE, Channel.HL7V2][: 1 + unknowns]
