"""Image archives, on the administrator's page: set up, tested, turned off."""

import re
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.dimse.models import DicomPeer
from teleconsult.imaging.pacs.models import Pacs
from tests.certificates import make_certificate
from tests.conftest import Post, SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]
DIMSE = {"name": "<b>PACS", "kind": "c-get", "address": "pacs.hospital.example:104", "ae_title": "PACS"}
WEB = {"name": "PACS", "kind": "dicomweb", "address": "https://pacs.hospital.example/dicom-web/"}


async def kept(sessions: Sessions) -> list[Pacs]:
    async with transaction(sessions) as session:
        return list(await session.scalars(select(Pacs)))


async def test_one_is_set_up_and_turned_off(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions, cast: Cast
) -> None:
    await signed_in("admin")
    assert "No archive is set up yet" in await (await client.get("/admin/pacs")).text()
    assert (await post("/admin/pacs", **DIMSE)).status == 303
    (pacs,) = await kept(sessions)
    assert (pacs.organization_id, pacs.calling_title) == (cast.admin.organization_id, "TELECONSULT")
    page = await (await client.get("/admin/pacs")).text()
    assert "&lt;b&gt;PACS" in page
    (switch,) = re.findall(r"/admin/pacs/[0-9a-f-]+/status", page)
    for on, told in (("no", "Turn on"), ("no", "Turn on"), ("yes", "Turn off")):
        assert (await post(switch, on=on)).status == 303
        assert f"{told}: " in await (await client.get("/admin/pacs")).text()
    async with transaction(sessions) as session:
        acts = list(await session.scalars(select(AuditEvent.action).order_by(AuditEvent.recorded_at)))
    assert [act for act in acts if act.startswith("pacs-")] == ["pacs-added", "pacs-disabled", "pacs-enabled"]


async def test_a_password_is_sealed_and_never_shown_again(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions
) -> None:
    await signed_in("admin")
    assert (await post("/admin/pacs", **WEB, user="teleconsult", secret="correct horse")).status == 303
    assert (await post("/admin/pacs", **WEB, secret="a-token")).status == 303
    assert all(b"horse" not in (one.credential_sealed or b"") for one in await kept(sessions))
    page = await (await client.get("/admin/pacs")).text()
    assert page.count("with a password or token") == 2
    refused = await (await post("/admin/pacs", **WEB | {"address": "no"}, secret="correct horse")).text()
    assert "correct horse" not in page + refused


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("name", "", "Give it a short name."),
        ("kind", "ftp", "Choose how images are fetched from it."),
        ("address", "pacs.hospital.example", "Give its name or address and its port"),
        ("address", "pacs.hospital.example:0", "Give its name or address and its port"),
        ("address", "pacs/../x:104", "Give its name or address and its port"),
        ("address", "<script>:x:1", "Give its name or address and its port"),
        ("address", "https://[::1", "Give its name or address and its port"),
        ("ae_title", "a title that is too long", "Give its AE title"),
        ("calling_title", "back\\slash", "An AE title has 16 plain letters at most."),
        ("authority", "no certificate", "This is no certificate."),
    ],
)
async def test_what_is_wrong_is_said_beside_its_field(
    signed_in: SignIn, post: Post, sessions: Sessions, field: str, typed: str, said: str
) -> None:
    await signed_in("admin")
    answer = await post("/admin/pacs", **DIMSE | {field: typed})
    assert answer.status == 422
    assert said in await answer.text()
    assert await kept(sessions) == []


@pytest.mark.parametrize(
    "address",
    [
        "https://[::1",
        "https://[::x]",
        "http://pacs.hospital.example",
        "https://user:secret@pacs.example",
        "https://pacs.example/?a=b",
        "ftp://x",
        "x",
    ],
)
async def test_dicomweb_is_https_without_anything_else_in_it(signed_in: SignIn, post: Post, address: str) -> None:
    await signed_in("admin")
    answer = await post("/admin/pacs", **WEB | {"address": address})
    assert answer.status == 422
    assert "Give its https address" in await answer.text()


async def test_one_that_sends_is_one_of_the_systems_that_may(
    signed_in: SignIn, post: Post, sessions: Sessions, cast: Cast
) -> None:
    await signed_in("admin")
    moving = DIMSE | {"kind": "c-move"}
    peers = [
        DicomPeer(organization_id=house, name="PACS", ae_title="PACS", network=network, created_at=now())
        for house, network in (
            (cast.admin.organization_id, "10.1.2.3/32"),
            (cast.stranger.organization_id, "10.1.2.4/32"),
        )
    ]
    async with transaction(sessions) as session:
        session.add_all(peers)
    ours, theirs = peers
    for sender in ("", "no id", str(theirs.id)):
        answer = await post("/admin/pacs", **moving, sender=sender)
        assert answer.status == 422
        assert "Choose which of the systems that send images it is." in await answer.text()
    assert (await post("/admin/pacs", **moving, sender=str(ours.id), calling_title="ELSE")).status == 303
    (pacs,) = await kept(sessions)
    assert (pacs.dicom_peer_id, pacs.calling_title) == (ours.id, "TELECONSULT")


async def test_the_test_says_what_is_wrong(client: Client, signed_in: SignIn, post: Post) -> None:
    """An address of this very machine is asked nothing; the administrator's colleague elsewhere cannot ask at all."""
    await signed_in("admin")
    await post("/admin/pacs", **DIMSE | {"address": "127.0.0.1:104"})
    (test,) = re.findall(r"/admin/pacs/[0-9a-f-]+/test", await (await client.get("/admin/pacs")).text())
    assert (await post(test)).status == 303
    assert "Its address is one that may not be asked." in await (await client.get("/admin/pacs")).text()
    await signed_in("rural")
    assert (await post(test)).status == 404
    assert (await client.get("/admin/pacs")).status == 404


async def test_one_is_changed_and_the_log_says_what(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions
) -> None:
    await signed_in("admin")
    await post("/admin/pacs", **DIMSE)
    (one,) = re.findall(r'href="(/admin/pacs/[0-9a-f-]+)"', await (await client.get("/admin/pacs")).text())
    shown = await (await client.get(one)).text()
    assert 'value="pacs.hospital.example:104"' in shown
    for _twice in range(2):
        assert (await post(one, **DIMSE | {"address": "pacs2.example:104", "tls": "yes"})).status == 303
    (pacs,) = await kept(sessions)
    assert (pacs.address, pacs.uses_tls, pacs.ae_title) == ("pacs2.example:104", True, "PACS")
    wrong = await post(one, **DIMSE | {"ae_title": ""})
    assert (wrong.status, "Give its AE title" in await wrong.text()) == (422, True)
    assert (await post(one, **WEB, secret="a-token")).status == 303
    (pacs,) = await kept(sessions)
    assert (pacs.kind, pacs.ae_title, pacs.calling_title, pacs.uses_tls) == ("dicomweb", "", "", False)
    async with transaction(sessions) as session:
        query = select(AuditEvent).where(AuditEvent.action == "pacs-changed").order_by(AuditEvent.recorded_at)
        told = [event.detail["changed"] for event in await session.scalars(query)]
    assert told[0] == "address: pacs.hospital.example:104 → pacs2.example:104; uses_tls: no → yes"
    assert told[1].endswith("credential_sealed: – → …")
    assert len(told) == 2
    await signed_in("privacy_tertiary")
    page = await (await client.get("/audit")).text()
    assert "Its address: pacs.hospital.example:104 → pacs2.example:104; By TLS: no → yes" in page


async def test_a_password_stays_with_the_place_it_was_given_for(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions
) -> None:
    """Who changes the address would else have our password sent to a machine of theirs."""
    await signed_in("admin")
    await post("/admin/pacs", **WEB, secret="a-token")
    (one,) = re.findall(r'href="(/admin/pacs/[0-9a-f-]+)"', await (await client.get("/admin/pacs")).text())
    (before,) = await kept(sessions)
    assert (await post(one, **WEB | {"name": "Renamed"})).status == 303
    (pacs,) = await kept(sessions)
    assert (pacs.name, pacs.credential_sealed) == ("Renamed", before.credential_sealed)
    for door in (one, f"{one}/trial"):
        elsewhere = await (await post(door, **WEB | {"address": "https://elsewhere.example"})).text()
        assert "Type it again: it was given for another address or certificate." in elsewhere
    assert (await post(one, **WEB | {"address": "https://elsewhere.example"}, secret="another")).status == 303
    (pacs,) = await kept(sessions)
    assert pacs.credential_sealed not in (None, before.credential_sealed)
    assert (await post(one, **WEB, forgets="yes")).status == 303
    (pacs,) = await kept(sessions)
    assert pacs.credential_sealed is None


async def test_a_connection_is_tried_before_it_is_kept(signed_in: SignIn, post: Post, sessions: Sessions) -> None:
    """Beside the form where the browser keeps it, else on a page with what was typed, but for the secret."""
    await signed_in("admin")
    for values, said in (
        (DIMSE | {"address": "127.0.0.1:104"}, "Its address is one that may not be asked."),
        (DIMSE | {"ae_title": ""}, "Give its AE title"),
        (WEB | {"address": "https://127.0.0.1"}, "Its address is one that may not be asked."),
    ):
        for framed in (True, False):
            answer = await post("/admin/pacs-trial", frame="trial" if framed else "", **values, secret="correct horse")
            told = await answer.text()
            assert (answer.status, said in told, "<form" in told) == (200, True, not framed)
            assert "correct horse" not in told
    assert await kept(sessions) == []
    async with transaction(sessions) as session:
        query = select(AuditEvent).where(AuditEvent.action == "pacs-tested")
        assert {event.detail["place"] for event in await session.scalars(query)} == {
            "127.0.0.1:104",
            "https://127.0.0.1",
        }


async def test_another_establishment_s_is_not_there(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions, cast: Cast
) -> None:
    theirs = Pacs(
        organization_id=cast.stranger.organization_id,
        name="Theirs",
        kind="dicomweb",
        address="https://pacs.example",
        created_at=now(),
    )
    async with transaction(sessions) as session:
        session.add(theirs)
    await signed_in("admin")
    assert (await client.get(f"/admin/pacs/{theirs.id}")).status == 404
    for door in ("", "/trial"):
        assert (await post(f"/admin/pacs/{theirs.id}{door}", **WEB)).status == 404
    (pacs,) = await kept(sessions)
    assert pacs.name == "Theirs"


async def test_a_private_key_is_neither_kept_nor_shown_again(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions, tmp_path: Path
) -> None:
    await signed_in("admin")
    made = make_certificate(tmp_path / "its")
    pem, key = made.certificate.read_text(), made.key.read_text()
    for door in ("/admin/pacs", "/admin/pacs-trial"):
        page = await (await post(door, **WEB, authority=pem + key)).text()
        assert ("This holds a private key." in page, "BEGIN PRIVATE" in page) == (True, False)
    assert await kept(sessions) == []
    pasted = pem.replace("\n", "\r\n")
    assert (await post("/admin/pacs", **WEB, authority=pasted, secret="a-token")).status == 303
    (one,) = re.findall(r'href="(/admin/pacs/[0-9a-f-]+)"', await (await client.get("/admin/pacs")).text())
    assert (await post(one, **WEB | {"name": "Renamed"}, authority=pasted)).status == 303
    (pacs,) = await kept(sessions)
    assert (pacs.name, pacs.authority) == ("Renamed", pem)
