"""Bearer tokens: ours pass, for their role and purposes alone; everything that is not exactly ours does not."""

import base64
import json
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import Permission, Purpose, may
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.models import Account, IssuedToken, TokenKey
from teleconsult.accounts.token_keys import BadToken, rotate_keys, sign
from teleconsult.accounts.tokens import (
    actor_for_bearer,
    issue_token,
    revoke_token,
    role_of_account,
    tokens_of_establishment,
)
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import act_as
from teleconsult.directory.models import PractitionerRole, RoleCode
from teleconsult.errors import Invalid, NotFound, StepUpNeeded
from teleconsult.sealing import Sealer
from tests.people import SECRET, Cast, bearer_of

SEALER = Sealer(SECRET)


def encoded(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


@dataclass
class Forge:
    """A good token of ours, and all it takes to make one that differs in one thing."""

    token: str
    kid: str
    private: Ed25519PrivateKey
    public_pem: str
    claims: dict[str, object]

    def with_claims(self, **changed: object) -> str:
        """Signed with our own key; a claim of None is left out."""
        claims = {name: value for name, value in (self.claims | changed).items() if value is not None}
        return self.with_header(claims)

    def with_header(self, claims: dict[str, object] | None = None, **changed: object) -> str:
        """Signed with our own key, over a header of the forger's."""
        header = {"alg": "EdDSA", "typ": "at+jwt", "kid": self.kid} | changed
        header = {name: value for name, value in header.items() if value is not None}
        signed = f"{encoded(header)}.{encoded(claims or self.claims)}"
        signature = base64.urlsafe_b64encode(self.private.sign(signed.encode())).decode().rstrip("=")
        return f"{signed}.{signature}"


@pytest.fixture
async def forge(db: AsyncSession, cast: Cast) -> Forge:
    token = await bearer_of(db, cast.rural)
    key = (await db.scalars(select(TokenKey))).one()
    private = load_pem_private_key(SEALER.open(key.private_key_sealed), password=None)
    assert isinstance(private, Ed25519PrivateKey)
    claims = jwt.decode(token, options={"verify_signature": False})
    return Forge(token, str(key.id), private, key.public_key, claims)


def by_another_key(forge: Forge) -> str:
    return replace(forge, private=Ed25519PrivateKey.generate()).with_claims()


def hmac_with_the_public_key(forge: Forge) -> str:
    """The classic confusion: our public key taken for a shared secret (RFC 8725 §2.1)."""
    import hashlib
    import hmac

    signed = f"{encoded({'alg': 'HS256', 'typ': 'at+jwt', 'kid': forge.kid})}.{encoded(forge.claims)}"
    digest = hmac.digest(forge.public_pem.encode(), signed.encode(), hashlib.sha256)
    return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def soon(**delta: int) -> int:
    return int((now() + timedelta(**delta)).timestamp())


BAD: dict[str, Callable[[Forge], str]] = {
    "nothing": lambda _: "",
    "no token": lambda _: "a.b.c",
    "too long": lambda f: f.token + "x" * 5000,
    "two parts": lambda f: f.token.rsplit(".", 1)[0],
    "four parts": lambda f: f.token + ".x",
    "cut signature": lambda f: f.token[:-4],
    "no signature": lambda f: f.token.rsplit(".", 1)[0] + ".",
    "another's claims under our signature": lambda f: ".".join(
        (f.token.split(".")[0], encoded(f.claims | {"sub": str(uuid.uuid4())}), f.token.split(".")[2])
    ),
    "no algorithm": lambda f: f.with_header(alg=None),
    "alg none": lambda f: f"{encoded({'alg': 'none', 'typ': 'at+jwt', 'kid': f.kid})}.{encoded(f.claims)}.",
    "alg None in capitals": lambda f: f.with_header(alg="None"),
    "another algorithm's name": lambda f: f.with_header(alg="ES256"),
    "our public key as a shared secret": hmac_with_the_public_key,
    "another key": by_another_key,
    "typ of another kind": lambda f: f.with_header(typ="join+jwt"),
    "typ JWT": lambda f: f.with_header(typ="JWT"),
    "no typ": lambda f: f.with_header(typ=None),
    "typ in capitals": lambda f: f.with_header(typ="AT+JWT"),
    "no kid": lambda f: f.with_header(kid=None),
    "an unknown kid": lambda f: f.with_header(kid=str(uuid.uuid4())),
    "a path as kid": lambda f: f.with_header(kid="../../key"),
    "a list as kid": lambda f: f.with_header(kid=[f.kid]),
    "the kid written otherwise": lambda f: f.with_header(kid=f"urn:uuid:{f.kid}"),
    "a key in the header": lambda f: f.with_header(jwk={"kty": "OKP", "crv": "Ed25519", "x": "AA"}),
    "a key's address in the header": lambda f: f.with_header(jku="https://example.test/keys"),
    "something critical": lambda f: f.with_header(crit=["b64"], b64=False),
    "a header that is no object": lambda f: f"{encoded(['EdDSA'])}.{encoded(f.claims)}.x",
    "a header nested deep": lambda f: f"{encoded('[' * 2000)}.{encoded(f.claims)}.x",
    "claims that are no object": lambda f: f.with_header(["iss"]),  # type: ignore[arg-type]  # that is the point
    "no exp": lambda f: f.with_claims(exp=None),
    "no iat": lambda f: f.with_claims(iat=None),
    "no nbf": lambda f: f.with_claims(nbf=None),
    "no sub": lambda f: f.with_claims(sub=None),
    "no jti": lambda f: f.with_claims(jti=None),
    "no aud": lambda f: f.with_claims(aud=None),
    "no iss": lambda f: f.with_claims(iss=None),
    "no role": lambda f: f.with_claims(role=None),
    "no org": lambda f: f.with_claims(org=None),
    "no scope": lambda f: f.with_claims(scope=None),
    "run out": lambda f: f.with_claims(exp=soon(seconds=-1)),
    "exp that is no number": lambda f: f.with_claims(exp="never"),
    "exp without end": lambda f: f.with_claims(exp=1e400),
    "not yet good": lambda f: f.with_claims(nbf=soon(minutes=5)),
    "made in the future": lambda f: f.with_claims(iat=soon(minutes=5)),
    "for others": lambda f: f.with_claims(aud="others"),
    "for others too": lambda f: f.with_claims(aud=["teleconsult", "others"]),
    "of others": lambda f: f.with_claims(iss="others"),
    "somebody else's": lambda f: f.with_claims(sub=str(uuid.uuid4())),
    "a sub that is no id": lambda f: f.with_claims(sub="nobody"),
    "another role": lambda f: f.with_claims(role=str(uuid.uuid4())),
    "another establishment": lambda f: f.with_claims(org=str(uuid.uuid4())),
    "more purposes": lambda f: f.with_claims(scope=f"{f.claims['scope']} everything"),
    "a jti we never gave": lambda f: f.with_claims(jti=str(uuid.uuid4())),
    "a jti that is no id": lambda f: f.with_claims(jti="1"),
    "a jti that is a number": lambda f: f.with_claims(jti=1),
}


async def test_a_token_of_ours_names_its_actor(db: AsyncSession, forge: Forge, cast: Cast) -> None:
    for token in (forge.token, forge.with_claims()):
        actor = await actor_for_bearer(db, token)
        assert (actor.role_id, actor.organization_id) == (cast.rural.role_id, cast.rural.organization_id)
        assert actor.token_id == uuid.UUID(str(forge.claims["jti"]))
        assert actor.factor_at is None


@pytest.mark.parametrize("bad", BAD)
async def test_a_token_that_differs_in_one_thing_is_refused(db: AsyncSession, forge: Forge, bad: str) -> None:
    with pytest.raises(BadToken):
        await actor_for_bearer(db, BAD[bad](forge))


async def test_a_token_of_another_kind_of_ours_is_refused(db: AsyncSession, forge: Forge) -> None:
    claims = {name: forge.claims[name] for name in ("sub", "jti", "role", "org", "scope")}
    token = await sign(db, SEALER, typ="join+jwt", audience="teleconsult", life=timedelta(hours=1), claims=claims)
    with pytest.raises(BadToken):
        await actor_for_bearer(db, token)


async def test_it_acts_for_its_purposes_alone(db: AsyncSession, cast: Cast) -> None:
    actor = await actor_for_bearer(db, await bearer_of(db, cast.rural, Purpose.IMAGES))
    assert actor.scope == {"images"}
    assert may(actor, Permission.IMAGES_READ)
    for permission in (Permission.FILE_READ, Permission.PATIENTS_FIND, Permission.OWN_ACCOUNT, Permission.BREAK_GLASS):
        assert not may(actor, permission)


async def test_it_stays_in_its_role(db: AsyncSession, cast: Cast) -> None:
    """A second role of the same account, taken up later, is not the token's."""
    token = await bearer_of(db, cast.rural)
    db.add(
        PractitionerRole(
            practitioner_id=cast.rural.practitioner_id,
            organization_id=cast.organizations["tertiary"].id,
            code=RoleCode.ADMINISTRATOR,
        )
    )
    await db.flush()
    assert (await actor_for_bearer(db, token)).role_id == cast.rural.role_id


async def disable_account(db: AsyncSession, actor: Actor) -> None:
    await db.execute(update(Account).where(Account.id == actor.account_id).values(disabled_at=now()))


async def end_role(db: AsyncSession, actor: Actor) -> None:
    await db.execute(update(PractitionerRole).where(PractitionerRole.id == actor.role_id).values(ended_at=now()))


async def retire_key(db: AsyncSession, _actor: Actor) -> None:
    await rotate_keys(db, SEALER, at_once=True)


async def revoke(db: AsyncSession, actor: Actor) -> None:
    kept = (await db.scalars(select(IssuedToken))).one()
    await revoke_token(db, actor, token_id=kept.id)


@pytest.mark.parametrize("end", [disable_account, end_role, retire_key, revoke])
async def test_it_ends_at_the_next_request(
    db: AsyncSession, cast: Cast, end: Callable[[AsyncSession, Actor], Awaitable[None]]
) -> None:
    token = await bearer_of(db, cast.rural)
    await actor_for_bearer(db, token)
    await end(db, cast.rural)
    with pytest.raises(BadToken) as refused:
        await actor_for_bearer(db, token)
    assert refused.value.is_ours


async def test_people_make_tokens_for_their_own_role(db: AsyncSession, cast: Cast) -> None:
    rural = replace(cast.rural, factor_at=now())
    assert rural.role_id
    token = await issue_token(db, SEALER, rural, role_id=rural.role_id, minutes=5)
    await act_as(db, SYSTEM)
    actor = await actor_for_bearer(db, token)
    kept = (await db.scalars(select(IssuedToken))).one()
    assert (actor.token_id, kept.created_by_id) == (kept.id, rural.role_id)
    assert await db.scalar(select(AuditEvent.id).where(AuditEvent.action == "token-issued"))
    with pytest.raises(StepUpNeeded):
        await issue_token(db, SEALER, cast.rural, role_id=rural.role_id)


async def test_nobody_makes_one_for_somebody_else(db: AsyncSession, cast: Cast) -> None:
    """Neither an administrator, who would read files by it, nor another token."""
    assert cast.specialist.role_id
    by_token = replace(cast.specialist, scope=frozenset(Purpose), factor_at=now())
    for actor in (replace(cast.admin, factor_at=now()), replace(cast.stranger, factor_at=now()), by_token):
        with pytest.raises(NotFound):
            await issue_token(db, SEALER, actor, role_id=cast.specialist.role_id)


async def test_what_cannot_be_issued_is_refused(db: AsyncSession, cast: Cast) -> None:
    assert cast.rural.role_id
    with pytest.raises(Invalid):
        await issue_token(db, SEALER, SYSTEM, role_id=cast.rural.role_id, purposes=[])
    with pytest.raises(Invalid):
        await issue_token(db, SEALER, SYSTEM, role_id=cast.rural.role_id, minutes=0)
    with pytest.raises(NotFound):
        await issue_token(db, SEALER, SYSTEM, role_id=uuid.uuid4())
    await end_role(db, cast.rural)
    with pytest.raises(NotFound):
        await issue_token(db, SEALER, SYSTEM, role_id=cast.rural.role_id)


async def test_none_is_good_for_more_than_a_day(db: AsyncSession, cast: Cast) -> None:
    assert cast.rural.role_id
    await issue_token(db, SEALER, SYSTEM, role_id=cast.rural.role_id, minutes=10**12)
    kept = (await db.scalars(select(IssuedToken))).one()
    assert kept.expires_at - kept.created_at <= timedelta(days=1, seconds=1)


async def test_an_accounts_role_is_found_by_code_or_id(db: AsyncSession, cast: Cast) -> None:
    email, rural = cast.emails["rural"], cast.rural.role_id
    for role in ("", "doctor", str(rural)):
        assert await role_of_account(db, email=f" {email.upper()} ", role=role) == rural
    for email_, role in (("nobody@example.test", ""), (email, "nurse"), (email, str(cast.admin.role_id))):
        with pytest.raises(NotFound):
            await role_of_account(db, email=email_, role=role)
    db.add(
        PractitionerRole(
            practitioner_id=cast.rural.practitioner_id,
            organization_id=cast.organizations["provincial"].id,
            code=RoleCode.DOCTOR,
        )
    )
    await db.flush()
    with pytest.raises(Invalid):
        await role_of_account(db, email=email, role="doctor")


async def test_an_establishment_sees_and_ends_its_tokens(db: AsyncSession, cast: Cast) -> None:
    token = await bearer_of(db, cast.specialist)
    await bearer_of(db, cast.rural)
    (kept,) = await tokens_of_establishment(db, cast.admin)
    assert kept.role.practitioner.name == cast.specialist.name
    await revoke_token(db, cast.admin, token_id=kept.id)
    await revoke_token(db, cast.admin, token_id=kept.id)
    with pytest.raises(BadToken):
        await actor_for_bearer(db, token)
    revoked = await db.scalars(select(AuditEvent).where(AuditEvent.action == "token-revoked"))
    assert [event.entity_id for event in revoked] == [kept.id]


async def test_nobody_else_sees_or_ends_them(db: AsyncSession, cast: Cast) -> None:
    token = await bearer_of(db, cast.rural)
    kept = (await db.scalars(select(IssuedToken))).one()
    by_token = await actor_for_bearer(db, token)
    for actor in (cast.admin, cast.colleague, cast.stranger, by_token):
        with pytest.raises(NotFound):
            await revoke_token(db, actor, token_id=kept.id)
    with pytest.raises(NotFound):
        await revoke_token(db, cast.rural, token_id=uuid.uuid4())
    with pytest.raises(NotFound):
        await tokens_of_establishment(db, cast.rural)
    await actor_for_bearer(db, token)
