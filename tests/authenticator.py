"""A passkey's other half, as small as it can be: it makes credentials and answers challenges, rightly or wrongly."""

import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import bytes_to_base64url

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
ORIGIN = "http://localhost:0"
"""Of the settings every test begins with."""


@dataclass
class SoftKey:
    """One credential. Each use counts further; what a test sets wrong, it answers wrong."""

    origin: str = ORIGIN
    count: int = 0
    is_verified: bool = True
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    user: str | None = None
    _key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))

    def make(self, options: str) -> str:
        """The answer to the options of a registration (WebAuthn §5.4), with no attestation (§8.7)."""
        asked = json.loads(options)
        self.user = asked["user"]["id"]
        numbers = self._key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        attested = bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + cbor2.dumps(public)
        statement = {"fmt": "none", "attStmt": {}, "authData": self._data(asked["rp"]["id"], ATTESTED) + attested}
        return self._credential(
            clientDataJSON=self._client_data("webauthn.create", asked["challenge"]),
            attestationObject=cbor2.dumps(statement),
        )

    def answer(self, options: str) -> str:
        """The answer to the options of a sign-in (§5.5)."""
        asked = json.loads(options)
        self.count += 1
        client_data = self._client_data("webauthn.get", asked["challenge"])
        authenticator_data = self._data(asked["rpId"])
        signed = authenticator_data + hashlib.sha256(client_data).digest()
        return self._credential(
            clientDataJSON=client_data,
            authenticatorData=authenticator_data,
            signature=self._key.sign(signed, ECDSA(SHA256())),
            userHandle=self.user,
        )

    def _client_data(self, type_: str, challenge: str) -> bytes:
        return json.dumps({"type": type_, "challenge": challenge, "origin": self.origin}).encode()

    def _data(self, rp_id: str, flags: int = 0) -> bytes:
        flags |= PRESENT | (VERIFIED if self.is_verified else 0)
        return hashlib.sha256(rp_id.encode()).digest() + struct.pack(">BI", flags, self.count)

    def _credential(self, **response: bytes | str | None) -> str:
        own = bytes_to_base64url(self.credential_id)
        encoded: dict[str, Any] = {
            name: bytes_to_base64url(value) if isinstance(value, bytes) else value for name, value in response.items()
        }
        return json.dumps({"id": own, "rawId": own, "type": "public-key", "response": encoded})
