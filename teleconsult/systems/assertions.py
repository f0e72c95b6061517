"""How a system proves who it is: a JWT, signed by a key of its own, good once (RFC 7523 §3, SMART Backend Services)."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.clock import now
from teleconsult.systems.admitting import actor_of
from teleconsult.systems.keys import ALGORITHMS, EXPONENT, SMALLEST_RSA, Jwk, public_key, thumbprint
from teleconsult.systems.models import FhirClient, UsedAssertion

TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFE: Final = timedelta(minutes=5)
LEEWAY: Final = timedelta(seconds=30)
"""By how much clocks may differ."""
SIZE: Final = 8192
"""Characters; what is longer is not looked at."""
LONGEST_JTI: Final = 256
HEADER: Final = frozenset({"alg", "kid", "typ"})
"""What a header may say: keys, or where to find some (`jku`, `x5u`, `jwk`), would be the sender's own word."""
REQUIRED: Final = ("iss", "sub", "aud", "exp", "jti")
UNPROVEN: Final = "The assertion proves no system that is known here."
_FAULTS: Final[Mapping[type[jwt.PyJWTError], str]] = {
    jwt.ExpiredSignatureError: "The assertion has expired.",
    jwt.ImmatureSignatureError: "The assertion is not good yet. Look at the clock.",
    jwt.InvalidIssuedAtError: "The assertion says no time of issue that can be.",
    jwt.InvalidAudienceError: "The assertion is meant for another address. Its aud is the token endpoint.",
    jwt.MissingRequiredClaimError: "The assertion needs iss, sub, aud, exp and jti.",
}


class BadAssertion(Exception):
    """It proves nothing. `actor`: whose key signed it all the same, so that nobody is guessing."""

    def __init__(self, message: str = UNPROVEN, *, client: FhirClient | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.actor = actor_of(client, []) if client is not None else None


@dataclass(frozen=True, slots=True)
class Proof:
    """A system that has proven itself, with its organization, by the key of this thumbprint."""

    client: FhirClient
    key: str
    jti: str
    expires_at: datetime


async def check_assertion(session: AsyncSession, assertion: str, *, token_url: str) -> Proof:
    """Whose it is, where everything about it is right. The session acts for the system. Raises BadAssertion.

    The algorithm is that of the registered key. Whether the system is unknown, turned off, or only the signature is
    wrong, looks the same and costs the same.
    """
    algorithm, kid = _read_header(assertion)
    client_id = _issuer_in(assertion)
    client = await session.scalar(
        select(FhirClient)
        .where(FhirClient.id == client_id, FhirClient.disabled_at.is_(None))
        .options(joinedload(FhirClient.organization))
    )
    key = _key_of(client, kid=kid, algorithm=algorithm)
    try:
        claims = jwt.decode(
            assertion,
            public_key(key) if key is not None else _nobodys_key(algorithm),
            algorithms=[algorithm],
            audience=token_url,
            issuer=str(client_id),
            leeway=LEEWAY,
            options={"require": [*REQUIRED], "strict_aud": True},
        )
    except (jwt.InvalidSignatureError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise BadAssertion from error
    except jwt.PyJWTError as error:
        raise BadAssertion(_FAULTS.get(type(error), "The assertion cannot be read."), client=client) from error
    if client is None or key is None:
        raise BadAssertion
    return _proof(client, key, claims)


async def use_up(session: AsyncSession, proof: Proof) -> bool:
    """Whether it is used for the first time: of several at once, one is. Forgets those that are too old to be used."""
    whose = UsedAssertion.fhir_client_id == proof.client.id
    await session.execute(delete(UsedAssertion).where(whose, UsedAssertion.expires_at < now()))
    kept = await session.scalar(
        insert(UsedAssertion)
        .values(
            id=uuid.uuid4(),
            fhir_client_id=proof.client.id,
            jti_sha256=hashlib.sha256(proof.jti.encode()).digest(),
            expires_at=proof.expires_at + LEEWAY,
        )
        .on_conflict_do_nothing()
        .returning(UsedAssertion.id)
    )
    return kept is not None


def _read_header(assertion: str) -> tuple[str, str]:
    """Algorithm and `kid`, of a header that says what it should and no more. Raises BadAssertion."""
    try:
        if len(assertion) > SIZE:
            raise BadAssertion("The assertion is too long.")
        header = jwt.get_unverified_header(assertion)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise BadAssertion("The assertion is no JWT.") from error
    algorithm, kid = header.get("alg"), header.get("kid")
    if not header.keys() <= HEADER or str(header.get("typ", "JWT")).upper() != "JWT" or not isinstance(kid, str):
        raise BadAssertion("The header of the assertion says alg, kid and typ (JWT), and nothing else.")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise BadAssertion("The assertion is signed by RS384 or ES384.")
    return algorithm, kid


def _issuer_in(assertion: str) -> uuid.UUID:
    """Who it says it is of, before anything is proven. Raises BadAssertion."""
    try:
        claims = jwt.decode(assertion, options={"verify_signature": False})
        return uuid.UUID(claims["iss"])
    except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BadAssertion from error


def _key_of(client: FhirClient | None, *, kid: str, algorithm: str) -> Jwk | None:
    keys = client.keys if client is not None else []
    return next((key for key in keys if (key["kid"], key["alg"]) == (kid, algorithm)), None)


def _proof(client: FhirClient, key: Jwk, claims: Mapping[str, Any]) -> Proof:
    """What a signed assertion says. Raises BadAssertion."""
    if claims["sub"] != claims["iss"]:
        raise BadAssertion("In the assertion, iss and sub are both the client_id.", client=client)
    jti = claims["jti"]
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI or not jti.isprintable():
        raise BadAssertion("The jti of the assertion is a text of 256 characters at most.", client=client)
    try:
        expires_at = datetime.fromtimestamp(int(claims["exp"]), UTC)
    except (ValueError, OverflowError, OSError, TypeError):
        expires_at = datetime.max.replace(tzinfo=UTC)
    if expires_at > now() + LONGEST_LIFE + LEEWAY:
        raise BadAssertion("The assertion expires within five minutes.", client=client)
    return Proof(client, thumbprint(key), jti, expires_at)


@cache
def _nobodys_key(algorithm: str) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    """A key whose other half is thrown away: who is unknown here is worth a check of the signature like anybody."""
    if algorithm == "RS384":
        return rsa.generate_private_key(EXPONENT, SMALLEST_RSA).public_key()
    return ec.generate_private_key(ec.SECP384R1()).public_key()
