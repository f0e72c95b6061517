"""A FHIR client that others wrote (PyPI `fhirpy`) finds its way through our door."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from fhirpy import AsyncFHIRClient
from fhirpy.base.exceptions import MultipleResourcesFound, OperationOutcome, ResourceNotFound

from teleconsult.db import Sessions, transaction
from tests.people import Cast, bearer_of
from tests.web.test_fhir_bundles import bundle, entry
from tests.web.test_fhir_writing import LAB, weight

Client = TestClient[web.Request, web.Application]
Found = dict[str, Any]


@pytest.fixture(params=["127.0.0.1", "localhost"])
async def peer(request: pytest.FixtureRequest, client: Client, cast: Cast, sessions: Sessions) -> AsyncFHIRClient:
    """It was told one of the names of this machine, and refuses links to another."""
    async with transaction(sessions) as session:
        bearer = await bearer_of(session, cast.rural)
    address = client.make_url("/fhir").with_host(request.param)
    return AsyncFHIRClient(str(address), authorization=f"Bearer {bearer}")


def numbered(cast: Cast, number: int, **more: Any) -> Found:
    """A weight under its own number."""
    return weight(cast.patient.id, identifier=[{"system": LAB, "value": f"P-{number}"}], **more)


async def test_it_reads_what_is_offered(peer: AsyncFHIRClient) -> None:
    statement = await peer.execute("metadata", method="get")
    assert statement["fhirVersion"] == "4.0.1"
    assert statement["implementation"]["url"] == peer.url


async def test_it_creates_reads_and_changes(peer: AsyncFHIRClient, cast: Cast) -> None:
    made = await peer.resource("Observation", **numbered(cast, 1)).create()
    again = await peer.reference("Observation", made["id"]).to_resource()
    assert again.serialize() == made.serialize()
    again["status"] = "amended"
    changed = await again.update()
    assert (changed["meta"]["versionId"], changed["status"]) == ("2", "amended")
    first = await peer.execute(f"Observation/{made['id']}/_history/1", method="get")
    assert first["status"] == "final"


async def test_it_creates_and_changes_under_a_condition(peer: AsyncFHIRClient, cast: Cast) -> None:
    """Where R4 says `If-None-Exist`, it says the condition in the address."""
    by_number = peer.resources("Observation").search(identifier=f"{LAB}|P-1")
    made, is_new = await by_number.get_or_create(peer.resource("Observation", **numbered(cast, 1)))
    known, is_again = await by_number.get_or_create(peer.resource("Observation", **numbered(cast, 1)))
    assert (is_new, is_again, known["id"]) == (True, False, made["id"])
    _changed, is_new = await by_number.update(peer.resource("Observation", **numbered(cast, 1, status="amended")))
    assert is_new is False
    _made, is_new = await (
        peer.resources("Observation")
        .search(identifier=f"{LAB}|P-2")
        .update(peer.resource("Observation", **numbered(cast, 2)))
    )
    assert is_new is True
    assert [one["status"] for one in await by_number.fetch_all()] == ["amended"]
    for status in ("final", "amended"):
        await peer.resource("Observation", **numbered(cast, 3, status=status)).create()
    with pytest.raises(MultipleResourcesFound):
        await (
            peer.resources("Observation")
            .search(identifier=f"{LAB}|P-3")
            .update(peer.resource("Observation", **numbered(cast, 3)))
        )


async def test_it_follows_pages(peer: AsyncFHIRClient, cast: Cast) -> None:
    sent = bundle("transaction", *(entry("POST", "Observation", numbered(cast, number)) for number in range(5)))
    done = await peer.execute("", data=sent)
    made = {one["resource"]["id"] for one in done["entry"]}
    weights = peer.resources("Observation").search(patient=f"Patient/{cast.patient.id}", code="29463-7").limit(2)
    found = [one["id"] for one in await weights.fetch_all()]
    assert (len(found), set(found)) == (5, made)
    assert await weights.count() == 5
    assert len(await weights.fetch()) == 2
    file = await peer.execute(f"Patient/{cast.patient.id}/$everything", method="get")
    assert {one["resource"]["id"] for one in file["entry"]} >= made


async def test_it_understands_refusals(peer: AsyncFHIRClient, cast: Cast) -> None:
    with pytest.raises(ResourceNotFound):
        await peer.reference("Patient", str(cast.strangers_patient.id)).to_resource()
    with pytest.raises(OperationOutcome) as refused:
        await peer.resource("Observation", **numbered(cast, 1, status="perhaps")).create()
    assert refused.value.resource["issue"][0]["expression"] == ["Observation.status"]
    with pytest.raises(OperationOutcome):
        await peer.reference("Patient", str(cast.patient.id)).delete()
