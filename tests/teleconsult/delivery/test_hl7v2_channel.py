"""Notes over MLLP: what goes out, and what each kind of answer, or none, makes of a delivery."""

import base64

import pytest
from sqlalchemy import update

from teleconsult.clock import now
from teleconsult.db import transaction
from teleconsult.delivery.models import Channel, Delivery, DeliveryStatus
from teleconsult.delivery.reasons import Reason
from teleconsult.directory.models import ConnectionType
from teleconsult.hl7v2 import calling
from teleconsult.hl7v2.reading import read_message
from teleconsult.notes.signing import Signing
from tests import delivery_steps, mllp_peers, note_steps
from tests.certificates import make_certificate
from tests.mllp_peers import Answering, mllp_peer
from tests.people import Cast

S = DeliveryStatus


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is noticed sooner than in life."""
    monkeypatch.setattr(calling.ask, "__kwdefaults__", {"within": 0.4})


async def test_a_document_with_its_cda_inside(cast: Cast, signing: Signing) -> None:
    async with mllp_peer() as peer:
        await delivery_steps.endpoint(
            signing.sessions, cast, ConnectionType.HL7V2, peer.address, application="DPI", facility="ANSE"
        )
        signed = await note_steps.signed(cast, signing)
        await delivery_steps.send(signing)
    delivery = await delivery_steps.only(signing.sessions, Channel.HL7V2)
    assert delivery.status is S.DELIVERED, delivery_steps.described(delivery)
    assert delivery.external_id == peer.control_ids()[0]
    assert delivery.recipient == "DPI rural"
    assert delivery.payload_sha256
    message = read_message(peer.taken[0])
    header = message.header
    assert (header.text(9), header.text(9, 2), header.text(9, 3)) == ("MDM", "T02", "MDM_T02")
    assert (header.text(5), header.text(6)) == ("DPI", "ANSE")
    assert (header.text(12), header.text(18), header.text(21)) == ("2.6", "UNICODE UTF-8", "2.1")
    assert header.text(21, 2) == "CISIS_CDA_HL7_V2"
    assert message.first("ORC").text(1) == "NW"
    assert message.first("PID").text(3) == cast.patient.local_number
    txa, obx = message.first("TXA"), message.first("OBX")
    assert txa.text(12) == f"2.25.{signed.note.id.int}"
    assert (txa.text(13), txa.text(17), obx.text(11)) == ("", "AU", "F")
    document = base64.b64decode(peer.fields(0, "OBX")[5].split("^")[4])
    assert document.startswith(b"<?xml")
    assert f'<id root="2.25.{signed.note.id.int}"'.encode() in document
    assert await delivery_steps.send(signing) is None
    assert len(peer.taken) == 1


async def test_as_a_result_where_the_system_wants_that(cast: Cast, signing: Signing) -> None:
    async with mllp_peer() as peer:
        await delivery_steps.endpoint(signing.sessions, cast, ConnectionType.HL7V2, peer.address, message="oru")
        await note_steps.signed(cast, signing)
        await delivery_steps.send(signing)
    message = read_message(peer.taken[0])
    assert (message.kind, message.header.text(12)) == (("ORU", "R01"), "2.5")
    assert (message.first("ORC").text(1), message.first("OBR").text(25), message.first("OBX").text(11)) == (
        *("NW", "F"),
        "F",
    )


@pytest.mark.parametrize(
    ("answer", "status", "reason", "unknowns"),
    [
        (mllp_peers.troubled, S.RETRY_WAIT, Reason.TROUBLE, 0),
        (mllp_peers.refuses, S.DEAD, Reason.REFUSED, 0),
        (mllp_peers.never, S.SENT_UNKNOWN, Reason.SILENT, 1),
        (mllp_peers.late, S.SENT_UNKNOWN, Reason.SILENT, 1),
        (mllp_peers.anothers, S.SENT_UNKNOWN, Reason.SILENT, 1),
        (mllp_peers.drops, S.SENT_UNKNOWN, Reason.LOST, 1),
        (mllp_peers.babbles, S.SENT_UNKNOWN, Reason.LOST, 1),
        (mllp_peers.anothers_first, S.DELIVERED, "", 0),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_each_answer(
    cast: Cast, signing: Signing, answer: Answering, status: DeliveryStatus, reason: str, unknowns: int
) -> None:
    async with mllp_peer(answer) as peer:
        await delivery_steps.endpoint(signing.sessions, cast, ConnectionType.HL7V2, peer.address)
        await note_steps.signed(cast, signing)
        await delivery_steps.send(signing)
        delivery = await delivery_steps.only(signing.sessions, Channel.HL7V2)
        assert (delivery.status, delivery.reason) == (status, reason), delivery_steps.described(delivery)
        assert (delivery.attempts, delivery.unknowns) == (1, unknowns)
        if status in (S.RETRY_WAIT, S.SENT_UNKNOWN):
            assert delivery.next_at > now()
        peer.answer = mllp_peers.accepts
        await delivery_steps.send(signing)
        after = await delivery_steps.only(signing.sessions, Channel.HL7V2)
        if status in (S.DEAD, S.DELIVERED):
            assert (after.status, len(peer.taken)) == (status, 1)
        else:
            assert after.status is S.DELIVERED
            assert len(peer.taken) == 2
            assert peer.taken[0] == peer.taken[1], "the same message, by the same number"


async def test_nobody_listens_and_then_days_go_by(cast: Cast, signing: Signing) -> None:
    async with mllp_peer() as peer:
        address = peer.address
    await delivery_steps.endpoint(signing.sessions, cast, ConnectionType.HL7V2, address)
    await note_steps.signed(cast, signing)
    await delivery_steps.send(signing)
    delivery = await delivery_steps.only(signing.sessions, Channel.HL7V2)
    assert (delivery.status, delivery.reason, delivery.unknowns) == (S.RETRY_WAIT, Reason.UNREACHABLE, 0)
    async with transaction(signing.sessions) as session:
        await session.execute(update(Delivery).where(Delivery.id == delivery.id).values(deadline_at=now()))
    await delivery_steps.send(signing)
    delivery = await delivery_steps.only(signing.sessions, Channel.HL7V2)
    assert (delivery.status, delivery.reason) == (S.DEAD, Reason.DEADLINE)


async def test_this_machine_is_no_destination_unless_it_is_allowed(cast: Cast, signing: Signing) -> None:
    async with mllp_peer() as peer:
        await delivery_steps.endpoint(signing.sessions, cast, ConnectionType.HL7V2, peer.address)
        await note_steps.signed(cast, signing)
        here = delivery_steps.reaching(signing.settings).model_copy(update={"delivery_networks": ""})
        await delivery_steps.send(signing, settings=here)
        assert peer.taken == []
    delivery = await delivery_steps.only(signing.sessions, Channel.HL7V2)
    assert (delivery.status, delivery.reason) == (S.DEAD, Reason.FORBIDDEN_PLACE)


async def test_over_tls_with_whom_the_endpoint_trusts(cast: Cast, signing: Signing) -> None:
    import ssl

    own = make_certificate(signing.settings.data / "peer")
    other = make_certificate(signing.settings.data / "other")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(own.certificate, own.key)
    async with mllp_peer(tls=context) as peer:
        made = await delivery_steps.endpoint(
            signing.sessions,
            cast,
            ConnectionType.HL7V2,
            peer.address,
            uses_tls=True,
            authority=other.certificate.read_text(),
        )
        await note_steps.signed(cast, signing)
        await delivery_steps.send(signing)
        delivery = await delivery_steps.only(signing.sessions, Channel.HL7V2)
        assert (delivery.status, delivery.reason) == (S.RETRY_WAIT, Reason.CERTIFICATE)
        async with transaction(signing.sessions) as session:
            row = await session.get_one(type(made), made.id)
            row.authority = own.certificate.read_text()
        await delivery_steps.send(signing)
    assert await delivery_steps.states(signing.sessions, Channel.HL7V2) == [S.DELIVERED]
