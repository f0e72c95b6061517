"""Bearer tokens: ours pass, everything that is not exactly ours does not."""

import base64
import json
import uuid
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts import actor_for_bearer, issue_token
from teleconsult.accounts.models import Account, TokenKey
from teleconsult.clock import now
from teleconsult.errors import NotFound
from teleconsult.sealing import Sealer
from tests.people import SECRET, Cast

SEALER = Sealer(SECRET)


async def forge(db: AsyncSession, token: str, *, header: dict[str, str] | None = None, **claims: object) -> str:
    """A token like `token`, signed with our own key, but for what is given; a claim of None is left out."""
    key = (await db.scalars(select(TokenKey))).one()
    private = load_pem_private_key(SEALER.open(key.private_key_sealed), password=None)
    assert isinstance(private, Ed25519PrivateKey)
    content = jwt.decode(token, options={"verify_signature": False}) | claims
    content = {name: value for name, value in content.items() if value is not None}
    return jwt.encode(
        content, private, algorithm="EdDSA", headers={"kid": str(key.id), "typ": "at+jwt", **(header or {})}
    )


async def test_a_token_of_ours_names_its_actor(db: AsyncSession, cast: Cast) -> None:
    token = await issue_token(db, SEALER, email=cast.emails["specialist"].upper())
    actor = await actor_for_bearer(db, token)
    assert actor is not None
    assert actor.role_id == cast.specialist.role_id


async def test_an_unknown_account_gets_none(db: AsyncSession, cast: Cast) -> None:
    with pytest.raises(NotFound):
        await issue_token(db, SEALER, email="nobody@example.test")


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf", "sub", "jti", "aud", "iss"])
async def test_every_claim_is_required(db: AsyncSession, cast: Cast, claim: str) -> None:
    token = await issue_token(db, SEALER, email=cast.emails["rural"])
    assert await actor_for_bearer(db, await forge(db, token)) is not None
    assert await actor_for_bearer(db, await forge(db, token, **{claim: None})) is None


async def test_expired_or_elsewhere_or_of_another_type(db: AsyncSession, cast: Cast) -> None:
    token = await issue_token(db, SEALER, email=cast.emails["rural"])
    for change in ({"exp": now() - timedelta(seconds=1)}, {"aud": "others"}, {"iss": "others"}, {"sub": "nobody"}):
        assert await actor_for_bearer(db, await forge(db, token, **change)) is None
    assert await actor_for_bearer(db, await forge(db, token, header={"typ": "JWT"})) is None
    assert await actor_for_bearer(db, await forge(db, token, header={"kid": str(uuid.uuid4())})) is None
    assert await actor_for_bearer(db, await forge(db, token, header={"kid": "../key"})) is None


async def test_another_key_or_algorithm(db: AsyncSession, cast: Cast) -> None:
    token = await issue_token(db, SEALER, email=cast.emails["rural"])
    key = (await db.scalars(select(TokenKey))).one()
    claims = jwt.decode(token, options={"verify_signature": False})
    headers = {"kid": str(key.id), "typ": "at+jwt"}
    foreign = jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers=headers)
    header = base64.urlsafe_b64encode(json.dumps(headers | {"alg": "none"}).encode()).decode().rstrip("=")
    unsigned = f"{header}.{token.split('.')[1]}."
    for bad in (foreign, unsigned, "", "a.b.c", token[:-4], "x" * 5000):
        assert await actor_for_bearer(db, bad) is None


async def test_a_disabled_account_or_a_retired_key_ends_it(db: AsyncSession, cast: Cast) -> None:
    token = await issue_token(db, SEALER, email=cast.emails["rural"])
    other = await issue_token(db, SEALER, email=cast.emails["admin"])
    await db.execute(update(Account).where(Account.id == cast.rural.account_id).values(disabled_at=now()))
    assert await actor_for_bearer(db, token) is None
    await db.execute(update(TokenKey).values(retired_at=now()))
    assert await actor_for_bearer(db, other) is None
