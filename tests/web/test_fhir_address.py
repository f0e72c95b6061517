"""Where the links of the FHIR door lead."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient

from teleconsult.db import Sessions
from teleconsult.settings import Settings
from tests.conftest import SignIn
from tests.people import Cast
from tests.web.fhir_client import Program, program
from tests.web.test_fhir_writing import created, weight
from web.app import make_app

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def rural(client: Client, sessions: Sessions, cast: Cast) -> Program:
    return await program(client, sessions, cast.rural)


async def links(program: Program, path: str = "/fhir/Patient", **headers: str) -> list[str]:
    """All addresses of ours that an answer holds."""
    bundle = await program.get(path, **headers)
    return [link["url"] for link in bundle["link"]] + [one["fullUrl"] for one in bundle["entry"]]


async def test_they_lead_to_where_the_connection_arrived(rural: Program, cast: Cast) -> None:
    port = rural.client.port
    for host, expected in (
        (f"127.0.0.1:{port}", "127.0.0.1"),
        (f"localhost:{port}", "localhost"),
        (f"[::1]:{port}", "[::1]"),
        ("localhost:1", "localhost"),
        ("evil.test", "127.0.0.1"),
        (f"evil.test:{port}", "127.0.0.1"),
        (f"127.0.0.1:{port}@evil.test", "127.0.0.1"),
        (f"127.0.0.1/evil.test:{port}", "127.0.0.1"),
    ):
        for found in await links(rural, Host=host):
            assert found.startswith(f"http://{expected}:{port}/fhir/Patient"), host
    kept = await created(rural, weight(cast.patient.id))
    answer, _kept = await rural.ask("PUT", f"/fhir/Observation/{kept['id']}", kept, headers={"Host": "evil.test"})
    assert answer.headers["Location"].startswith(f"http://127.0.0.1:{port}/fhir/Observation/")


async def test_the_public_address_is_the_only_one(
    settings: Settings, aiohttp_client: AiohttpClient, sessions: Sessions, cast: Cast
) -> None:
    client = await aiohttp_client(make_app(settings.model_copy(update={"public_url": "https://clinic.example"})))
    rural = await program(client, sessions, cast.rural)
    for host in (f"127.0.0.1:{client.port}", "evil.test"):
        for found in await links(rural, Host=host):
            assert found.startswith("https://clinic.example/fhir/Patient")


async def test_the_log_leads_back_too(client: Client, signed_in: SignIn) -> None:
    await signed_in("privacy")
    privacy = Program(client, "")
    await privacy.get("/fhir/AuditEvent")
    for found in await links(privacy, "/fhir/AuditEvent?_count=1"):
        assert found.startswith(f"http://127.0.0.1:{client.port}/fhir/AuditEvent"), found


async def test_numbers_keep_their_system(rural: Program, cast: Cast) -> None:
    """However a program reaches us."""
    one, other = [
        (await rural.get(f"/fhir/Patient/{cast.patient.id}", Host=host))["identifier"][0]["system"]
        for host in ("localhost:1", "127.0.0.1")
    ]
    assert one == other
