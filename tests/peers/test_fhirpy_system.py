"""A hospital's own program comes in by itself: it finds the token endpoint, signs with its key, and works with a FHIR
client that others wrote (PyPI `fhirpy`). Nothing of ours is used to ask: no library of JWTs either.
"""

import base64
import json
import time
import uuid
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA384
from fhirpy import AsyncFHIRClient
from fhirpy.base.exceptions import ForbiddenError, ResourceNotFound

from teleconsult.db import Sessions
from teleconsult.systems.models import FhirClient
from tests.people import Cast
from tests.system_steps import RSA, let_in
from tests.web.test_fhir_writing import LAB, weight

Client = TestClient[web.Request, web.Application]


def encoded(part: object) -> bytes:
    content = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=")


async def token(client: Client, client_id: uuid.UUID, scope: str) -> dict[str, Any]:
    """As SMART Backend Services tells a program to ask (RFC 7515, RFC 7523)."""
    told = await (await client.get("/fhir/.well-known/smart-configuration")).json()
    assert "RS384" in told["token_endpoint_auth_signing_alg_values_supported"]
    claims = {
        "iss": str(client_id),
        "sub": str(client_id),
        "aud": told["token_endpoint"],
        "exp": int(time.time()) + 240,
        "jti": str(uuid.uuid4()),
    }
    signed = b".".join(map(encoded, ({"alg": "RS384", "typ": "JWT", "kid": "rsa"}, claims)))
    assertion = signed + b"." + encoded(RSA.sign(signed, PKCS1v15(), SHA384()))
    fields = {
        "grant_type": "client_credentials",
        "scope": scope,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion.decode(),
    }
    answer = await client.post("/" + told["token_endpoint"].split("/", 3)[3], data=fields)
    content: dict[str, Any] = await answer.json()
    assert answer.status == 200, content
    return content


@pytest.fixture
async def registry(sessions: Sessions, cast: Cast) -> FhirClient:
    return await let_in(sessions, cast.rural.organization_id, name="Dossier de l’Anse")


async def peer(client: Client, registry: FhirClient, scope: str) -> AsyncFHIRClient:
    granted = await token(client, registry.id, scope)
    return AsyncFHIRClient(str(client.make_url("/fhir")), authorization=f"Bearer {granted['access_token']}")


async def test_it_finds_its_patient_and_keeps_the_file(client: Client, cast: Cast, registry: FhirClient) -> None:
    program = await peer(client, registry, "system/*.cruds")
    patient = await program.resources("Patient").search(family="Bélanger").get()
    assert patient["id"] == str(cast.patient.id)
    made, is_new = await (
        program.resources("Observation")
        .search(identifier=f"{LAB}|W-1")
        .get_or_create(program.resource("Observation", **weight(patient["id"])))
    )
    assert is_new
    made["status"] = "amended"
    changed = await made.update()
    assert changed["meta"]["versionId"] == "2"
    found = (
        await program.resources("Observation")
        .search(patient=patient["id"])
        .include("Observation", "patient")
        .fetch_raw()
    )
    assert {one["resource"]["resourceType"] for one in found["entry"]} == {"Observation", "Patient"}
    with pytest.raises(ResourceNotFound):
        await program.reference("Patient", str(cast.patient_elsewhere.id)).to_resource()


async def test_what_it_was_not_granted_is_named(client: Client, cast: Cast, registry: FhirClient) -> None:
    program = await peer(client, registry, "system/Patient.rs")
    assert await program.resources("Patient").fetch_all()
    with pytest.raises(ForbiddenError, match=r"system/Observation\.c"):
        await program.resource("Observation", **weight(cast.patient.id)).create()
