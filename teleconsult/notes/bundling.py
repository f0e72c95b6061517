"""The detached signature of a note's FHIR document: a JWS over the exact bytes (RFC 7515 appendix F, RFC 7797).

Bytes are signed and kept, never a canonical form of them. The header carries the signer's certificates (`x5c`), its
hash (`x5t#S256`) and the signing time (`sigT`), as a JAdES baseline signature has them (ETSI TS 119 182-1 §5).
"""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from jwt.algorithms import Algorithm, ECAlgorithm, RSAAlgorithm
from jwt.api_jws import PyJWS
from jwt.utils import der_to_raw_signature

SignDigest = Callable[[bytes], bytes]
"""SHA-256 in, signature out: for RSA PKCS#1 v1.5, for ECDSA the DER of RFC 3279 §2.2.3."""

TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
"""How the signing time is spelled, in UTC."""
FHIR_JSON: Final = "application/fhir+json"
APPROVAL: Final = {"commId": {"id": "http://uri.etsi.org/01903/v1.2.2#ProofOfApproval"}}


@dataclass(frozen=True, slots=True)
class SignedBundle:
    """The document and its signature in compact form, the payload left out: `header..signature`."""

    content: bytes
    jws: str
    further: tuple[str, ...] = ()
    """Those of who signed it after its author, in their order."""

    def exported(self) -> bytes:
        """All in one file: a JWS in JSON whose payload is the document's own text (RFC 7797 §5.2)."""
        parts = (jws.split(".") for jws in (self.jws, *self.further))
        return export(self.content.decode(), [(protected, signature) for protected, _, signature in parts])


def export(payload: str, signatures: Sequence[tuple[str, str]]) -> bytes:
    """The one spelling of an exported document: flattened with one signature, general with several (RFC 7515 §7.2).

    Each signature is its protected header and its value.
    """
    each = [{"protected": protected, "signature": signature} for protected, signature in signatures]
    whole = {"payload": payload, **(each[0] if len(each) == 1 else {"signatures": each})}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


class _ThroughKey(Algorithm):
    """A JWS algorithm whose key is somewhere else: the digest goes out, the signature comes back."""

    def __init__(self, public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> None:
        self._public_key = public_key

    def prepare_key(self, key: SignDigest) -> SignDigest:
        return key

    def sign(self, msg: bytes, key: SignDigest) -> bytes:
        signature = key(hashlib.sha256(msg).digest())
        if isinstance(self._public_key, ec.EllipticCurvePublicKey):
            return der_to_raw_signature(signature, self._public_key.curve)
        return signature

    def verify(self, msg: bytes, key: SignDigest, sig: bytes) -> bool:
        raise NotImplementedError

    @staticmethod
    def to_jwk(key_obj: Any, as_dict: bool = False) -> Any:
        raise NotImplementedError

    @staticmethod
    def from_jwk(jwk: Any) -> Any:
        raise NotImplementedError


def sign_bundle(content: bytes, *, chain: str, sign: SignDigest, at: datetime) -> SignedBundle:
    """Sign the bytes; `chain` is PEM, the signer's certificate first; a root that closes it is left out.

    Works as long as the key does: call it outside the event loop.
    """
    certificates = x509.load_pem_x509_certificates(chain.encode())
    sent = [one for one in certificates if one is certificates[0] or one.subject != one.issuer]
    ders = [one.public_bytes(serialization.Encoding.DER) for one in sent]
    name, _verifier = algorithm_for(certificates[0])
    jws = PyJWS(algorithms=[])
    jws.register_algorithm(name, _ThroughKey(certificates[0].public_key()))  # type: ignore[arg-type]  # of those two kinds
    header = {
        "typ": None,
        "cty": FHIR_JSON,
        "x5c": [base64.b64encode(der).decode() for der in ders],
        "x5t#S256": url_safe(hashlib.sha256(ders[0]).digest()),
        "sigT": at.astimezone(UTC).strftime(TIME),
        "srCms": [APPROVAL],
    }
    key: Any = sign  # PyJWT's types name keys in memory alone
    return SignedBundle(content, jws.encode(content, key, name, headers=header, is_payload_detached=True))


def soft_key(private_key: bytes) -> SignDigest:
    """Signs with a key in memory: PKCS#8 DER, P-256 or RSA."""
    key = serialization.load_der_private_key(private_key, password=None)

    def sign(digest: bytes) -> bytes:
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
        assert isinstance(key, rsa.RSAPrivateKey)
        return key.sign(digest, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))

    return sign


def algorithm_for(certificate: x509.Certificate) -> tuple[str, Algorithm]:
    """The JWS algorithm of a certificate's key (RFC 7518 §3.1). Raises ValueError for a key we sign nothing with."""
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return "ES256", ECAlgorithm(ECAlgorithm.SHA256)
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048:
        return "RS256", RSAAlgorithm(RSAAlgorithm.SHA256)
    raise ValueError("no algorithm for this key")


def url_safe(value: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
