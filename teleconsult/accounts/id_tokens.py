"""Whether an ID token says what it must (OpenID Connect Core 1.0 §3.1.3.7, RFC 8725). No network here."""

import base64
import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import jwt

from teleconsult.clock import now

ALGORITHMS: Final = {
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""What we read, and the kind of key each needs: never `none`, never a shared secret."""
SIZE: Final = 16 * 1024
"""Characters."""
LEEWAY: Final = timedelta(seconds=60)
"""How far the provider's clock may be from ours."""
OLDEST: Final = timedelta(minutes=10)
FRESH_FOR: Final = timedelta(minutes=2)
LONGEST_SUBJECT: Final = 255
"""Characters of ASCII (Core §2)."""


class NotConfirmed(Exception):
    """What came back does not prove who came. `reason` is for the audit, never for the page."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def header_of(id_token: str, *, allowed: Collection[str]) -> dict[str, Any]:
    """The token's header, its algorithm being one we read and the provider names. Raises NotConfirmed."""
    if len(id_token) > SIZE:
        raise NotConfirmed("id-token-too-long")
    try:
        header: dict[str, Any] = jwt.get_unverified_header(id_token)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise NotConfirmed("id-token-unreadable") from error
    if header.get("alg") not in ALGORITHMS or header["alg"] not in allowed:
        raise NotConfirmed("id-token-algorithm")
    if header.get("typ", "JWT") != "JWT":
        raise NotConfirmed("id-token-type")
    return header


def key_for(header: Mapping[str, Any], keys: Sequence[Mapping[str, Any]]) -> jwt.PyJWK | None:
    """The provider's key that signed: by `kid`; without one, only where a single key comes into question."""
    algorithm = header["alg"]
    kind, curve = ALGORITHMS[algorithm]
    fitting = [
        key
        for key in keys
        if key.get("kty") == kind
        and (curve is None or key.get("crv") == curve)
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and ("kid" not in header or key.get("kid") == header["kid"])
    ]
    if len(fitting) != 1:
        return None
    try:
        return jwt.PyJWK(dict(fitting[0]), algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None


def check_id_token(
    id_token: str,
    key: jwt.PyJWK,
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    access_token: str,
    acr: str = "",
    is_fresh: bool = False,
) -> dict[str, Any]:
    """The claims of a token made for us, now, in answer to our own question. Raises NotConfirmed.

    `acr` is the class of authentication that must have been reached, if any; `is_fresh` asks for one within the last
    2 minutes (Core §3.1.2.1, `max_age`).
    """
    try:
        claims: dict[str, Any] = jwt.decode(
            id_token,
            key,
            algorithms=[key.algorithm_name],
            audience=client_id,
            issuer=issuer,
            leeway=LEEWAY,
            options={"require": ["iss", "sub", "aud", "exp", "iat", "nonce"], "enforce_minimum_key_length": True},
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError, OverflowError) as error:
        raise NotConfirmed(f"id-token-{type(error).__name__}") from error
    expected_hash = half_hash(access_token, key.algorithm_name)
    for reason, is_right in {
        "audience": claims["aud"] in (client_id, [client_id]),
        "authorized-party": claims.get("azp", client_id) == client_id,
        "subject": is_subject(claims["sub"]),
        "nonce": isinstance(claims["nonce"], str) and is_same(claims["nonce"], nonce),
        "age": int(claims["iat"]) > (now() - OLDEST - LEEWAY).timestamp(),
        "access-token": claims.get("at_hash", expected_hash) == expected_hash,
        "authentication-class": not acr or claims.get("acr") == acr,
        "freshness": not is_fresh or _authenticated_at(claims) > (now() - FRESH_FOR - LEEWAY).timestamp(),
    }.items():
        if not is_right:
            raise NotConfirmed(f"id-token-{reason}")
    return claims


def is_subject(value: object) -> bool:
    """Whether this can be a `sub` (Core §2)."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_SUBJECT and value.isascii() and value.isprintable()


def is_same(one: str, other: str) -> bool:
    """Compare two secrets in a time that tells nothing."""
    return hmac.compare_digest(one.encode(errors="backslashreplace"), other.encode(errors="backslashreplace"))


def half_hash(access_token: str, algorithm: str) -> str:
    """The `at_hash` of an access token: half its hash, by the signature's hash function (Core §3.1.3.6)."""
    digest = (hashlib.sha512 if algorithm == "EdDSA" else hashlib.sha256)(access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")


def _authenticated_at(claims: Mapping[str, Any]) -> float:
    moment = claims.get("auth_time")
    return float(moment) if isinstance(moment, int | float) else 0.0
