"""The outbox: order, limits, what a dead worker leaves, consent, evidence, versions, and receipts in any order."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consents.models import Consent, ConsentStatus
from teleconsult.db import Base, Sessions, transaction
from teleconsult.delivery.models import Channel, Delivery, DeliveryStatus, Purpose
from teleconsult.delivery.outbox import Outbox
from teleconsult.delivery.parcel import Means, Outcome, Parcel
from teleconsult.delivery.queueing import queue_retraction
from teleconsult.delivery.reasons import Reason
from teleconsult.delivery.receiving_receipts import note_receipt
from teleconsult.delivery.states import after_attempt, wait_after
from teleconsult.delivery.taking import LEASE, take_due
from teleconsult.directory.models import ConnectionType, Endpoint, EndpointStatus
from teleconsult.hl7v2.calling import Line, ask
from teleconsult.hl7v2.models import Hl7Sender
from teleconsult.hl7v2.receiving import Connection, receive
from teleconsult.notes.evidence_models import EvidenceState, Level, NoteEvidence
from teleconsult.notes.models import Composition
from teleconsult.notes.signing import Signing
from teleconsult.patients.models import Patient
from tests import delivery_steps, mllp_peers, note_steps
from tests.mllp_peers import MllpPeer, mllp_peer
from tests.people import Cast

S = DeliveryStatus


@pytest.fixture
async def peer(cast: Cast, signing: Signing) -> AsyncIterator[MllpPeer]:
    """The record system of the rural health centre."""
    async with mllp_peer() as listening:
        await delivery_steps.endpoint(signing.sessions, cast, ConnectionType.HL7V2, listening.address)
        yield listening


async def change(sessions: Sessions, delivery: Delivery, **values: object) -> None:
    async with transaction(sessions) as session:
        await session.execute(update(Delivery).where(Delivery.id == delivery.id).values(**values))


async def another(sessions: Sessions, delivery: Delivery, **other: object) -> Delivery:
    """One more, after it, of the same note: as a version to the same destination would be."""
    made = Delivery(
        **{
            "id": uuid.uuid4(),
            "composition_id": delivery.composition_id,
            "channel": delivery.channel,
            "destination": delivery.destination,
            "purpose": Purpose.RETRACTION,
            "replaces_id": delivery.id,
            "created_at": now(),
        }
        | other
    )
    async with transaction(sessions) as session:
        session.add(made)
    return made


async def withdraw(sessions: Sessions, consult_id: uuid.UUID) -> None:
    async with transaction(sessions) as session:
        of_consult = update(Consent).where(Consent.service_request_id == consult_id)
        await session.execute(of_consult.values(status=ConsentStatus.INACTIVE))


async def test_what_a_dead_worker_had_in_hand_is_unknown_and_goes_again(
    cast: Cast, signing: Signing, peer: MllpPeer
) -> None:
    await note_steps.signed(cast, signing)
    async with transaction(signing.sessions) as session:
        (taken,) = await take_due(session, most=10)
    assert await delivery_steps.states(signing.sessions, Channel.HL7V2) == [S.SENDING]
    assert await delivery_steps.send(signing) is not None
    assert peer.taken == [], "its lease runs"
    delivery = await delivery_steps.only(signing.sessions, Channel.HL7V2)
    assert (delivery.lease, delivery.attempts) == (taken.lease, 1)
    await change(signing.sessions, delivery, leased_until=now() - timedelta(seconds=1))
    await delivery_steps.send(signing)
    delivery = await delivery_steps.only(signing.sessions, Channel.HL7V2)
    assert (delivery.status, delivery.unknowns, delivery.attempts) == (S.DELIVERED, 1, 2)
    assert len(peer.taken) == 1


async def test_what_workers_die_of_ends_with_its_days(cast: Cast, signing: Signing, peer: MllpPeer) -> None:
    await note_steps.signed(cast, signing)
    async with transaction(signing.sessions) as session:
        await take_due(session, most=10)
    past = now() - timedelta(seconds=1)
    delivery = await delivery_steps.only(signing.sessions, Channel.HL7V2)
    await change(signing.sessions, delivery, leased_until=past, deadline_at=past)
    await delivery_steps.send(signing)
    delivery = await delivery_steps.only(signing.sessions, Channel.HL7V2)
    assert (delivery.status, delivery.reason, delivery.unknowns) == (S.DEAD, Reason.DEADLINE, 1)
    assert peer.taken == []


async def test_of_one_patient_at_one_place_one_after_the_other(cast: Cast, signing: Signing, peer: MllpPeer) -> None:
    peer.answer = mllp_peers.troubled
    signed = await note_steps.signed(cast, signing)
    await delivery_steps.send(signing)
    first = await delivery_steps.only(signing.sessions, Channel.HL7V2)
    second = await another(signing.sessions, first, replaces_id=None)
    async with transaction(signing.sessions) as session:
        assert [one.id for one in await take_due(session, most=10)] == [], "the first waits for its turn, so it waits"
    await change(signing.sessions, first, unknowns=1)  # or else what never left is cancelled by what takes it back
    await change(signing.sessions, second, replaces_id=first.id)
    peer.answer = mllp_peers.accepts
    await delivery_steps.send(signing)
    assert await delivery_steps.states(signing.sessions, Channel.HL7V2) == [S.DELIVERED, S.DELIVERED]
    assert [peer.fields(number, "MSH")[8] for number in (0, 1, 2)] == [
        *("MDM^T02^MDM_T02", "MDM^T02^MDM_T02", "MDM^T04^MDM_T02"),
    ]
    assert {peer.fields(number, "TXA")[12] for number in (0, 1, 2)} == {f"2.25.{signed.note.id.int}"}
    assert (peer.fields(2, "ORC")[1], peer.fields(2, "OBX")[11]) == ("CA", "D")


@dataclass
class Slow:
    """A way out that counts how many are under way."""

    now: int = 0
    most: int = 0
    sent: list[uuid.UUID] = field(default_factory=list)

    async def send(self, parcel: Parcel, _means: Means) -> Outcome:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.05)
        self.now -= 1
        self.sent.append(parcel.delivery_id)
        return Outcome(S.ACCEPTED)


async def test_so_many_at_one_place_however_many_workers(cast: Cast, signing: Signing, peer: MllpPeer) -> None:
    signed = await note_steps.signed(cast, signing)
    first = await delivery_steps.only(signing.sessions, Channel.HL7V2)
    for _ in range(9):
        others = {"replaces_id": None, "purpose": Purpose.DOCUMENT}
        await another(signing.sessions, first, **others, composition_id=await of_another(signing, signed.note))
    async with transaction(signing.sessions) as session:
        assert len(await take_due(session, most=50, each=4)) == 4
        assert await take_due(session, most=50, each=4) == []
        await session.rollback()
    slow = Slow()
    workers = [
        Outbox(
            signing.sessions,
            signing.objects,
            Means(delivery_steps.reaching(signing.settings), signing.sealer),
            channels={Channel.HL7V2: slow},
            each=3,
        )
        for _ in range(3)
    ]
    await asyncio.gather(*(worker.run() for worker in workers))
    assert slow.most == 3
    assert (len(slow.sent), len(set(slow.sent))) == (10, 10), "each once"


async def of_another(signing: Signing, note: Composition) -> uuid.UUID:
    """The same note as if it were another patient's."""
    async with transaction(signing.sessions) as session:
        known = await session.get_one(Patient, note.patient_id)
        patient = Patient(**columns_of(known) | {"id": uuid.uuid4(), "local_number": uuid.uuid4().hex[:8]})
        session.add(patient)
        await session.flush()
        of_theirs = {
            "id": uuid.uuid4(),
            "patient_id": patient.id,
            "document_oid": f"2.25.{uuid.uuid4().int}",
            "verify_code": uuid.uuid4().hex,
        }
        copied = Composition(**columns_of(note) | of_theirs | {"set_id": uuid.uuid4()})
        session.add(copied)
    return copied.id


def columns_of(row: Base) -> dict[str, object]:
    """What the program writes of it."""
    return {
        name: getattr(row, name)
        for name, column in row.__table__.columns.items()
        if column.computed is None and name != "own_person_id"
    }


async def test_consent_is_asked_for_again_and_the_requesters_own_record_keeps_what_was_signed(
    cast: Cast, signing: Signing, peer: MllpPeer
) -> None:
    async with mllp_peer() as specialists:
        await delivery_steps.endpoint(
            signing.sessions, cast, ConnectionType.HL7V2, specialists.address, place="tertiary"
        )
        signed = await note_steps.signed(cast, signing)
        await withdraw(signing.sessions, signed.consult.id)
        await delivery_steps.send(signing)
        assert (len(peer.taken), len(specialists.taken)) == (1, 0)
    by_name = {one.recipient: one for one in await delivery_steps.deliveries(signing.sessions, Channel.HL7V2)}
    assert by_name["DPI rural"].status is S.DELIVERED
    assert (by_name["DPI tertiary"].status, by_name["DPI tertiary"].reason) == (S.CANCELLED, Reason.CONSENT_WITHDRAWN)


async def test_evidence_is_waited_for_and_not_for_ever(cast: Cast, signing: Signing, peer: MllpPeer) -> None:
    signed = await note_steps.signed(cast, signing)
    async with transaction(signing.sessions) as session:
        await session.execute(
            update(NoteEvidence).values(state=EvidenceState.FAILED).where(NoteEvidence.state == EvidenceState.PENDING)
        )
        session.add(
            NoteEvidence(
                composition_id=signed.note.id,
                number=77,
                level=Level.B_LTA,
                state=EvidenceState.PENDING,
                created_at=now(),
            )
        )
    patient = delivery_steps.reaching(signing.settings).model_copy(update={"delivery_evidence_minutes": 10})
    await delivery_steps.send(signing, settings=patient)
    delivery = await delivery_steps.only(signing.sessions, Channel.HL7V2)
    assert (delivery.status, delivery.attempts, peer.taken) == (S.QUEUED, 0, [])
    await delivery_steps.send(signing)
    assert await delivery_steps.states(signing.sessions, Channel.HL7V2) == [S.DELIVERED]


async def test_what_never_left_need_not_be_taken_back(cast: Cast, signing: Signing, peer: MllpPeer) -> None:
    signed = await note_steps.signed(cast, signing)
    async with transaction(signing.sessions) as session:
        await queue_retraction(session, signed.note)
    await delivery_steps.send(signing)
    found = await delivery_steps.deliveries(signing.sessions, Channel.HL7V2)
    assert [(one.status, one.reason) for one in found] == [
        (S.CANCELLED, Reason.RETRACTED),
        (S.CANCELLED, Reason.NEVER_SENT),
    ]
    assert peer.taken == []


async def test_a_suspended_system_waits_and_one_off_the_list_is_dead(
    cast: Cast, signing: Signing, peer: MllpPeer
) -> None:
    await note_steps.signed(cast, signing)
    for status, state, reason in (
        (EndpointStatus.SUSPENDED, S.QUEUED, Reason.ENDPOINT_SUSPENDED),
        (EndpointStatus.OFF, S.DEAD, Reason.ENDPOINT_OFF),
    ):
        async with transaction(signing.sessions) as session:
            await session.execute(update(Endpoint).values(status=status))
        await delivery_steps.send(signing)
        delivery = await delivery_steps.only(signing.sessions, Channel.HL7V2)
        assert (delivery.status, delivery.reason) == (state, reason)


async def test_receipts_come_late_twice_and_in_any_order(cast: Cast, signing: Signing, peer: MllpPeer) -> None:
    await note_steps.signed(cast, signing)
    delivery = await delivery_steps.only(signing.sessions, Channel.HL7V2)
    await change(signing.sessions, delivery, status=S.DEAD, external_id="<a@b>", reason=Reason.DEADLINE)

    async def receipt(state: DeliveryStatus, reason: str = "") -> Delivery:
        async with transaction(signing.sessions) as session:
            assert await note_receipt(session, external_id="<a@b>", state=state, reason=reason)
        return await delivery_steps.only(signing.sessions, Channel.HL7V2)

    assert (await receipt(S.DELIVERED)).status is S.DELIVERED, "given up, and arrived after all"
    assert (await receipt(S.DELIVERED)).status is S.DELIVERED
    assert (await receipt(S.DEAD, Reason.BOUNCED)).status is S.DEAD
    read = await receipt(S.READ)
    assert (read.status, read.reason) == (S.READ, "")
    after = await receipt(S.DEAD, Reason.NOT_FILED)
    assert after.status is S.READ, "what was read was not lost"
    assert [one["state"] for one in after.receipt["receipts"]] == ["delivered", "dead", "read", "dead"]
    async with transaction(signing.sessions) as session:
        assert await note_receipt(session, external_id="<x@b>", state=S.READ) is None
        acts = list(await session.scalars(select(AuditEvent.action).where(AuditEvent.action == "delivery-receipt")))
    assert len(acts) == 4


@pytest.mark.parametrize(
    ("event", "code", "state", "reason"),
    [
        ("Z01", "AA", S.DELIVERED, ""),
        ("Z02", "AE", S.DEAD, Reason.BOUNCED),
        ("Z03", "AA", S.READ, ""),
    ],
)
async def test_business_receipts(
    cast: Cast, signing: Signing, peer: MllpPeer, event: str, code: str, state: DeliveryStatus, reason: str
) -> None:
    await note_steps.signed(cast, signing)
    await delivery_steps.send(signing)
    async with transaction(signing.sessions) as session:
        for place, facility in (("rural", "ANSE"), ("tertiary", "CHU")):
            session.add(
                Hl7Sender(organization_id=cast.organizations[place].id, name=place, facility=facility, created_at=now())
            )

    async def come(facility: str) -> bytes:
        lines = [
            f"MSH|^~\\&|PFI|{facility}|TELECONSULT||20261123101500||ZAM^{event}^ZAM_Z01|{uuid.uuid4().hex[:20]}|P|2.6",
            f"MSA|{code}|{peer.control_ids()[0]}",
            *(["ERR|||207^Application error^HL70357|E|550^Mailbox unknown^SMTPERRORCODE"] if code == "AE" else []),
        ]
        return await receive(signing.sessions, Connection(None), "\r".join(lines).encode())

    assert b"MSA|AE|" in await come("CHU"), "it is none of theirs"
    assert await delivery_steps.states(signing.sessions, Channel.HL7V2) == [S.DELIVERED]
    assert b"MSA|AA|" in await come("ANSE")
    delivery = await delivery_steps.only(signing.sessions, Channel.HL7V2)
    assert (delivery.status, delivery.reason) == (state, reason)
    if code == "AE":
        assert "550" in delivery.detail


async def test_a_late_answer_reaches_nobody(cast: Cast, signing: Signing, peer: MllpPeer) -> None:
    """On a line of its own each, the next message hears only what is said to it."""
    peer.answer = mllp_peers.late
    line = Line("127.0.0.1", peer.port, "127.0.0.1")
    content = "MSH|^~\\&|T||||20261123||MDM^T02^MDM_T02|{}|P|2.6\r"
    with pytest.raises(Exception, match="silent"):
        await ask(line, content.format("ONE").encode(), control_id="ONE", within=0.2)
    peer.answer = mllp_peers.refuses
    answer = await ask(line, content.format("TWO").encode(), control_id="TWO", within=5)
    assert (answer.code, peer.control_ids()) == ("AR", ["ONE", "TWO"])


def test_waits_grow_and_none_is_for_ever() -> None:
    moment = now()
    for attempts in (1, 5, 50):
        assert timedelta(seconds=2) < wait_after(attempts) <= timedelta(hours=1)
    before = after_attempt(S.RETRY_WAIT, attempts=3, deadline=moment + timedelta(days=1), moment=moment)
    assert (before.status, before.at > moment) == (S.RETRY_WAIT, True)
    assert after_attempt(S.SENT_UNKNOWN, attempts=3, deadline=moment, moment=moment).status is S.DEAD
    assert timedelta(seconds=100) < LEASE
