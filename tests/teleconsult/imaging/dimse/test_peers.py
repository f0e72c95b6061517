"""Which systems may send images: set by the establishment's administrators alone."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Conflict, Invalid, NotFound
from teleconsult.imaging.dimse.models import DicomPeer
from teleconsult.imaging.dimse.peers import PeerForm, add_peer, change_peer, peers_here, switch_peer
from teleconsult.imaging.dimse.recognising import peer_at_door
from tests.people import Cast
from tests.teleconsult.hl7v2.test_listener import make_authority

KEY = "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n-----END RSA PRIVATE KEY-----\n"


async def add(sessions: Sessions, actor: Actor, **changes: str) -> DicomPeer:
    async with transaction(sessions, actor) as session:
        own = {"name": " CT ", "ae_title": " CT 1 ", "address": "10.1.2.3"}
        return await add_peer(session, actor, form=PeerForm(**own | changes))


async def at_door(sessions: Sessions, address: str, certificate: bytes | None = None) -> str | None:
    async with transaction(sessions, SYSTEM) as session:
        peer = await peer_at_door(session, ae_title="CT 1", address=address, certificate=certificate)
    return peer.name if peer else None


async def test_it_is_added_once_turned_off_and_on(cast: Cast, sessions: Sessions) -> None:
    peer = await add(sessions, cast.admin)
    assert (peer.name, peer.ae_title, peer.network) == ("CT", "CT 1", "10.1.2.3/32")
    with pytest.raises(Conflict):
        await add(sessions, cast.admin, name="Another")
    for is_on in (False, False, True):
        async with transaction(sessions, cast.admin) as session:
            await switch_peer(session, cast.admin, peer_id=peer.id, is_on=is_on)
            (known,) = await peers_here(session, cast.admin)
            assert (known.disabled_at is None) is is_on
        assert await at_door(sessions, "10.1.2.3") == ("CT" if is_on else None)
    async with transaction(sessions) as session:
        actions = (await session.scalars(select(AuditEvent.action).order_by(AuditEvent.recorded_at))).all()
    assert actions == ["dicom-peer-added", "dicom-peer-disabled", "dicom-peer-enabled"]


async def test_it_is_known_by_its_address_or_its_certificate(cast: Cast, sessions: Sessions, tmp_path: Path) -> None:
    make_authority(tmp_path)
    pem = (tmp_path / "ca.pem").read_text()
    await add(sessions, cast.admin, name="By address", address="10.1.2.0/24")
    proven = await add(sessions, cast.admin, name="By both", certificate=pem)
    shown = proven.certificate_sha256
    assert await at_door(sessions, "10.1.2.9") == "By address"
    assert await at_door(sessions, "::ffff:10.1.2.9") == "By address"
    assert await at_door(sessions, "10.1.2.3", shown) == "By both"
    assert await at_door(sessions, "10.1.2.9", shown) == "By address"
    assert await at_door(sessions, "10.1.3.1", shown) is None
    assert await at_door(sessions, "10.1.3.1") is None
    await add(sessions, cast.admin, name="Anywhere", address="", certificate=pem)
    assert await at_door(sessions, "10.1.3.1", shown) == "Anywhere"
    assert await at_door(sessions, "10.1.3.1", bytes(32)) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 101),
        ("ae_title", ""),
        ("ae_title", "x" * 17),
        ("ae_title", "A\\B"),
        ("ae_title", "É"),
        ("address", ""),
        ("address", "scanner.local"),
        ("address", "10.1.2.3/16"),
        ("address", "10.0.0.0/8"),
        ("address", "2001:db8::/32"),
        ("certificate", "mine"),
    ],
)
async def test_what_is_wrong_is_said(cast: Cast, sessions: Sessions, field: str, value: str) -> None:
    with pytest.raises(Invalid) as caught:
        await add(sessions, cast.admin, **{field: value})
    assert set(caught.value.fields) == {field}


@pytest.mark.parametrize("who", ["rural", "coordinator", "secretary", "privacy", "operator"])
async def test_nobody_else_may(cast: Cast, sessions: Sessions, who: str) -> None:
    with pytest.raises(NotFound):
        await add(sessions, getattr(cast, who))


async def test_another_establishments_are_not_there(cast: Cast, sessions: Sessions, peer: DicomPeer) -> None:
    """The fixture's scanner is the rural centre's; the cast's administrator is the tertiary hospital's."""
    async with transaction(sessions, cast.admin) as session:
        assert not await peers_here(session, cast.admin)
        with pytest.raises(NotFound):
            await switch_peer(session, cast.admin, peer_id=peer.id, is_on=False)


async def changed(sessions: Sessions, actor: Actor, peer: DicomPeer, **values: str | bool) -> DicomPeer:
    own: dict[str, Any] = {"name": "CT", "ae_title": "CT 1", "address": "10.1.2.3"}
    async with transaction(sessions, actor) as session:
        return await change_peer(session, actor, peer_id=peer.id, form=PeerForm(**own | values))


async def what_was_changed(sessions: Sessions) -> list[str]:
    async with transaction(sessions) as session:
        query = select(AuditEvent).where(AuditEvent.action == "dicom-peer-changed").order_by(AuditEvent.recorded_at)
        return [event.detail["changed"] for event in await session.scalars(query)]


async def test_a_change_holds_at_the_door_and_stands_in_the_log(cast: Cast, sessions: Sessions) -> None:
    peer = await add(sessions, cast.admin)
    for _twice in range(2):
        await changed(sessions, cast.admin, peer, name="CT 2", address="10.1.2.4", report_address="10.1.2.4:104")
    assert await at_door(sessions, "10.1.2.4") == "CT 2"
    assert await at_door(sessions, "10.1.2.3") is None
    assert await what_was_changed(sessions) == [
        "name: CT → CT 2; network: 10.1.2.3/32 → 10.1.2.4/32; report_address: – → 10.1.2.4:104"
    ]


async def test_its_certificate_stays_unless_it_is_replaced_or_forgotten(
    cast: Cast, sessions: Sessions, tmp_path: Path
) -> None:
    make_authority(tmp_path)
    peer = await add(sessions, cast.admin, certificate=(tmp_path / "ca.pem").read_text())
    shown = peer.certificate_sha256
    assert (await changed(sessions, cast.admin, peer)).certificate_sha256 == shown
    assert (await changed(sessions, cast.admin, peer, address="")).network is None
    with pytest.raises(Invalid):
        await changed(sessions, cast.admin, peer, address="", forgets=True)
    make_authority(tmp_path)
    renewed = await changed(sessions, cast.admin, peer, certificate=(tmp_path / "ca.pem").read_text())
    assert renewed.certificate_sha256 not in (shown, None)
    assert (await changed(sessions, cast.admin, peer, forgets=True)).certificate_sha256 is None
    assert (await what_was_changed(sessions))[1:] == [
        "network: – → 10.1.2.3/32; certificate_sha256: … → …",
        "certificate_sha256: … → –",
    ]


async def test_of_an_authority_its_certificates_alone_are_kept(cast: Cast, sessions: Sessions, tmp_path: Path) -> None:
    pems = []
    for _number in range(11):
        make_authority(tmp_path)
        pems.append((tmp_path / "ca.pem").read_text())
    peer = await add(sessions, cast.admin, report_authority=f"My password: x\n{pems[0] * 400}\n{pems[1]}behind")
    assert peer.report_authority == pems[0] + pems[1]
    for typed, said in (
        (pems[0] + KEY, "This holds a private key."),
        (KEY, "This holds a private key."),
        ("".join(pems), "Paste ten certificates at most."),
        (pems[0][:-100], "This is no certificate."),
    ):
        with pytest.raises(Invalid) as caught:
            await changed(sessions, cast.admin, peer, report_authority=typed)
        assert caught.value.fields["report_authority"].startswith(said)


async def test_it_is_not_changed_into_another_one_or_by_others(cast: Cast, sessions: Sessions, peer: DicomPeer) -> None:
    ours = await add(sessions, cast.admin)
    await add(sessions, cast.admin, address="10.1.2.4")
    with pytest.raises(Conflict):
        await changed(sessions, cast.admin, ours, address="10.1.2.4")
    for who, which in (("admin", peer), ("rural", ours), ("operator", ours)):
        with pytest.raises(NotFound):
            await changed(sessions, getattr(cast, who), which)
    assert await what_was_changed(sessions) == []
