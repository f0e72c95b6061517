"""A FHIR client that others wrote (npm `fhir-kit-client`) finds its way through our door."""

import asyncio
import json
from asyncio.subprocess import PIPE
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions, transaction
from tests.people import Cast, bearer_of
from tests.web.test_fhir_writing import weight

SCRIPT = Path(__file__).with_name("fhir_kit_client.mjs")


async def test_it_finds_its_way(
    client: TestClient[web.Request, web.Application], cast: Cast, sessions: Sessions
) -> None:
    async with transaction(sessions) as session:
        bearer = await bearer_of(session, cast.rural)
    address = str(client.make_url("/fhir"))
    told = {
        "baseUrl": address,
        "bearer": bearer,
        "patient": str(cast.patient.id),
        "stranger": str(cast.strangers_patient.id),
        "weight": weight(cast.patient.id),
    }
    process = await asyncio.create_subprocess_exec("node", str(SCRIPT), json.dumps(told), stdout=PIPE, stderr=PIPE)
    out, errors = await asyncio.wait_for(process.communicate(), 30)
    assert out, errors.decode()
    assert json.loads(out) == {
        "statement": ["4.0.1", address],
        "created": ["1", 201],
        "read": "1",
        "updated": "2",
        "stale": [412, "conflict"],
        "vread": "final",
        "history": ["2", "1"],
        "again": True,
        "conditional": "3",
        "transaction": ["201"] * 4,
        "batch": ["200", "404"],
        "pages": [[5, 5, 5], [5, 5, 5]],
        "everything": ["Patient", "Patient", *["Observation"] * 5],
        "resolved": True,
        "foreign": [404, "not-found"],
        "refused": [422, "code-invalid"],
        "removed": [405, "not-supported"],
        "nobody": [401, "login"],
    }
