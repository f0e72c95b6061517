"""Bearer tokens for machines (RFC 7519, RFC 8037): EdDSA, the key found by `kid` in our own table, `typ` checked."""

import uuid
from datetime import timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.models import Account, TokenKey
from teleconsult.accounts.sessions import actor_of_role, first_role
from teleconsult.clock import now
from teleconsult.errors import NotFound
from teleconsult.sealing import Sealer

TYPE = "at+jwt"
ALGORITHM = "EdDSA"
AUDIENCE = "teleconsult"
LONGEST = timedelta(days=1)
SIZE = 4096


async def issue_token(session: AsyncSession, sealer: Sealer, *, email: str, minutes: int = 60) -> str:
    """A token for the account, good for `minutes` (at most a day). Raises NotFound for an unknown account."""
    account = await session.scalar(
        select(Account).where(func.lower(Account.email) == email.strip().lower(), Account.disabled_at.is_(None))
    )
    role = await first_role(session, account) if account else None
    if account is None or role is None:
        raise NotFound("There is no such account.")
    key = await _current_key(session, sealer)
    moment = now()
    claims = {
        "iss": AUDIENCE,
        "aud": AUDIENCE,
        "sub": str(account.id),
        "iat": moment,
        "nbf": moment,
        "exp": moment + min(timedelta(minutes=minutes), LONGEST),
        "jti": str(uuid.uuid4()),
    }
    private_key = sealer.open(key.private_key_sealed)
    audit.record(session, actor_of_role(account, role), "token-issued", account, minutes=minutes)
    return jwt.encode(claims, private_key, algorithm=ALGORITHM, headers={"kid": str(key.id), "typ": TYPE})


async def actor_for_bearer(session: AsyncSession, token: str) -> Actor | None:
    """Who carries this token; None when anything about it is not exactly as we issue it."""
    if len(token) > SIZE:
        return None
    try:
        header = jwt.get_unverified_header(token)
        if header.get("typ") != TYPE or header.get("alg") != ALGORITHM:
            return None
        key = await session.get(TokenKey, uuid.UUID(str(header.get("kid"))))
        if key is None or key.retired_at is not None:
            return None
        claims = jwt.decode(
            token,
            key.public_key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=AUDIENCE,
            options={"require": ["exp", "iat", "nbf", "sub", "jti", "aud", "iss"]},
        )
        account_id = uuid.UUID(claims["sub"])
    except (jwt.PyJWTError, ValueError):
        return None
    account = await session.get(Account, account_id)
    role = await first_role(session, account) if account and not account.disabled_at else None
    return actor_of_role(account, role) if account and role else None


async def _current_key(session: AsyncSession, sealer: Sealer) -> TokenKey:
    key = await session.scalar(
        select(TokenKey).where(TokenKey.retired_at.is_(None)).order_by(TokenKey.created_at.desc()).limit(1)
    )
    if key is None:
        private_key = Ed25519PrivateKey.generate()
        key = TokenKey(
            public_key=private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
            private_key_sealed=sealer.seal(
                private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            ),
            created_at=now(),
        )
        session.add(key)
        await session.flush()
    return key
