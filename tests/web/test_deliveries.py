"""Notes on their way: whose page it is, what it says of a note, and what a person does about one that is stuck."""

import re
import uuid
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select, update

from teleconsult.accounts.stepping_up import Proof
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.models import Channel, Delivery, DeliveryStatus
from teleconsult.delivery.reasons import Reason
from teleconsult.delivery.recipient_models import OpposedTo, Opposition
from teleconsult.directory.models import ConnectionType, Endpoint
from teleconsult.notes.models import RetractionReason
from teleconsult.notes.retracting import retract_note
from teleconsult.notes.signing import Signing
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings
from tests import delivery_steps, mllp_peers, note_steps
from tests.conftest import Post, SignIn
from tests.mllp_peers import MllpPeer, mllp_peer
from tests.note_steps import Drafted
from tests.people import PASSWORD, Cast
from web.requests import OBJECTS, PRESS

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def signing(client: Client, cast: Cast, sessions: Sessions, settings: Settings) -> Signing:
    """With the app's own press, and the specialist enrolled."""
    await note_steps.enrol(sessions, settings, cast.specialist)
    return Signing(sessions, settings, client.app[OBJECTS], Sealer(settings.secret_key), client.app[PRESS])


@pytest.fixture
async def peer(cast: Cast, sessions: Sessions) -> AsyncIterator[MllpPeer]:
    """The rural health centre's system, which refuses."""
    async with mllp_peer(mllp_peers.refuses) as listening:
        await delivery_steps.endpoint(sessions, cast, ConnectionType.HL7V2, listening.address)
        yield listening


@pytest.fixture
async def stuck(cast: Cast, signing: Signing, peer: MllpPeer) -> Drafted:
    """A signed note that could not be delivered there."""
    signed = await note_steps.signed(cast, signing)
    await delivery_steps.send(signing)
    return signed


async def acts(sessions: Sessions) -> set[str]:
    async with sessions() as session:
        return set(await session.scalars(select(AuditEvent.action)))


async def test_what_is_stuck_and_why(
    client: Client, sessions: Sessions, stuck: Drafted, signed_in: SignIn, cast: Cast
) -> None:
    for who in ("coordinator", "admin"):
        await signed_in(who)
        page = await (await client.get("/deliveries")).text()
        assert "DPI rural" in page
        assert "It refused the note for good." in page
        found = re.search(r'href="(/deliveries/[0-9a-f-]{36})"', page)
        assert found
        detail = await (await client.get(found[1])).text()
        assert "Unsupported message type" in detail
        assert cast.patient.family not in page + detail
        assert note_steps.OPINION not in page + detail
    (delivery,) = await delivery_steps.deliveries(sessions, Channel.HL7V2)
    for shown, is_there in (("stuck", True), ("under-way", False), ("arrived", False), ("nonsense", True)):
        page = await (await client.get(f"/deliveries?show={shown}")).text()
        assert (str(delivery.id) in page) is is_there, shown
    for query in (
        "channel=fhir",
        "before=x,y",
        "before=2026-01-01T00:00:00,z",
        f"before=2020-01-01T00:00:00%2B00:00,{delivery.id}",
    ):
        answer = await client.get(f"/deliveries?show=stuck&{query}")
        assert answer.status == 200


@pytest.mark.parametrize("who", ["rural", "specialist", "stranger", "secretary", "operator", "privacy"])
async def test_nobody_else(
    client: Client, sessions: Sessions, stuck: Drafted, signed_in: SignIn, post: Post, who: str
) -> None:
    (delivery,) = await delivery_steps.deliveries(sessions, Channel.HL7V2)
    await signed_in(who)
    assert (await client.get("/deliveries")).status == 404
    assert (await client.get(f"/deliveries/{delivery.id}")).status == 404
    for act in ("resend", "reroute", "giving-up"):
        assert (await post(f"/deliveries/{delivery.id}/{act}", reason="No.")).status == 404


async def test_sent_again_and_not_once_it_arrived(
    client: Client, cast: Cast, signing: Signing, stuck: Drafted, peer: MllpPeer, signed_in: SignIn, post: Post
) -> None:
    (delivery,) = await delivery_steps.deliveries(signing.sessions, Channel.HL7V2)
    peer.answer = mllp_peers.accepts
    await signed_in("coordinator")
    assert (await post(f"/deliveries/{delivery.id}/resend")).status == 303
    await delivery_steps.send(signing)
    assert await delivery_steps.states(signing.sessions, Channel.HL7V2) == [DeliveryStatus.DELIVERED]
    assert len(set(peer.control_ids())) == 1
    for act in ("resend", "giving-up"):
        assert (await post(f"/deliveries/{delivery.id}/{act}", reason="No.")).status == 409
    assert "delivery-resent" in await acts(signing.sessions)
    await signed_in("rural")
    page = await (await client.get(f"/notes/{stuck.note.id}")).text()
    assert 'data-testid="who-has-it"' in page
    assert "DPI rural:" in page
    assert "Delivered" in page


async def test_sent_another_way(
    client: Client, cast: Cast, signing: Signing, stuck: Drafted, signed_in: SignIn, post: Post
) -> None:
    (delivery,) = await delivery_steps.deliveries(signing.sessions, Channel.HL7V2)
    async with mllp_peer() as other:
        elsewhere = await delivery_steps.endpoint(
            signing.sessions, cast, ConnectionType.HL7V2, other.address, place="tertiary"
        )
        second = await delivery_steps.endpoint(signing.sessions, cast, ConnectionType.HL7V2, f"{other.address}0")
        async with transaction(signing.sessions) as session:
            row = await session.get_one(Endpoint, second.id)
            row.name, row.address = "DPI second", other.address
        await signed_in("coordinator")
        page = await (await client.get(f"/deliveries/{delivery.id}")).text()
        assert "DPI second" in page
        assert "DPI tertiary" not in page
        for wrong in (str(elsewhere.id), "nonsense", ""):
            assert (await post(f"/deliveries/{delivery.id}/reroute", endpoint=wrong)).status == 422
        assert (await post(f"/deliveries/{delivery.id}/reroute", endpoint=str(second.id))).status == 303
        await delivery_steps.send(signing)
        assert len(other.taken) == 1
    found = await delivery_steps.deliveries(signing.sessions, Channel.HL7V2)
    assert [(one.status, one.reason) for one in found] == [
        (DeliveryStatus.CANCELLED, Reason.REROUTED),
        (DeliveryStatus.DELIVERED, ""),
    ]


async def test_what_the_patient_was_opposed_to_goes_once_they_are_not(
    client: Client, cast: Cast, signing: Signing, stuck: Drafted, signed_in: SignIn, post: Post
) -> None:
    address = "roy@medecin.mssante.fr"
    word = {"opposed_to": OpposedTo.PROFESSIONALS, "recorded_by_id": cast.rural.role_id, "recorded_at": now()}
    opposition = Opposition(id=uuid.uuid4(), patient_id=cast.patient.id, **word)
    mail = {"composition_id": stuck.note.id, "channel": Channel.SECURE_MAIL, "destination": address}
    ended = {"status": DeliveryStatus.CANCELLED, "reason": Reason.OPPOSED, "created_at": now()}
    delivery = Delivery(id=uuid.uuid4(), **mail, **ended)
    async with transaction(signing.sessions) as session:
        session.add_all((opposition, delivery))
    here = f"/deliveries/{delivery.id}"
    await signed_in("coordinator")
    page = await (await client.get(here)).text()
    assert 'data-testid="delivery-resend"' in page
    assert 'data-testid="delivery-give-up"' not in page
    answer = await post(f"{here}/resend")
    assert (answer.status, "still does not want" in await answer.text()) == (409, True)
    async with transaction(signing.sessions) as session:
        (await session.get_one(Opposition, opposition.id)).withdrawn_at = now()
    assert (await post(f"{here}/resend")).status == 303
    (after,) = await delivery_steps.deliveries(signing.sessions, Channel.SECURE_MAIL)
    assert (after.id, after.status, after.reason) == (delivery.id, DeliveryStatus.QUEUED, "")

    async with transaction(signing.sessions) as session:
        await session.execute(update(Delivery).where(Delivery.id == delivery.id).values(**ended))
    await retract_note(
        signing.sessions,
        signing.settings,
        cast.specialist,
        note_id=stuck.note.id,
        reason=RetractionReason.ERROR,
        explanation="It is about the person in the next bed.",
        proof=Proof(password=PASSWORD),
        address="192.0.2.1",
    )
    assert 'data-testid="delivery-resend"' not in await (await client.get(here)).text()
    assert (await post(f"{here}/resend")).status == 409, "a note that was withdrawn goes to nobody"
    (after,) = await delivery_steps.deliveries(signing.sessions, Channel.SECURE_MAIL)
    assert (after.status, after.reason) == (DeliveryStatus.CANCELLED, Reason.OPPOSED)


async def test_given_up_with_a_reason(
    client: Client, signing: Signing, stuck: Drafted, signed_in: SignIn, post: Post
) -> None:
    (delivery,) = await delivery_steps.deliveries(signing.sessions, Channel.HL7V2)
    await signed_in("admin")
    assert (await post(f"/deliveries/{delivery.id}/giving-up", reason=" ")).status == 422
    assert (await post(f"/deliveries/{delivery.id}/giving-up", reason="x" * 301)).status == 422
    assert (await post(f"/deliveries/{delivery.id}/giving-up", reason="Handed over on paper.")).status == 303
    (after,) = await delivery_steps.deliveries(signing.sessions, Channel.HL7V2)
    assert (after.status, after.reason, after.detail) == (
        *(DeliveryStatus.CANCELLED, Reason.GIVEN_UP),
        "Handed over on paper.",
    )
    assert "delivery-given-up" in await acts(signing.sessions)


async def test_what_is_being_sent_is_left_alone(
    client: Client, signing: Signing, stuck: Drafted, signed_in: SignIn, post: Post
) -> None:
    (delivery,) = await delivery_steps.deliveries(signing.sessions, Channel.HL7V2)
    async with transaction(signing.sessions) as session:
        await session.execute(
            update(Delivery)
            .where(Delivery.id == delivery.id)
            .values(status=DeliveryStatus.SENDING, leased_until=now(), updated_at=now())
        )
    await signed_in("coordinator")
    assert (await post(f"/deliveries/{delivery.id}/resend")).status == 409
    assert "Being sent" in await (await client.get("/deliveries?show=under-way")).text()


async def test_how_a_system_takes_notes(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    made = await delivery_steps.endpoint(sessions, cast, ConnectionType.HL7V2, "dpi.chu.example:2575", place="tertiary")
    server = await delivery_steps.endpoint(
        sessions, cast, ConnectionType.FHIR, "https://fhir.chu.example/r4", place="tertiary"
    )
    theirs = await delivery_steps.endpoint(sessions, cast, ConnectionType.HL7V2, "dpi.anse.example:2575")
    await signed_in("admin")
    door = f"/admin/endpoints/{made.id}/notes"
    assert "Send signed notes there" in await (await client.get(door)).text()
    for wrong in ({"facility": "A|B"}, {"message": "adt"}, {"authority": "no certificate"}):
        assert (await post(door, receives_notes="on", **wrong)).status == 422, wrong
    answer = await post(door, receives_notes="on", message="oru", application="DPI", facility="CHU")
    assert answer.status == 303
    assert (await post(f"/admin/endpoints/{server.id}/notes", receives_notes="on", token="a b")).status == 422
    assert (await post(f"/admin/endpoints/{server.id}/notes", receives_notes="on", token="a-token")).status == 303
    assert "a-token" not in await (await client.get(f"/admin/endpoints/{server.id}/notes")).text()
    assert (await client.get(f"/admin/endpoints/{theirs.id}/notes")).status == 404
    assert (await post(f"/admin/endpoints/{theirs.id}/notes")).status == 404
    async with sessions() as session:
        kept = await session.get_one(Endpoint, made.id)
        assert (kept.receives_notes, kept.message, kept.application, kept.facility) == (True, "oru", "DPI", "CHU")
        sealed = (await session.get_one(Endpoint, server.id)).credential_sealed
        assert sealed is not None
        assert b"a-token" not in sealed
    assert "endpoint-notes-set" in await acts(sessions)
    assert "Takes notes" in await (await client.get("/admin/endpoints")).text()
