"""The FHIR door: all that an entry ever said."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from tests.people import Cast
from tests.web.fhir_client import Program, Resource, program
from tests.web.test_fhir_writing import created, weight

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def rural(client: Client, sessions: Sessions, cast: Cast) -> Program:
    return await program(client, sessions, cast.rural)


@pytest.fixture
async def changed(rural: Program, cast: Cast) -> Resource:
    """An entry at its third version."""
    kept = await created(rural, weight(cast.patient.id))
    for status in ("amended", "corrected"):
        answer, kept = await rural.ask("PUT", f"/fhir/Observation/{kept['id']}", {**kept, "status": status})
        assert answer.status == 200
    return kept


async def test_the_latest_comes_first(rural: Program, changed: Resource, sessions: Sessions) -> None:
    path = f"/fhir/Observation/{changed['id']}/_history"
    bundle = await rural.get(path)
    assert (bundle["type"], bundle["total"]) == ("history", 3)
    assert [one["resource"]["status"] for one in bundle["entry"]] == ["corrected", "amended", "final"]
    assert [one["request"]["method"] for one in bundle["entry"]] == ["PUT", "PUT", "POST"]
    assert [one["response"]["etag"] for one in bundle["entry"]] == ['W/"3"', 'W/"2"', 'W/"1"']
    assert bundle["entry"][0]["resource"] == await rural.get(f"/fhir/Observation/{changed['id']}")
    assert bundle["entry"][2]["resource"] == await rural.get(f"{path}/1")
    async with transaction(sessions) as session:
        read = list(await session.scalars(select(AuditEvent).where(AuditEvent.action == "file-opened")))
        assert len(read) == 3
        assert {event.entity_id for event in read} == {read[0].entity_id}


async def test_it_comes_in_pages(rural: Program, changed: Resource) -> None:
    path, versions = f"/fhir/Observation/{changed['id']}/_history?_count=1", []
    while path:
        bundle = await rural.get(path)
        assert bundle["total"] == 3
        versions += [one["resource"]["meta"]["versionId"] for one in bundle["entry"]]
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        path = "/" + links["next"].split("/", 3)[3] if "next" in links else ""
    assert versions == ["3", "2", "1"]
    counted = await rural.get(f"/fhir/Observation/{changed['id']}/_history?_count=0")
    assert (counted["total"], "entry" in counted) == (3, False)
    for bad in ("x", "MjAyNiB4"):
        answer, _outcome = await rural.ask("GET", f"/fhir/Observation/{changed['id']}/_history?_position={bad}")
        assert answer.status == 400


async def test_who_may_not_read_it_finds_none(
    client: Client, cast: Cast, sessions: Sessions, changed: Resource
) -> None:
    for who in (cast.stranger, cast.specialist, cast.coordinator):
        someone = await program(client, sessions, who)
        answer, _outcome = await someone.ask("GET", f"/fhir/Observation/{changed['id']}/_history")
        assert answer.status == 404
    rural = await program(client, sessions, cast.rural)
    for path in (
        f"Condition/{changed['id']}/_history",
        "Observation/x/_history",
        f"Patient/{cast.patient.id}/_history",
    ):
        answer, _outcome = await rural.ask("GET", f"/fhir/{path}")
        assert answer.status == 404
