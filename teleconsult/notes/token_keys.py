"""Signing with a key in a PKCS#11 token (OASIS PKCS #11 v2.40): it never leaves it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pkcs11
from asn1crypto import algos, core
from pkcs11.util.ec import encode_ecdsa_signature

from teleconsult.notes.bundling import SignDigest
from teleconsult.notes.key_stores import KeptKey, KeyFault
from teleconsult.settings import Settings

PKCS1_SHA256: Final = algos.DigestAlgorithm({"algorithm": "sha256", "parameters": core.Null()})


@contextmanager
def token_key(settings: Settings, key: KeptKey) -> Iterator[SignDigest]:
    """The key under the label `key.reference` in the token of the settings. Raises KeyFault."""
    if settings.pkcs11_module is None:
        raise KeyFault("no PKCS#11 module is set")
    try:
        token = pkcs11.lib(str(settings.pkcs11_module)).get_token(token_label=settings.pkcs11_token)
        with token.open(user_pin=settings.pkcs11_pin or None) as session:
            kept = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=key.reference)
            yield lambda digest: _sign(kept, digest)
    except (pkcs11.exceptions.PKCS11Error, RuntimeError) as error:  # the latter: no such library
        raise KeyFault(type(error).__name__) from error


def _sign(kept: Any, digest: bytes) -> bytes:
    if kept.key_type == pkcs11.KeyType.EC:
        return bytes(encode_ecdsa_signature(kept.sign(digest, mechanism=pkcs11.Mechanism.ECDSA)))
    told = algos.DigestInfo({"digest_algorithm": PKCS1_SHA256, "digest": digest}).dump()  # RFC 8017 §9.2
    return bytes(kept.sign(told, mechanism=pkcs11.Mechanism.RSA_PKCS))
