"""`POST /oauth/token`: a system proves itself by an assertion, once, and is told what RFC 6749 has words for."""

import asyncio
import base64
import hmac
import json
import uuid
from datetime import timedelta
from typing import Any

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import event, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from teleconsult.systems.assertions import UNPROVEN
from teleconsult.systems.models import FhirClient, UsedAssertion
from tests.people import Cast
from tests.system_steps import EC, RSA, ask, assertion, form, let_in, token_url
from web.requests import SESSIONS

Client = TestClient[web.Request, web.Application]
JSON = "application/json; charset=utf-8"


@pytest.fixture
async def registry(sessions: Sessions, cast: Cast) -> FhirClient:
    return await let_in(sessions, cast.rural.organization_id)


@pytest.mark.parametrize("kid", ["rsa", "ec"])
async def test_a_system_that_proves_itself_gets_a_token(
    client: Client, settings: Settings, registry: FhirClient, sessions: Sessions, kid: str
) -> None:
    wanted = "system/Observation.rs system/Patient.cruds"
    answer, content = await ask(client, form(assertion(settings, registry.id, kid=kid), wanted))
    assert (answer.status, answer.headers["Content-Type"]) == (200, JSON)
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    assert (content["token_type"], content["expires_in"]) == ("bearer", 300)
    assert content["scope"] == "system/Observation.rs system/Patient.rs", "no more than there is to be done"
    header = jwt.get_unverified_header(content["access_token"])
    assert (header["typ"], header["alg"]) == ("at+jwt", "EdDSA")
    claims = jwt.decode(content["access_token"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 300
    assert claims["sub"] == claims["client_id"] == str(registry.id)
    async with transaction(sessions) as session:
        issued = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "client-token-issued"))).one()
    assert (issued.actor_name, issued.organization_id) == ("Registry", registry.organization_id)
    assert (issued.detail["client"], issued.detail["scope"]) == (str(registry.id), content["scope"])


async def test_an_assertion_is_good_once(
    client: Client, settings: Settings, registry: FhirClient, sessions: Sessions
) -> None:
    fields = form(assertion(settings, registry.id))
    assert (await ask(client, fields))[0].status == 200
    answer, content = await ask(client, fields)
    assert (answer.status, content["error"]) == (401, "invalid_client")
    assert "used already" in content["error_description"]
    other = form(
        assertion(
            settings,
            registry.id,
            jti=jwt.decode(fields["client_assertion"], options={"verify_signature": False})["jti"],
        )
    )
    assert (await ask(client, other))[0].status == 401, "its name counts, not its bytes"
    async with transaction(sessions) as session:
        denied = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "client-refused"))).all()
    assert [one.organization_id for one in denied] == [registry.organization_id] * 2
    assert all("eyJ" not in json.dumps(one.detail) for one in denied), "no assertion stands in the log"


async def test_of_many_at_once_one_gets_a_token(client: Client, settings: Settings, registry: FhirClient) -> None:
    fields = form(assertion(settings, registry.id))
    answers = await asyncio.gather(*(ask(client, fields) for _ in range(6)))
    assert sorted(answer.status for answer, _content in answers) == [200, 401, 401, 401, 401, 401]


async def test_what_is_too_old_to_be_used_is_forgotten(
    client: Client, settings: Settings, registry: FhirClient, sessions: Sessions
) -> None:
    await ask(client, form(assertion(settings, registry.id)))
    async with transaction(sessions) as session:
        await session.execute(update(UsedAssertion).values(expires_at=now() - timedelta(seconds=1)))
    await ask(client, form(assertion(settings, registry.id)))
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(UsedAssertion)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://elsewhere.test/token"},
        {"aud": None},
        {"aud": ["one", "two"]},
        {"exp": now() - timedelta(minutes=2)},
        {"exp": now() + timedelta(days=1)},
        {"exp": 10**400},
        {"exp": None},
        {"exp": "soon"},
        {"jti": None},
        {"jti": ""},
        {"jti": "x" * 300},
        {"jti": 7},
        {"jti": "\ud800"},
        {"sub": str(uuid.UUID(int=1))},
        {"sub": None},
        {"iss": str(uuid.UUID(int=1))},
        {"iss": None},
        {"iss": "registry"},
        {"iat": now() + timedelta(hours=1)},
        {"nbf": now() + timedelta(hours=1)},
    ],
)
async def test_each_claim_counts(
    client: Client, settings: Settings, registry: FhirClient, changes: dict[str, Any]
) -> None:
    answer, content = await ask(client, form(assertion(settings, registry.id, **changes)))
    assert (answer.status, content["error"]) == (401, "invalid_client")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_unknown_turned_off_and_wrongly_signed_are_one_answer(
    client: Client, settings: Settings, registry: FhirClient, cast: Cast, sessions: Sessions
) -> None:
    off = await let_in(sessions, cast.rural.organization_id, name="Off")
    async with transaction(sessions) as session:
        await session.execute(update(FhirClient).where(FhirClient.id == off.id).values(disabled_at=now()))
    good = assertion(settings, registry.id)
    signature, anothers = good.rpartition(".")[2], assertion(settings, registry.id).rpartition(".")[2]
    forged = [
        assertion(settings, uuid.uuid4()),
        assertion(settings, off.id),
        good.removesuffix(signature) + anothers,
        assertion(settings, registry.id, iss=str(uuid.uuid4())),
    ]
    engine: AsyncEngine = client.server.app[SESSIONS].kw["bind"]
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    seen = set()
    for one in forged:
        statements.clear()
        answer, content = await ask(client, form(one))
        seen.add((answer.status, json.dumps(content), tuple(statements)))
    event.remove(engine.sync_engine, "before_cursor_execute", note)
    ((status, content, work),) = seen
    assert (status, json.loads(content)) == (401, {"error": "invalid_client", "error_description": UNPROVEN})
    assert work
    async with transaction(sessions) as session:
        denied = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "client-refused"))).all()
    assert len(denied) == 4


def unsigned(header: dict[str, Any], claims: dict[str, Any], *, secret: bytes = b"") -> str:
    """A JWT whose header is the attacker's to choose; HMAC where there is a secret, else no signature."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    signature = hmac.digest(secret, b".".join(parts), "sha384") if secret else b""
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


async def test_the_algorithm_is_the_keys_and_not_the_headers(
    client: Client, settings: Settings, registry: FhirClient
) -> None:
    claims = jwt.decode(assertion(settings, registry.id), options={"verify_signature": False})
    public = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    other = rsa.generate_private_key(65537, 2048)
    for forged in (
        unsigned({"alg": "none", "kid": "rsa"}, claims),
        unsigned({"alg": "None", "kid": "rsa"}, claims),
        unsigned({"alg": "HS384", "kid": "rsa"}, claims, secret=public),
        unsigned({"alg": "RS384", "kid": "rsa"}, claims, secret=public),
        jwt.encode(claims, RSA, "RS256", headers={"kid": "rsa"}),
        jwt.encode(claims, RSA, "PS384", headers={"kid": "rsa"}),
        jwt.encode(claims, RSA, "RS384", headers={"kid": "ec"}),
        jwt.encode(claims, EC, "ES384", headers={"kid": "rsa"}),
        jwt.encode(claims, other, "RS384", headers={"kid": "rsa"}),
        jwt.encode(claims, RSA, "RS384"),
        jwt.encode(claims, RSA, "RS384", headers={"kid": "rsa", "typ": "at+jwt"}),
        jwt.encode(claims, other, "RS384", headers={"kid": "rsa", "jku": "https://evil.test/jwks"}),
        jwt.encode(claims, RSA, "RS384", headers={"kid": "rsa", "crit": ["x"], "x": 1}),
        "eyJ.eyJ.x", "x" * 9000, "é.é.é", "..",
    ):  # fmt: skip
        answer, content = await ask(client, form(forged))
        assert (answer.status, content["error"]) == (401, "invalid_client"), forged
    assert (await ask(client, form(assertion(settings, registry.id))))[0].status == 200


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"client_assertion_type": "urn:other"}, 400, "invalid_request"),
        ({"client_secret": "x"}, 400, "invalid_request"),
        ({"client_assertion": ""}, 401, "invalid_client"),
        ({"client_assertion_type": ""}, 401, "invalid_client"),
        ({"client_id": str(uuid.UUID(int=1))}, 401, "invalid_client"),
        ({"scope": ""}, 400, "invalid_scope"),
        ({"scope": "openid"}, 400, "invalid_scope"),
        ({"scope": "system/*.read"}, 400, "invalid_scope"),
        ({"scope": "patient/*.rs"}, 400, "invalid_scope"),
        ({"scope": "system/Observation.rs?category=laboratory"}, 400, "invalid_scope"),
        ({"scope": "system/ServiceRequest.rs"}, 400, "invalid_scope"),
        ({"scope": "system/Observation.sr"}, 400, "invalid_scope"),
        ({"scope": "system/Observation.rs " * 100}, 400, "invalid_scope"),
    ],
    ids=str,
)
async def test_what_is_wrong_with_the_form_is_said(
    client: Client, settings: Settings, registry: FhirClient, changes: dict[str, str], status: int, error: str
) -> None:
    fields = form(assertion(settings, registry.id)) | changes
    answer, content = await ask(client, fields)
    assert (answer.status, content["error"], set(content)) == (status, error, {"error", "error_description"})
    assert (await ask(client, form(fields["client_assertion"])))[0].status == (
        401 if "client_assertion" in changes else 200
    ), "what got no token is not used up"


async def test_what_is_no_form_is_an_error_in_the_same_words(
    client: Client, settings: Settings, registry: FhirClient
) -> None:
    fields = form(assertion(settings, registry.id))
    twice = [*fields.items(), ("scope", "system/Patient.rs")]
    for data, headers, status, error in (
        (twice, {}, 400, "invalid_request"),
        (json.dumps(fields), {"Content-Type": "application/json"}, 400, "invalid_request"),
        (b"\xff", {"Content-Type": "application/x-www-form-urlencoded"}, 400, "invalid_request"),
        ({"grant_type": "x" * 40_000}, {}, 413, "invalid_request"),
        (fields, {"Authorization": "Basic cmVnaXN0cnk6eA=="}, 401, "invalid_client"),
        ({}, {}, 400, "invalid_request"),
    ):
        answer, content = await ask(client, data, **headers)
        assert (answer.status, content["error"]) == (status, error), data
    assert (await client.get("/oauth/token")).status == 405


async def test_who_knocks_without_end_is_turned_away_and_a_right_one_passes(
    client: Client, settings: Settings, registry: FhirClient
) -> None:
    for _ in range(50):
        assert (await ask(client, form(assertion(settings, uuid.UUID(int=1)))))[0].status == 401
    answer, content = await ask(client, form(assertion(settings, uuid.UUID(int=1))))
    assert (answer.status, content["error"]) == (429, "temporarily_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert (await ask(client, form(assertion(settings, registry.id))))[0].status == 200


async def test_how_to_get_one_is_told_to_anybody(client: Client, settings: Settings, registry: FhirClient) -> None:
    answer = await client.get("/fhir/.well-known/smart-configuration")
    told = await answer.json()
    assert told["token_endpoint"] == token_url(settings)
    assert told["grant_types_supported"] == ["client_credentials"]
    assert told["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert told["token_endpoint_auth_signing_alg_values_supported"] == ["RS384", "ES384"]
    assert told["capabilities"] == ["client-confidential-asymmetric", "permission-v2"]
    for scope in told["scopes_supported"]:
        answer, content = await ask(client, form(assertion(settings, registry.id), scope))
        assert (answer.status, content.get("scope")) == (200, scope)
    statement = await (await client.get("/fhir/metadata")).json(content_type=None)
    security = statement["rest"][0]["security"]
    assert security["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"
    assert security["extension"][0]["extension"] == [{"url": "token", "valueUri": told["token_endpoint"]}]


async def test_no_secret_reaches_the_logs(
    client: Client, settings: Settings, registry: FhirClient, capfd: pytest.CaptureFixture[str]
) -> None:
    proof = assertion(settings, registry.id)
    _answer, content = await ask(client, form(proof))
    await ask(client, form(proof))
    await ask(client, form("x" + proof))
    await client.get("/fhir/Patient", headers={"Authorization": f"Bearer {content['access_token']}x"})
    said = "".join(capfd.readouterr())
    assert not any(part in said for secret in (proof, content["access_token"]) for part in secret.split("."))
