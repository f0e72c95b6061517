"""The FHIR door says what may be done where something else was tried (RFC 9110 §15.5.6)."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions
from tests.people import Cast
from tests.web.fhir_client import program

ALLOWED = (
    ("DELETE", "Observation/{id}", "GET, PUT"),
    ("PATCH", "Observation/{id}", "GET, PUT"),
    ("DELETE", "Observation", "GET, POST, PUT"),
    ("POST", "Provenance", "GET"),
    ("DELETE", "Provenance", "GET"),
    ("PUT", "Provenance/{id}", "GET"),
    ("DELETE", "Provenance/{id}", "GET"),
    ("GET", "Observation/_search", "POST"),
    ("POST", "Observation/{id}/_history", "GET"),
    ("POST", "Patient", "GET"),
    ("PUT", "Patient/{id}", "GET"),
    ("POST", "Patient/{id}/$everything", "GET"),
    ("PUT", "ServiceRequest", "GET, POST"),
    ("POST", "Task", "GET"),
    ("PUT", "AuditEvent/{id}", "GET"),
    ("GET", "", "POST"),
    ("POST", "metadata", "GET"),
)


@pytest.mark.parametrize(("method", "path", "allowed"), ALLOWED)
async def test_what_may_be_done_is_said(
    client: TestClient[web.Request, web.Application],
    sessions: Sessions,
    cast: Cast,
    method: str,
    path: str,
    allowed: str,
) -> None:
    rural = await program(client, sessions, cast.rural)
    body = {} if method in ("POST", "PUT") else None
    answer, outcome = await rural.ask(method, f"/fhir/{path.format(id=cast.patient.id)}".rstrip("/"), body)
    assert (answer.status, outcome["issue"][0]["code"]) == (405, "not-supported")
    assert answer.headers["Allow"] == allowed
