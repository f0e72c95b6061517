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
_ALGORITHM_OF: Final[Mapping[str, str]] = {"RSA": "RS384", "EC": "ES384"}


def read_keys(text: str) -> list[Jwk]:
    """The keys of a pasted key set, as they are kept. Raises Invalid on field `keys` for what is none of ours to take.

    Nothing is ever fetched from an address that a system or its administrator names (`jwks_uri`, `jku`).
    """
    listed = _listed(text)
    if not listed:
        raise Invalid({"keys": 'This is no key set. Paste the system’s public keys as JSON: {"keys": […]}.'})
    if any(PRIVATE & one.keys() for one in listed):
        raise Invalid(
            {"keys": "This holds a private key, which is no secret any more. Make a new pair, paste its public half."}
        )
    if len(listed) > MOST:
        raise Invalid({"keys": "These are more keys than we keep: 10 at most."})
    keys = [_read(one) for one in listed]
    if len({key["kid"] for key in keys}) < len(keys):
        raise Invalid({"keys": "Two of these keys have the same kid. Each needs its own."})
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


def _listed(text: str) -> list[Jwk]:
    """The objects of a key set; none where the text is no such thing, or is too long to be read."""
    try:
        content = orjson.loads(text) if len(text) <= LARGEST else None
    except orjson.JSONDecodeError:
        return []
    listed = content.get("keys") if isinstance(content, dict) else None
    return listed if isinstance(listed, list) and all(isinstance(one, dict) for one in listed) else []


def _read(given: Mapping[str, Any]) -> Jwk:
    kid, kind = given.get("kid"), given.get("kty")
    if not isinstance(kid, str) or not 0 < len(kid) <= LONGEST_ID or not kid.isprintable():
        raise Invalid({"keys": "Each key needs a name of its own: kid."})
    algorithm = _ALGORITHM_OF.get(kind) if isinstance(kind, str) else None
    says = (given.get("alg", algorithm), given.get("use", "sig"), given.get("crv", "P-384"))
    if not isinstance(kind, str) or algorithm is None or says != (algorithm, "sig", "P-384"):
        raise Invalid({"keys": "Only keys for RS384 (RSA) and ES384 (the curve P-384) are taken."})
    key = {name: given.get(name) for name in _MEMBERS[kind]} | {"kid": kid, "alg": algorithm}
    try:
        found = public_key(key)
    except ValueError as error:
        raise Invalid({"keys": "One of these is no public key. Export the keys again."}) from error
    if isinstance(found, RSAPublicKey):
        if not SMALLEST_RSA <= found.key_size <= LARGEST_RSA:
            raise Invalid({"keys": "An RSA key has 2048 bits at least, and 8192 at most."})
        if found.public_numbers().e != EXPONENT:
            raise Invalid({"keys": "An RSA key has the exponent 65537."})
    return key
