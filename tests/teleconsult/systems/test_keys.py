"""Key sets: what is taken, and that nothing private ever is."""

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from teleconsult.errors import Invalid
from teleconsult.systems.keys import read_keys, thumbprint
from tests.system_steps import EC, RSA, jwk, key_set

SMALL = rsa.generate_private_key(65537, 1024)
OTHER_CURVE = ec.generate_private_key(ec.SECP256R1())


def test_public_keys_are_kept_without_what_else_was_said() -> None:
    keys = read_keys(key_set(jwk(RSA, "a", use="sig", x5c=["x"], jku="https://x.test"), jwk(EC, "b", alg="ES384")))
    assert [set(key) for key in keys] == [{"kty", "n", "e", "kid", "alg"}, {"kty", "crv", "x", "y", "kid", "alg"}]
    assert [key["alg"] for key in keys] == ["RS384", "ES384"]


def test_a_thumbprint_names_the_key_and_not_its_name() -> None:
    """The example of RFC 7638 §3.1."""
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj"
        "hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ"
        "vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK"
        "nqDKgw"
    )
    key = {"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}
    assert thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert thumbprint({**key, "kid": "other"}) == thumbprint(key)


def private_half(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    shape = jwt.algorithms.RSAAlgorithm if isinstance(private, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    found: dict[str, Any] = {**shape.to_jwk(private, as_dict=True), "kid": "mine"}
    found.pop("key_ops", None)
    return found


@pytest.mark.parametrize(
    "text",
    [
        key_set(private_half(RSA)),
        key_set(jwk(RSA, "a"), private_half(EC)),
        key_set({**jwk(RSA, "a"), "d": ""}),
        key_set({"kty": "oct", "k": "c2VjcmV0", "kid": "a"}),
    ],
)
def test_a_private_key_is_refused_and_called_one(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_keys(text)
    assert "no secret any more" in caught.value.fields["keys"]


@pytest.mark.parametrize(
    "text",
    [
        "", "mine", "[]", "{}", '{"keys": []}', '{"keys": {}}', '{"keys": ["x"]}', "null", "\ud800",
        '{"jwks_uri": "https://evil.test"}',
        key_set(jwk(RSA, "")),
        key_set({name: value for name, value in jwk(RSA, "a").items() if name != "kid"}),
        key_set({**jwk(RSA, "a"), "kid": 1}),
        key_set(jwk(RSA, "x" * 201)),
        key_set(jwk(RSA, "a"), jwk(EC, "a")),
        key_set(jwk(RSA, "a", alg="RS256")),
        key_set(jwk(RSA, "a", alg="ES384")),
        key_set(jwk(RSA, "a", alg="none")),
        key_set(jwk(RSA, "a", use="enc")),
        key_set(jwk(SMALL, "a")),
        key_set(jwk(OTHER_CURVE, "a")),
        key_set({**jwk(EC, "a"), "crv": "P-256"}),
        key_set({**jwk(EC, "a"), "x": "AAAA"}),
        key_set({**jwk(RSA, "a"), "n": "é"}),
        key_set({**jwk(RSA, "a"), "n": 7}),
        key_set({**jwk(RSA, "a"), "n": None}),
        key_set({**jwk(RSA, "a"), "e": "Aw"}),
        key_set({**jwk(RSA, "a"), "e": ""}),
        key_set({**jwk(RSA, "a"), "kty": "OKP"}),
        key_set({**jwk(RSA, "a"), "kty": ["RSA"]}),
        key_set({**jwt.algorithms.OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate().public_key(), as_dict=True),
                 "kid": "a"}),
        key_set(*(jwk(RSA, str(number)) for number in range(11))),
        json.dumps({"keys": [jwk(RSA, "a", padding="x" * 20_000)]}),
    ],
)  # fmt: skip
def test_what_is_no_key_of_ours_to_take_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_keys(text)
    assert set(caught.value.fields) == {"keys"}
