"""The page of one's signing keys: getting one, one that is kept elsewhere, taking one out of use."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select, update

from teleconsult.accounts.models import Account, PersonalKey, WebSession
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.notes.authority import issue_for, make_authority, open_authority
from teleconsult.notes.authority_answers import revoked_in
from teleconsult.notes.models import Composition, CompositionStatus, KeyStore, SigningKey
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings
from tests import mailbox, note_steps
from tests.conftest import Post, SignIn
from tests.passkey_steps import with_key
from tests.people import PASSWORD, Cast
from tests.signature_service import SECRET, Service, signature_service
from tests.web.signature_steps import shown_to_sign, sign_as_shown

Client = TestClient[web.Request, web.Application]
PAGE = "/account/signing-keys"
NEW = "quatre mots sans rapport"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with signature_service() as server:
        yield server


@pytest.fixture
def settings(settings: Settings, service: Service) -> Settings:
    return settings.model_copy(update={"remote_signing_url": service.address, "remote_signing_secret": SECRET})


async def keys(sessions: Sessions) -> list[SigningKey]:
    async with transaction(sessions) as session:
        return list(await session.scalars(select(SigningKey).order_by(SigningKey.created_at)))


async def acts(sessions: Sessions) -> set[str]:
    async with transaction(sessions) as session:
        return set(await session.scalars(select(AuditEvent.action)))


def certified(settings: Settings, service: Service, *, number: str) -> str:
    authority = open_authority(settings.data, Sealer(settings.secret_key), at=now())
    public = service.key.public_key()
    return issue_for(authority, public, name="Dr Minh", registration_number=number, at=now())


def on_another_curve(pem: str) -> str:
    """The certificate, whose key says it is on a curve that nobody here computes on (prime239v1, ANSI X9.62)."""
    own = x509.load_pem_x509_certificate(pem.encode()).public_bytes(serialization.Encoding.DER)
    p256, other = bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a8648ce3d030104")
    changed = base64.encodebytes(own.replace(p256, other)).decode()
    return f"-----BEGIN CERTIFICATE-----\n{changed}-----END CERTIFICATE-----\n"


async def test_a_key_of_ones_own_from_the_first_to_the_last(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn, post: Post
) -> None:
    await signed_in("specialist")
    none = await (await client.get(PAGE)).text()
    assert "No certificate yet" in none
    assert (await post(PAGE, password=PASSWORD)).status == 409, "no authority here"
    open_authority(settings.data, Sealer(settings.secret_key), at=now())
    assert (await post(PAGE, password="wrong")).status == 422
    for _ in range(2):
        assert (await post(PAGE, password=PASSWORD)).status == 303
    (key,) = await keys(sessions)
    page = await (await client.get(PAGE)).text()
    own = x509.load_pem_x509_certificate(key.certificate.encode())
    (named,) = own.subject.get_attributes_for_oid(x509.NameOID.SERIAL_NUMBER)
    assert str(named.value) in page
    assert "In use" in page
    assert "key-expires" not in page
    draft = await note_steps.drafted(cast, sessions)
    assert (await sign_as_shown(client, post, f"/notes/{draft.note.id}", version="2", password=PASSWORD)).status == 303

    async with transaction(sessions) as session:
        await session.execute(update(SigningKey).values(not_after=now() + timedelta(days=29)))
    assert "key-expires" in await (await client.get(PAGE)).text()
    assert (await post(PAGE, password=PASSWORD)).status == 303, "a new one in time"
    old, new = await keys(sessions)
    assert (old.revocation_reason, new.revoked_at) == ("superseded", None)

    assert (await post(f"{PAGE}/{new.id}/revocation", reason="because")).status == 422
    assert (await post(f"{PAGE}/{new.id}/revocation", reason="keyCompromise")).status == 303
    assert (await post(f"{PAGE}/{new.id}/revocation", reason="keyCompromise")).status == 409
    await mailbox.work(settings, sessions)
    serial = x509.load_pem_x509_certificate(new.certificate.encode()).serial_number
    assert set(revoked_in(settings.data)) == {serial}, "the one that was merely replaced is left to those who check"
    assert {"signer-enrolled", "signing-key-replaced", "signing-key-revoked"} <= await acts(sessions)


async def test_who_forgot_their_password_is_told_and_gets_a_new_key(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn, post: Post
) -> None:
    await note_steps.enrol(sessions, settings, cast.specialist)
    draft = await note_steps.drafted(cast, sessions)
    await signed_in("specialist")
    address = f"/notes/{draft.note.id}"
    assert (await post("/account/password", current=PASSWORD, new=NEW)).status == 303
    shown = await shown_to_sign(client, address)
    assert "no-key" not in await (await client.get(f"{address}/signature")).text(), "another password opens it still"
    async with transaction(sessions) as session:  # what a reset leaves
        kept = await session.scalar(select(PersonalKey).where(PersonalKey.account_id == cast.specialist.account_id))
        await session.delete(kept)
    assert "no-key" in await (await client.get(f"{address}/signature")).text()
    lost = await post(f"{address}/signature", version="2", password=NEW, shown=shown)
    assert lost.status == 409
    assert "no longer be opened" in await lost.text()
    assert "key-lost" in await (await client.get(PAGE)).text()
    got = await post(PAGE, password=NEW, next=f"{address}/signature")
    assert (got.status, got.headers["Location"]) == (303, f"{address}/signature"), "and back to what waits"
    await mailbox.work(settings, sessions)
    old, _new = await keys(sessions)
    assert set(revoked_in(settings.data)) == {x509.load_pem_x509_certificate(old.certificate.encode()).serial_number}
    assert (await sign_as_shown(client, post, address, version="2", password=NEW)).status == 303
    async with transaction(sessions) as session:  # as one that ran out long before its password was forgotten
        await session.execute(
            update(SigningKey).where(SigningKey.id == old.id).values(revoked_at=None, not_after=now())
        )
    assert "key-lost" not in await (await client.get(PAGE)).text(), "the new one opens"


async def test_a_key_elsewhere_is_ones_own_or_is_not_taken(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn, post: Post, service: Service
) -> None:
    await signed_in("specialist")
    asked = {"store": "remote", "reference": "minh-2026"}
    others = make_authority("Elsewhere", at=now())
    another = ec.generate_private_key(ec.SECP256R1()).public_key()
    authority = open_authority(settings.data, Sealer(settings.secret_key), at=now())
    number = await note_steps.registration_number(sessions, cast.specialist)
    good = certified(settings, service, number=number)
    told: dict[str, Any] = {"name": "Dr Minh", "registration_number": number, "at": now()}
    for fields, words in (
        ({"certificate": certified(settings, service, number="99999")}, "not made out to your registration number"),
        ({"certificate": issue_for(others, service.key.public_key(), **told)}, "No authority that is trusted here"),
        ({"certificate": issue_for(authority, another, **told)}, "not the one of this certificate"),
        ({"certificate": "nonsense"}, "no certificate that notes can be signed with"),
        ({"certificate": on_another_curve(good)}, "no certificate that notes can be signed with"),
        ({"certificate": good, "reference": ""}, "Write the name"),
        ({"certificate": good, "store": "soft"}, "Say where the key is"),
        (
            {
                "certificate": issue_for(
                    authority, service.key.public_key(), **told | {"at": now() - timedelta(days=2000)}
                )
            },
            "out of date",
        ),
    ):
        refused = await post(f"{PAGE}/elsewhere", **{**asked, **fields})
        assert refused.status == 422, words
        assert words in await refused.text()
    service.answer = "no"
    assert (await post(f"{PAGE}/elsewhere", **asked, certificate=good)).status == 409
    service.answer = "well"
    assert await keys(sessions) == []
    assert (await post(f"{PAGE}/elsewhere", **asked, certificate=good)).status == 303
    (key,) = await keys(sessions)
    assert (key.store, key.reference, key.private_key_sealed) == (KeyStore.REMOTE, "minh-2026", b"")

    async with transaction(sessions) as session:
        await session.execute(update(WebSession).values(factor_at=WebSession.factor_at - timedelta(minutes=3)))
    stale = await post(f"{PAGE}/elsewhere", **asked, certificate=good)
    assert stale.headers["Location"].startswith("/step-up")


async def test_a_passkey_signs_where_the_key_is_elsewhere_and_no_password_is(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, post: Post, service: Service
) -> None:
    number = await note_steps.registration_number(sessions, cast.specialist)
    async with transaction(sessions) as session:
        session.add(
            SigningKey(
                practitioner_id=cast.specialist.practitioner_id,
                certificate=certified(settings, service, number=number),
                private_key_sealed=b"",
                store=KeyStore.REMOTE,
                reference="minh-2026",
                not_after=now() + timedelta(days=300),
                created_at=now(),
            )
        )
    draft = await note_steps.drafted(cast, sessions)
    key = await with_key(sessions, settings, cast, "specialist")
    async with transaction(sessions) as session:
        await session.execute(update(Account).values(password_hash=None))
    asked = await (await post("/sign-in/passkey/options")).text()
    await post("/sign-in/passkey", passkey=key.answer(asked))
    address = f"/notes/{draft.note.id}"
    page = await (await client.get(f"{address}/signature")).text()
    assert 'data-testid="passkey"' in page
    assert 'name="password"' not in page
    assert (await sign_as_shown(client, post, address, version="2")).status == 422
    answer = key.answer(await (await post("/step-up/passkey/options")).text())
    assert (await sign_as_shown(client, post, address, version="2", passkey=answer)).status == 303
    async with transaction(sessions) as session:
        assert (await session.scalars(select(Composition))).one().status is CompositionStatus.FINAL


async def test_a_soft_key_is_for_who_has_a_password(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn, post: Post
) -> None:
    await note_steps.enrol(sessions, settings, cast.specialist)
    draft = await note_steps.drafted(cast, sessions)
    await signed_in("specialist")
    async with transaction(sessions) as session:
        await session.execute(update(Account).values(password_hash=None))
    page = await (await client.get(f"/notes/{draft.note.id}/signature")).text()
    assert "your account has none" in page


async def test_an_administrator_takes_a_colleagues_back(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn, post: Post
) -> None:
    await note_steps.enrol(sessions, settings, cast.specialist)
    (key,) = await keys(sessions)
    revocation = f"/admin/signing-keys/{key.id}/revocation"
    await signed_in("oncall")
    assert (await post(revocation, reason="affiliationChanged")).status in {403, 404}
    assert (await post(f"{PAGE}/{key.id}/revocation", reason="affiliationChanged")).status == 404
    await signed_in("rural")
    assert (await client.get(PAGE)).status in {403, 404}
    await signed_in("admin")
    person = f"/admin/people/{cast.specialist.practitioner_id}"
    assert 'data-testid="signing-key"' in await (await client.get(person)).text()
    taken = await post(revocation, reason="affiliationChanged")
    assert (taken.status, taken.headers["Location"]) == (303, person)
    assert "They work elsewhere now" in await (await client.get(person)).text()
