"""A hospital's own program: its keys, how it proves itself, and how it asks for a token."""

import json
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from teleconsult.systems.assertions import TYPE
from teleconsult.systems.models import FhirClient
from teleconsult.systems.offering import PATH
from tests.web.fhir_client import Program

Client = TestClient[web.Request, web.Application]
Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP384R1())


def jwk(private: Private, kid: str, **more: object) -> dict[str, Any]:
    """The public half, as a system exports it."""
    public = private.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        found = jwt.algorithms.RSAAlgorithm.to_jwk(public, as_dict=True)
    else:
        found = jwt.algorithms.ECAlgorithm.to_jwk(public, as_dict=True)
    return {**found, "kid": kid, **more}


def key_set(*keys: dict[str, Any]) -> str:
    """A JWKS."""
    return json.dumps({"keys": keys or [jwk(RSA, "rsa"), jwk(EC, "ec")]})


async def let_in(
    sessions: Sessions, house: uuid.UUID | None, *, scope: str = "system/*.crus", name: str = "Registry"
) -> FhirClient:
    """A system of that establishment, with an RSA key and one on P-384."""
    client = FhirClient(
        id=uuid.uuid4(),
        organization_id=house,
        name=name,
        keys=[jwk(RSA, "rsa", alg="RS384"), jwk(EC, "ec", alg="ES384")],
        scope=scope,
        created_at=now(),
    )
    async with transaction(sessions) as session:
        session.add(client)
    return client


def token_url(settings: Settings) -> str:
    """What an assertion is meant for."""
    return f"{settings.base_url}{PATH}"


def assertion(settings: Settings, client_id: object, *, kid: str = "rsa", **changes: Any) -> str:
    """A good one, signed by the key of that name; `changes` are to its claims, None takes one away."""
    moment = now()
    claims = {
        "iss": str(client_id),
        "sub": str(client_id),
        "aud": token_url(settings),
        "iat": moment,
        "exp": moment + timedelta(minutes=4),
        "jti": uuid.uuid4().hex,
        **changes,
    }
    key, algorithm = (EC, "ES384") if kid == "ec" else (RSA, "RS384")
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, key, algorithm=algorithm, headers={"kid": kid})


def form(proof: str, scope: str = "system/*.crus") -> dict[str, str]:
    """What is sent to the token endpoint."""
    return {
        "grant_type": "client_credentials",
        "scope": scope,
        "client_assertion_type": TYPE,
        "client_assertion": proof,
    }


async def ask(client: Client, fields: object, **headers: str) -> tuple[ClientResponse, dict[str, Any]]:
    """The token endpoint's answer."""
    answer = await client.post(PATH, data=fields, headers=headers)
    return answer, await answer.json()


async def system_program(
    client: Client, settings: Settings, registered: FhirClient, *, scope: str = "system/*.crus"
) -> Program:
    """The system with a token."""
    answer, content = await ask(client, form(assertion(settings, registered.id), scope))
    assert answer.status == 200, content
    return Program(client, content["access_token"])


def administrator(actor: Actor) -> Actor:
    """The same, as a browser that has just proven who it is."""
    return replace(actor, session_id=uuid.uuid4(), factor_at=now())
