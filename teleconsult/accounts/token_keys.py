"""The keys that sign our tokens (RFC 7519, RFC 8037): EdDSA alone, each key found by `kid` in our own table.

Rotation overlaps: the new key signs from now on, the one before is honoured for as long as a token of its may live.
"""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.models import TokenKey
from teleconsult.clock import now
from teleconsult.errors import Unauthenticated
from teleconsult.sealing import Sealer

ALGORITHM: Final = "EdDSA"
ISSUER: Final = "teleconsult"
LONGEST: Final = timedelta(days=1)
"""No token lives longer, whatever was asked for; so long a key verifies after the next one took over."""
KEY_LIFE: Final = timedelta(days=90)
"""A key older than this signs no more: the next token gets a new one."""
SIZE: Final = 4096
"""Characters; what is longer is not looked at."""
REQUIRED: Final = ("iss", "aud", "sub", "jti", "iat", "nbf", "exp")
HEADER: Final = frozenset({"alg", "kid", "typ"})


class BadToken(Unauthenticated):
    """Not a token of this kind that is good now. `is_ours`: a key of ours signed it, so nobody is guessing."""

    def __init__(self, *, is_ours: bool = False) -> None:
        super().__init__("This token is not valid, or it has expired.")
        self.is_ours = is_ours


async def sign(
    session: AsyncSession, sealer: Sealer, *, typ: str, audience: str, life: timedelta, claims: Mapping[str, object]
) -> str:
    """A token of kind `typ` for `audience`, good for `life` (a day at most). `claims` has its `sub`.

    `jti` is random unless it is among the claims. The session acts for the system: keys are nobody's to read.
    """
    key = await _signing_key(session, sealer)
    moment = now()
    content = {
        "jti": str(uuid.uuid4()),
        **claims,
        "iss": ISSUER,
        "aud": audience,
        "iat": moment,
        "nbf": moment,
        "exp": moment + min(life, LONGEST),
    }
    return jwt.encode(
        content, sealer.open(key.private_key_sealed), algorithm=ALGORITHM, headers={"kid": str(key.id), "typ": typ}
    )


async def verify(session: AsyncSession, token: str, *, typ: str, audience: str) -> dict[str, Any]:
    """The claims of a token that is exactly as `sign` makes them. Raises BadToken for everything else.

    Only what looks like a token of ours costs a look into the database.
    """
    kid = key_id_of(token, typ=typ)
    key = await session.get(TokenKey, kid, populate_existing=True)
    if key is None:
        raise BadToken
    return claims_of(token, key, audience=audience)


def key_id_of(token: str, *, typ: str) -> uuid.UUID:
    """The `kid` a token names, its header being ours to the letter (RFC 8725 §3.1, §3.11). Raises BadToken."""
    if len(token) > SIZE:
        raise BadToken
    try:
        header = jwt.get_unverified_header(token)
        kid = uuid.UUID(str(header.get("kid")))
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise BadToken from error
    if header.keys() != HEADER or header != {"alg": ALGORITHM, "typ": typ, "kid": str(kid)}:
        raise BadToken
    return kid


def claims_of(token: str, key: TokenKey, *, audience: str) -> dict[str, Any]:
    """What the token says, signed by `key` and good now. Raises BadToken."""
    if key.retired_at is not None and key.retired_at <= now():
        raise BadToken(is_ours=is_signed(token, key.public_key))
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key.public_key,
            algorithms=[ALGORITHM],
            audience=audience,
            issuer=ISSUER,
            options={"require": [*REQUIRED], "strict_aud": True},
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise BadToken(is_ours=is_signed(token, key.public_key)) from error
    return claims


def is_signed(token: str, public_key: str) -> bool:
    """Whether this key signed the token, whatever it says."""
    try:
        jwt.PyJWS().decode(token, public_key, algorithms=[ALGORITHM])
    except (jwt.PyJWTError, ValueError):
        return False
    return True


async def rotate_keys(
    session: AsyncSession, sealer: Sealer, actor: Actor = SYSTEM, *, at_once: bool = False
) -> TokenKey:
    """A new key from now on. The keys before are honoured for a day more; `at_once`, for a key that leaked, no more."""
    moment = now()
    until = moment if at_once else moment + LONGEST
    longer = TokenKey.retired_at.is_(None) | (TokenKey.retired_at > until)
    await session.execute(update(TokenKey).where(longer).values(retired_at=until))
    key = _new_key(sealer)
    session.add(key)
    await session.flush()
    audit.record(session, actor, "token-key-rotated", key, at_once=at_once)
    return key


async def _signing_key(session: AsyncSession, sealer: Sealer) -> TokenKey:
    newest = (
        select(TokenKey)
        .where(TokenKey.retired_at.is_(None), TokenKey.created_at > now() - KEY_LIFE)
        .order_by(TokenKey.created_at.desc())
        .limit(1)
    )
    key = await session.scalar(newest)
    if key is not None:
        return key
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("token keys", 0))))
    return await session.scalar(newest) or await rotate_keys(session, sealer)


def _new_key(sealer: Sealer) -> TokenKey:
    private = Ed25519PrivateKey.generate()
    return TokenKey(
        id=uuid.uuid4(),
        public_key=private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        private_key_sealed=sealer.seal(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())),
        created_at=now(),
        retired_at=None,
    )
