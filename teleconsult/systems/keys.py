"""The public keys of a system (RFC 7517): RS384 and ES384, which SMART asks every server to take, and no other."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from teleconsult.errors import Invalid

Jwk = dict[str, Any]
ALGORITHMS: Final = ("RS384", "ES384")
MOST: Final = 10
LARGEST: Final = 20_000
"""Characters of a key set."""
LONGEST_ID: Final = 200
SMALLEST_RSA, LARGEST_RSA = 2048, 8192
"""Bits: what is smaller can be broken, what is larger costs too much to check."""
EXPONENT: Final = 65537
PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""What only the owner of a key has (RFC 7518 §6)."""
_MEMBERS: Final = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}
"""What makes a key, in the order of RFC 7638."""
_ALGORITHM_OF: Final = {"RSA": "RS384", "EC": "ES384"}


def read_keys(text: str) -> list[Jwk]:
    """The keys of a pasted key set, as they are kept. Raises Invalid on field `keys` for what is none of ours to take.

    Nothing is ever fetched from an address that a system or its administrator names (`jwks_uri`, `jku`).
    """
    if len(text) > LARGEST:
        raise _wrong("These are more keys than we keep: 10 at most.")
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _wrong('This is no key set. Paste the system’s public keys as JSON: {"keys": […]}.') from error
    listed = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(listed, list) or not listed or not all(isinstance(one, dict) for one in listed):
        raise _wrong('This is no key set. Paste the system’s public keys as JSON: {"keys": […]}.')
    if any(PRIVATE & one.keys() for one in listed):
        raise _wrong(
            "This holds a private key. Make a new pair: this one is no secret any more. Paste its public half."
        )
    if len(listed) > MOST:
        raise _wrong("These are more keys than we keep: 10 at most.")
    keys = [_read(one) for one in listed]
    if len({key["kid"] for key in keys}) < len(keys):
        raise _wrong("Two of these keys have the same kid. Each needs its own.")
    return keys


def public_key(key: Mapping[str, Any]) -> RSAPublicKey | EllipticCurvePublicKey:
    """What checks a signature. Raises ValueError for what is no public key of its kind."""
    try:
        found = jwt.PyJWK(dict(key), algorithm=_ALGORITHM_OF[str(key["kty"])]).key
    except (jwt.PyJWTError, KeyError, TypeError) as error:
        raise ValueError("no public key") from error
    if not isinstance(found, RSAPublicKey | EllipticCurvePublicKey):
        raise ValueError("no public key")  # noqa: TRY004  (what is wrong is the key set, not who calls)
    return found


def thumbprint(key: Mapping[str, Any]) -> str:
    """The name of the key itself, whatever its `kid` is (RFC 7638)."""
    members = {name: key[name] for name in _MEMBERS[key["kty"]]}
    digest = hashlib.sha256(orjson.dumps(members, option=orjson.OPT_SORT_KEYS)).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _read(given: Mapping[str, Any]) -> Jwk:
    kid, kind = given.get("kid"), given.get("kty")
    if not isinstance(kid, str) or not 0 < len(kid) <= LONGEST_ID or not kid.isprintable():
        raise _wrong("Each key needs a name of its own: kid.")
    if not isinstance(kind, str) or kind not in _MEMBERS:
        raise _wrong("Only keys for RS384 (RSA) and ES384 (the curve P-384) are taken.")
    algorithm = _ALGORITHM_OF[kind]
    is_other = given.get("alg", algorithm) != algorithm or (kind == "EC" and given.get("crv") != "P-384")
    if is_other or given.get("use", "sig") != "sig":
        raise _wrong("Only keys for RS384 (RSA) and ES384 (the curve P-384) are taken.")
    key = {name: given.get(name) for name in _MEMBERS[kind]} | {"kid": kid, "alg": algorithm}
    try:
        found = public_key(key)
    except ValueError as error:
        raise _wrong("One of these is no public key. Export the keys again.") from error
    if isinstance(found, RSAPublicKey):
        if not SMALLEST_RSA <= found.key_size <= LARGEST_RSA:
            raise _wrong("An RSA key has 2048 bits at least, and 8192 at most.")
        if found.public_numbers().e != EXPONENT:
            raise _wrong("An RSA key has the exponent 65537.")
    return key


def _wrong(message: str) -> Invalid:
    return Invalid({"keys": message})
