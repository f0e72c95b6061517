"""The FHIR door to the audit log: a page for a session, a program with a token, nobody else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult import audit
from teleconsult.access import Purpose
from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.tokens import issue_token, role_of_account
from teleconsult.db import Sessions, transaction
from teleconsult.sealing import Sealer
from tests.conftest import SignIn
from tests.people import SECRET, Cast

Client = TestClient[web.Request, web.Application]
PATH = "/fhir/AuditEvent"


@pytest.fixture
async def reads(sessions: Sessions, cast: Cast) -> None:
    """Three by people of the rural health centre or of its patient, one elsewhere."""
    for actor, patient in (
        (cast.rural, cast.patient),
        (cast.colleague, cast.patient),
        (cast.specialist, cast.patient),
        (cast.stranger, cast.strangers_patient),
    ):
        async with transaction(sessions) as session:
            audit.record(session, actor, "file-opened", patient, patient_id=patient.id)


async def found(client: Client, **query: str) -> dict[str, Any]:
    answer = await client.get(PATH, params=query)
    assert answer.status == 200, await answer.text()
    assert answer.headers["Content-Type"] == "application/fhir+json; charset=utf-8"
    return dict(await answer.json(content_type=None))


@pytest.mark.usefixtures("reads")
async def test_a_search_finds_what_is_theirs(client: Client, signed_in: SignIn, cast: Cast) -> None:
    await signed_in("privacy")
    bundle = await found(client, patient=f"Patient/{cast.patient.id}")
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "searchset")
    assert {entry["resource"]["agent"][0]["name"] for entry in bundle["entry"]} == {
        "Dr Hélène Tremblay",
        "Dr Marc Gagnon",
        "Dr Nguyễn Thị Minh",
    }
    assert "entry" not in await found(client, patient=str(cast.strangers_patient.id))


@pytest.mark.usefixtures("reads")
async def test_a_search_narrows(client: Client, signed_in: SignIn, cast: Cast) -> None:
    await signed_in("privacy")
    patient = f"Patient/{cast.patient.id}"

    async def reading(**query: str) -> int:
        entries = (await found(client, patient=patient, **query)).get("entry", [])
        return sum(entry["resource"]["action"] == "R" for entry in entries)

    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
    assert await reading(agent=f"PractitionerRole/{cast.rural.role_id}") == 1
    assert await reading(agent=f"Practitioner/{cast.specialist.practitioner_id}") == 1
    assert await reading(date=f"lt{tomorrow}") == 3
    assert await reading(date=f"ge{tomorrow}") == 0


async def test_pages_are_linked(client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        for _ in range(25):
            audit.record(session, cast.rural, "file-opened", patient_id=cast.patient.id)
    await signed_in("privacy")
    query = {"agent": str(cast.rural.role_id), "_count": "10"}
    bundle = await found(client, **query)
    seen = [entry["resource"]["id"] for entry in bundle["entry"]]
    while following := [link["url"] for link in bundle["link"] if link["relation"] == "next"]:
        answer = await client.get("/" + following[0].split("/", 3)[3])
        bundle = await answer.json(content_type=None)
        seen += [entry["resource"]["id"] for entry in bundle.get("entry", [])]
    assert len(seen) == len(set(seen)) == 25
    assert len((await found(client, _count="100000"))["entry"]) <= 200


@pytest.mark.usefixtures("reads")
async def test_one_entry_is_read(client: Client, signed_in: SignIn, cast: Cast) -> None:
    await signed_in("privacy")
    first = (await found(client, patient=str(cast.patient.id)))["entry"][0]["resource"]
    answer = await client.get(f"{PATH}/{first['id']}")
    assert await answer.json(content_type=None) == first
    await signed_in("privacy_tertiary")
    others = await client.get(f"{PATH}/{first['id']}")
    unknown = await client.get(f"{PATH}/00000000-0000-0000-0000-000000000001")
    assert [others.status, unknown.status] in ([404, 404], [200, 404])


@pytest.mark.parametrize(
    "query",
    [
        "patient=Group/1",
        "patient=x",
        "agent=Device/1",
        "date=yesterday",
        "date=ne2026",
        "_count=0",
        "_count=-1",
        "before=x",
        "outcome=0",
        "patient=00000000-0000-0000-0000-000000000001&patient=00000000-0000-0000-0000-000000000002",
    ],
)
async def test_what_cannot_be_read_is_an_outcome(client: Client, signed_in: SignIn, query: str) -> None:
    await signed_in("privacy")
    answer = await client.get(f"{PATH}?{query}")
    assert answer.status == 400
    outcome = await answer.json(content_type=None)
    assert (outcome["resourceType"], outcome["issue"][0]["code"]) == ("OperationOutcome", "invalid")


@pytest.mark.parametrize("who", ["rural", "admin", "operator", "stranger"])
async def test_nobody_else(client: Client, signed_in: SignIn, who: str) -> None:
    await signed_in(who)
    answer = await client.get(PATH)
    assert answer.status == 404
    assert (await answer.json(content_type=None))["resourceType"] == "OperationOutcome"


async def test_before_sign_in(client: Client) -> None:
    answer = await client.get(PATH, headers={"Accept": "text/html"}, allow_redirects=False)
    assert answer.status == 401
    assert (await answer.json(content_type=None))["issue"][0]["code"] == "login"


@pytest.mark.usefixtures("reads")
@pytest.mark.parametrize(("purpose", "status"), [(Purpose.AUDIT, 200), (Purpose.FILES, 404)])
async def test_a_program_comes_with_a_token_for_it(
    client: Client, cast: Cast, sessions: Sessions, purpose: Purpose, status: int
) -> None:
    async with transaction(sessions) as session:
        role_id = await role_of_account(session, email=cast.emails["privacy"])
        token = await issue_token(session, Sealer(SECRET), SYSTEM, role_id=role_id, purposes=[purpose], minutes=5)
    answer = await client.get(PATH, headers={"Authorization": f"Bearer {token}"})
    assert answer.status == status
