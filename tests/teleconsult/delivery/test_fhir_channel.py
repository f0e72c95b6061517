"""Notes to another's FHIR server: once, however often they are sent; and taken back."""

import base64
import hashlib
from collections.abc import AsyncIterator

import pytest

from teleconsult.cda.naming import oid_of
from teleconsult.db import transaction
from teleconsult.delivery.models import Channel, DeliveryStatus
from teleconsult.delivery.queueing import queue_retraction
from teleconsult.delivery.reasons import Reason
from teleconsult.directory.models import ConnectionType
from teleconsult.notes.signing import Signing
from teleconsult.sealing import Sealer
from tests import delivery_steps, note_steps
from tests.certificates import Certificate, make_certificate
from tests.fhir_peer import FhirPeer, fhir_peer
from tests.people import Cast

S = DeliveryStatus


@pytest.fixture
def certificate(signing: Signing) -> Certificate:
    return make_certificate(signing.settings.data / "peer")


@pytest.fixture
async def peer(cast: Cast, signing: Signing, certificate: Certificate) -> AsyncIterator[FhirPeer]:
    """The rural health centre's own record system, which knows the patient."""
    async with fhir_peer(certificate) as server:
        server.add_patient(f"urn:oid:{oid_of(str(cast.patient.organization_id))}", cast.patient.local_number)
        await delivery_steps.endpoint(
            signing.sessions,
            cast,
            ConnectionType.FHIR,
            server.address,
            authority=certificate.certificate.read_text(),
            credential_sealed=Sealer(signing.settings.secret_key).seal(b"Bearer a-token"),
        )
        yield server


async def test_a_document_of_four_parts(cast: Cast, signing: Signing, peer: FhirPeer) -> None:
    signed = await note_steps.signed(cast, signing)
    await delivery_steps.send(signing)
    delivery = await delivery_steps.only(signing.sessions, Channel.FHIR)
    assert delivery.status is S.DELIVERED, delivery_steps.described(delivery)
    (document,) = peer.of_kind("DocumentReference")
    assert delivery.external_id == f"DocumentReference/{document['id']}"
    assert document["masterIdentifier"]["value"] == f"urn:oid:2.25.{signed.note.id.int}"
    (binary,) = peer.of_kind("Binary")
    pdf = base64.b64decode(binary["data"])
    assert hashlib.sha256(pdf).digest() == signed.note.pdf_sha256
    attachment = document["content"][0]["attachment"]
    assert attachment["size"] == len(pdf)
    assert base64.b64decode(attachment["hash"]) == hashlib.sha1(pdf).digest()
    (patient,) = peer.of_kind("Patient")
    assert document["subject"] == {"reference": f"Patient/{patient['id']}"}
    assert (len(peer.of_kind("List")), len(peer.of_kind("Provenance"))) == (1, 1)
    assert peer.authorizations == {"Bearer a-token"}


async def test_written_and_unanswered_is_sent_again_and_there_once(
    cast: Cast, signing: Signing, peer: FhirPeer
) -> None:
    peer.drops_after_writing = True
    await note_steps.signed(cast, signing)
    await delivery_steps.send(signing)
    delivery = await delivery_steps.only(signing.sessions, Channel.FHIR)
    assert (delivery.status, delivery.unknowns) == (S.SENT_UNKNOWN, 1)
    peer.drops_after_writing = False
    await delivery_steps.send(signing)
    assert await delivery_steps.states(signing.sessions, Channel.FHIR) == [S.DELIVERED]
    assert len(peer.transactions) == 1, "it was found there, and not sent a second time"
    kinds = [one["resourceType"] for one in peer.held.values()]
    assert sorted(kinds) == ["Binary", "DocumentReference", "List", "Patient", "Provenance"]


async def test_the_same_transaction_twice_changes_nothing(cast: Cast, signing: Signing, peer: FhirPeer) -> None:
    await note_steps.signed(cast, signing)
    await delivery_steps.send(signing)
    before = {name: dict(resource) for name, resource in peer.held.items()}
    for entry in peer.transactions[0]["entry"]:
        peer._entry(entry)
    assert peer.held == before


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        (503, S.RETRY_WAIT, Reason.TROUBLE),
        (429, S.RETRY_WAIT, Reason.TROUBLE),
        (422, S.DEAD, Reason.REFUSED),
        (403, S.DEAD, Reason.UNAUTHORIZED),
    ],
)
async def test_refusals(
    cast: Cast, signing: Signing, peer: FhirPeer, status: int, state: DeliveryStatus, reason: Reason
) -> None:
    peer.fails_with = status
    await note_steps.signed(cast, signing)
    await delivery_steps.send(signing)
    delivery = await delivery_steps.only(signing.sessions, Channel.FHIR)
    assert (delivery.status, delivery.reason, delivery.detail) == (state, reason, "no")


@pytest.mark.parametrize("said", ["no\0", "no\ud800", "no" * 3_000_000])
async def test_what_it_says_can_be_written_down(cast: Cast, signing: Signing, peer: FhirPeer, said: str) -> None:
    """Else it would be sent again whenever its lease ends, for ever."""
    peer.fails_with, peer.says = 422, said
    await note_steps.signed(cast, signing)
    await delivery_steps.send(signing)
    delivery = await delivery_steps.only(signing.sessions, Channel.FHIR)
    is_huge = len(said) > 10
    assert delivery.status is (S.SENT_UNKNOWN if is_huge else S.DEAD)
    assert (delivery.reason, delivery.detail) == ((Reason.TOO_MUCH, "") if is_huge else (Reason.REFUSED, "no"))


@pytest.mark.parametrize("place", ["http://169.254.169.254/latest", "https://127.0.0.1:1/r4"])
async def test_a_redirect_is_no_way_elsewhere(cast: Cast, signing: Signing, peer: FhirPeer, place: str) -> None:
    peer.redirects_to = place
    await note_steps.signed(cast, signing)
    await delivery_steps.send(signing)
    delivery = await delivery_steps.only(signing.sessions, Channel.FHIR)
    assert (delivery.status, delivery.reason, delivery.detail) == (S.DEAD, Reason.REFUSED, "307")


async def test_a_patient_it_does_not_know_by_number(cast: Cast, signing: Signing, peer: FhirPeer) -> None:
    peer.held.clear()
    await note_steps.signed(cast, signing)
    await delivery_steps.send(signing)
    delivery = await delivery_steps.only(signing.sessions, Channel.FHIR)
    assert (delivery.status, delivery.reason) == (S.DEAD, Reason.NO_FILE)
    assert peer.transactions == []


@pytest.mark.parametrize("knows_patch", [True, False])
async def test_taken_back(cast: Cast, signing: Signing, peer: FhirPeer, knows_patch: bool) -> None:
    peer.knows_patch = knows_patch
    signed = await note_steps.signed(cast, signing)
    await delivery_steps.send(signing)
    async with transaction(signing.sessions) as session:
        await queue_retraction(session, signed.note)
    await delivery_steps.send(signing)
    assert await delivery_steps.states(signing.sessions, Channel.FHIR) == [S.DELIVERED, S.DELIVERED]
    assert [one["status"] for one in peer.of_kind("DocumentReference")] == ["entered-in-error"]
