"""The FHIR door, asked by a system of an establishment: its own patients' files, as far as it was granted them."""

import uuid
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select, update

from teleconsult.accounts.actor import SYSTEM
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.actions import deliver_note
from teleconsult.delivery.models import Delivery
from teleconsult.notes.signing import Signing
from teleconsult.records.actions import file_entry
from teleconsult.records.models import RecordEntry
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings
from teleconsult.systems.models import FhirClient
from tests import note_steps
from tests.conftest import SignIn
from tests.people import Cast
from tests.system_steps import EC, RSA, jwk, let_in, system_program
from tests.web.fhir_client import Program, Resource, included, matches, program
from tests.web.test_fhir_binaries import TEXT, document
from tests.web.test_fhir_bundles import statuses
from tests.web.test_fhir_writing import LAB, weight
from web.requests import OBJECTS, PRESS

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def registry(sessions: Sessions, cast: Cast) -> FhirClient:
    return await let_in(sessions, cast.rural.organization_id)


@pytest.fixture
async def system(client: Client, settings: Settings, registry: FhirClient) -> Program:
    return await system_program(client, settings, registry)


async def filed(sessions: Sessions, patient_id: uuid.UUID, **resource: Any) -> uuid.UUID:
    async with transaction(sessions) as session:
        entry = await file_entry(
            session,
            SYSTEM,
            patient_id=patient_id,
            resource={"resourceType": "Observation", "status": "final", "code": {"text": "Weight"}, **resource},
            title="Weight",
            effective_at=now(),
        )
    return entry.id


async def refused(program: Program, method: str, path: str, body: object = None, **headers: str) -> str:
    """The scope that a 403 names."""
    answer, outcome = await program.ask(method, path, body, headers=headers)
    assert (answer.status, outcome["resourceType"]) == (403, "OperationOutcome"), (path, outcome)
    assert outcome["issue"][0]["code"] == "forbidden"
    return str(outcome["issue"][0]["details"]["text"]).rpartition(" ")[2].rstrip(".")


async def test_it_finds_reads_writes_and_changes_under_its_own_name(
    system: Program, cast: Cast, sessions: Sessions, registry: FhirClient
) -> None:
    (found,) = await system.all("/fhir/Patient?name=belanger")
    assert found["id"] == str(cast.patient.id)
    answer, kept = await system.ask("POST", "/fhir/Observation", weight(found["id"]))
    assert answer.status == 201, kept
    assert await system.all(f"/fhir/Observation?patient={found['id']}&identifier={LAB}|W-1") == [kept]
    assert await system.all("/fhir/Observation") == [kept], "all files of its house are open to it"
    changed = {**kept, "valueQuantity": {**kept["valueQuantity"], "value": 72}}
    path = f"/fhir/Observation/{kept['id']}"
    answer, after = await system.ask("PUT", path, changed, headers={"If-Match": 'W/"1"'})
    assert (answer.status, after["valueQuantity"]["value"]) == (200, 72)
    answer, _outcome = await system.ask("PUT", path, changed, headers={"If-Match": 'W/"1"'})
    assert answer.status == 412
    assert (await system.get(f"{path}/_history/1"))["valueQuantity"]["value"] == 71.5
    assert len((await system.get(f"{path}/_history"))["entry"]) == 2
    answer, reference = await system.ask("POST", "/fhir/DocumentReference", document(found["id"]))
    assert answer.status == 201, reference
    answer = await system.client.get(f"/fhir/Binary/{reference['id']}", headers=system.headers)
    assert (answer.status, await answer.read()) == (200, TEXT)
    async with transaction(sessions) as session:
        entry = await session.get_one(RecordEntry, uuid.UUID(kept["id"]))
        events = (await session.scalars(select(AuditEvent).where(AuditEvent.actor_name == "Registry"))).all()
    assert (entry.author_name, entry.author_role_id, entry.source) == ("Registry", None, "Registry")
    assert (entry.origin, entry.organization_id) == ("fhir", cast.rural.organization_id)
    acts = {event.action for event in events}
    assert {"patients-searched", "entry-filed", "entry-changed", "file-opened"} <= acts
    assert {event.detail.get("client") for event in events} == {str(registry.id)}
    assert {event.organization_id for event in events} == {cast.rural.organization_id}


async def test_people_see_in_the_file_who_wrote_it(
    system: Program, client: Client, signed_in: SignIn, cast: Cast
) -> None:
    sent = weight(cast.patient.id, meta={"source": "urn:somebody-else"})
    assert (await system.ask("POST", "/fhir/Observation", sent))[0].status == 201
    await signed_in("rural")
    page = await (await client.get(f"/patients/{cast.patient.id}")).text()
    assert "Registry, Centre de santé de l’Anse" in page
    assert "(Registry)" in page, "by which door, and whose"
    assert "somebody-else" not in page


async def test_what_others_share_is_shared_with_people(
    system: Program, cast: Cast, sessions: Sessions, settings: Settings, client: Client
) -> None:
    """The same person is known at the provincial hospital, which shares with the rural centre."""
    own = await filed(sessions, cast.patient.id)
    elsewhere = await filed(sessions, cast.patient_elsewhere.id)
    assert "link" not in await system.get(f"/fhir/Patient/{cast.patient.id}")
    assert [one["id"] for one in await system.all(f"/fhir/Observation?patient={cast.patient.id}")] == [str(own)]
    whole = await system.get(f"/fhir/Patient/{cast.patient.id}/$everything")
    assert {one["id"] for one in matches(whole)} == {str(cast.patient.id), str(own)}
    for path in (
        f"/fhir/Patient/{cast.patient_elsewhere.id}",
        f"/fhir/Observation/{elsewhere}",
        f"/fhir/Patient/{cast.patient_elsewhere.id}/$everything",
    ):
        answer, _outcome = await system.ask("GET", path)
        assert answer.status == 404, path
    assert await system.all(f"/fhir/Observation?patient={cast.patient_elsewhere.id}") == []
    answer, _outcome = await system.ask("POST", "/fhir/Observation", weight(cast.patient_elsewhere.id))
    assert answer.status == 422
    theirs = await let_in(sessions, cast.stranger.organization_id)
    stranger = await system_program(client, settings, theirs)
    for path in (f"/fhir/Patient/{cast.patient.id}", f"/fhir/Observation/{own}"):
        answer, _outcome = await stranger.ask("GET", path)
        assert answer.status == 404, path


async def test_what_another_wrote_into_its_patients_file_it_reads_and_leaves(
    system: Program, cast: Cast, sessions: Sessions
) -> None:
    async with transaction(sessions) as session:
        entry = await file_entry(
            session,
            SYSTEM,
            patient_id=cast.patient.id,
            organization_id=cast.specialist.organization_id,
            resource={"resourceType": "Observation", "status": "final", "code": {"text": "Weight"}},
            title="Weight",
            effective_at=now(),
        )
    resource = await system.get(f"/fhir/Observation/{entry.id}")
    answer, _outcome = await system.ask("PUT", f"/fhir/Observation/{entry.id}", resource)
    assert answer.status == 409


async def test_it_takes_the_signed_notes_of_its_patients_with_it(
    system: Program, cast: Cast, sessions: Sessions, settings: Settings, client: Client
) -> None:
    signing = Signing(sessions, settings, client.app[OBJECTS], Sealer(settings.secret_key), client.app[PRESS])
    await note_steps.enrol(sessions, settings, cast.specialist)
    signed = await note_steps.signed(cast, signing)
    async with transaction(sessions) as session:
        found = await session.scalars(select(Delivery.id).where(Delivery.composition_id == signed.note.id))
        await deliver_note(session, SYSTEM, delivery_id=found.one())
    (reference,) = await system.all(f"/fhir/DocumentReference?patient={cast.patient.id}")
    path = f"/fhir/{reference['content'][0]['attachment']['url']}"
    answer = await client.get(path, headers=system.headers)
    assert (answer.status, (await answer.read())[:5]) == (200, b"%PDF-")
    theirs = await let_in(sessions, cast.specialist.organization_id)
    answering = await system_program(client, settings, theirs)
    assert (await client.get(path, headers=answering.headers)).status == 404, "it is not its patient's"


async def test_a_scope_that_is_too_small_is_named(
    client: Client, settings: Settings, registry: FhirClient, cast: Cast, sessions: Sessions
) -> None:
    entry = await filed(sessions, cast.patient.id)
    small = await system_program(client, settings, registry, scope="system/Observation.s system/Encounter.rs")
    observation = weight(cast.patient.id)
    for method, path, body, scope in (
        ("GET", f"/fhir/Observation/{entry}", None, "system/Observation.r"),
        ("GET", f"/fhir/Observation/{entry}/_history/1", None, "system/Observation.r"),
        ("GET", f"/fhir/Observation/{entry}/_history", None, "system/Observation.r"),
        ("GET", f"/fhir/Binary/{entry}", None, "system/Binary.r"),
        ("POST", "/fhir/DocumentReference", document(cast.patient.id), "system/DocumentReference.c"),
        ("POST", "/fhir/Observation", observation, "system/Observation.c"),
        ("PUT", f"/fhir/Observation/{entry}", {**observation, "id": str(entry)}, "system/Observation.u"),
        ("PUT", f"/fhir/Observation?identifier={LAB}|W-1", observation, "system/Observation.u"),
        ("GET", "/fhir/Patient", None, "system/Patient.s"),
        ("POST", "/fhir/Patient/$match", {"resourceType": "Parameters"}, "system/Patient.s"),
        ("GET", f"/fhir/Patient/{cast.patient.id}", None, "system/Patient.r"),
        ("GET", f"/fhir/Patient/{cast.patient.id}/$everything", None, "system/Patient.r"),
        ("GET", "/fhir/Observation?_include=Observation:patient", None, "system/Patient.r"),
        ("GET", "/fhir/Observation?patient.identifier=a|1", None, "system/Patient.s"),
        ("POST", "/fhir/Observation/_search?_include=Observation:subject", None, "system/Patient.r"),
        ("GET", "/fhir/Encounter?_revinclude=Observation:encounter", None, "system/Observation.r"),
        ("GET", "/fhir/Condition", None, "system/Condition.s"),
    ):
        assert await refused(small, method, path, body) == scope, path
    answer, _found = await small.ask(
        "GET", f"/fhir/Observation?patient={cast.patient.id}&_include=Observation:encounter"
    )
    assert answer.status == 200


async def test_nothing_is_looked_at_without_the_scope(
    client: Client, settings: Settings, registry: FhirClient, system: Program, cast: Cast
) -> None:
    """Neither whether a document is there, nor what the bytes are that come."""
    answer, reference = await system.ask("POST", "/fhir/DocumentReference", document(cast.patient.id))
    assert answer.status == 201
    narrow = await system_program(client, settings, registry, scope="system/DocumentReference.r")
    broken = document(cast.patient.id, b"\x00")
    for id_ in (reference["id"], str(uuid.uuid4())):
        path = f"/fhir/DocumentReference/{id_}"
        assert await refused(narrow, "PUT", path, {**broken, "id": id_}) == "system/DocumentReference.u"
    assert await refused(narrow, "POST", "/fhir/DocumentReference", broken) == "system/DocumentReference.c"
    sent = bundle("batch", ("POST", "DocumentReference", broken))
    assert statuses((await narrow.ask("POST", "/fhir", sent))[1]) == ["403"]


async def test_half_a_file_is_never_called_everything(
    client: Client, settings: Settings, registry: FhirClient, cast: Cast, sessions: Sessions
) -> None:
    await filed(sessions, cast.patient.id)
    some = await system_program(client, settings, registry, scope="system/Patient.rs system/Observation.rs")
    path = f"/fhir/Patient/{cast.patient.id}/$everything"
    assert await refused(some, "GET", path) == "system/*.r"
    assert await refused(some, "GET", f"{path}?_type=Observation,Condition") == "system/Condition.r"
    answer, found = await some.ask("GET", f"{path}?_type=Observation")
    assert answer.status == 200
    assert [one["resourceType"] for one in matches(found)] == ["Observation"]


async def test_a_condition_is_a_search(client: Client, settings: Settings, registry: FhirClient, cast: Cast) -> None:
    writer = await system_program(client, settings, registry, scope="system/Observation.cu")
    condition = {"If-None-Exist": f"identifier={LAB}|W-1"}
    body = weight(cast.patient.id)
    assert await refused(writer, "POST", "/fhir/Observation", body, **condition) == "system/Observation.s"
    assert await refused(writer, "PUT", f"/fhir/Observation?identifier={LAB}|W-1", body) == "system/Observation.s"
    assert await refused(writer, "POST", f"/fhir/Observation?identifier={LAB}|W-1", body) == "system/Observation.s"
    answer, _kept = await writer.ask("POST", "/fhir/Observation", body)
    assert answer.status == 201


def bundle(kind: str, *requests: tuple[str, str, Resource | None]) -> Resource:
    entries = [
        {"request": {"method": method, "url": url}, **({"resource": resource} if resource else {})}
        for method, url, resource in requests
    ]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


async def test_a_bundle_is_asked_for_each_of_its_entries(
    client: Client, settings: Settings, registry: FhirClient, cast: Cast, sessions: Sessions
) -> None:
    reader = await system_program(client, settings, registry, scope="system/*.rs")
    requests = (
        ("GET", f"Patient/{cast.patient.id}", None),
        ("POST", "Observation", weight(cast.patient.id)),
    )
    answer, done = await reader.ask("POST", "/fhir", bundle("batch", *requests))
    assert answer.status == 200
    assert [entry["response"]["status"][:3] for entry in done["entry"]] == ["200", "403"]
    assert await refused(reader, "POST", "/fhir", bundle("transaction", *requests)) == "system/Observation.c"
    async with transaction(sessions) as session:
        assert (await session.scalars(select(RecordEntry))).all() == []
    writer = await system_program(client, settings, registry)
    answer, done = await writer.ask("POST", "/fhir", bundle("transaction", *requests))
    assert (answer.status, [entry["response"]["status"][:3] for entry in done["entry"]]) == (200, ["200", "201"])


async def test_what_comes_along_comes_where_it_is_granted(system: Program, cast: Cast) -> None:
    await system.ask("POST", "/fhir/Observation", weight(cast.patient.id))
    found = await system.get(f"/fhir/Observation?patient={cast.patient.id}&_include=Observation:patient")
    assert [one["id"] for one in included(found)] == [str(cast.patient.id)]
    answer, ranked = await system.ask(
        "POST",
        "/fhir/Patient/$match",
        {
            "resourceType": "Parameters",
            "parameter": [
                {
                    "name": "resource",
                    "resource": {
                        "resourceType": "Patient",
                        "name": [{"family": "Bélanger", "given": ["Rose"]}],
                        "birthDate": "1951-03-14",
                    },
                }
            ],
        },
    )
    assert (answer.status, [one["id"] for one in matches(ranked)]) == (200, [str(cast.patient.id)])


async def test_it_ends_when_it_is_turned_off_narrowed_or_its_key_is_gone(
    client: Client, settings: Settings, registry: FhirClient, sessions: Sessions, cast: Cast
) -> None:
    async def change(**values: Any) -> None:
        async with transaction(sessions) as session:
            await session.execute(update(FhirClient).where(FhirClient.id == registry.id).values(**values))

    system = await system_program(client, settings, registry)
    await system.get("/fhir/Patient")
    await change(scope="system/Observation.rs")
    assert await refused(system, "GET", "/fhir/Patient") == "system/Patient.s"
    await system.get("/fhir/Observation")
    await change(keys=[jwk(EC, "rsa", alg="ES384")])
    assert (await system.ask("GET", "/fhir/Observation"))[0].status == 401, "the key of this name is another one now"
    await change(keys=[jwk(RSA, "renamed", alg="RS384")])
    await system.get("/fhir/Observation")
    await change(disabled_at=now())
    answer, outcome = await system.ask("GET", "/fhir/Observation")
    assert (answer.status, outcome["issue"][0]["code"]) == (401, "login")
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


async def test_its_token_opens_nothing_else(system: Program, client: Client, cast: Cast) -> None:
    for path in ("/patients", f"/patients/{cast.patient.id}", "/consults", "/admin", "/", "/fhirside/../patients"):
        answer = await client.get(path, headers=system.headers)
        assert answer.status in (401, 404), path
        assert "Bélanger" not in await answer.text()
    assert (await client.get("/patients", headers=system.headers)).status == 401
    for path in ("/fhir/AuditEvent", "/fhir/ServiceRequest", "/fhir/Task"):
        answer, _outcome = await system.ask("GET", path)
        assert answer.status == 404, path


async def test_the_log_names_it_in_fhir_too(
    system: Program, client: Client, sessions: Sessions, cast: Cast, registry: FhirClient
) -> None:
    await system.get(f"/fhir/Patient/{cast.patient.id}")
    officer = await program(client, sessions, cast.privacy)
    events = await officer.all(f"/fhir/AuditEvent?patient=Patient/{cast.patient.id}")
    (read,) = [one for one in events if one["subtype"][-1]["code"] == "patient-read"]
    (who,) = [agent for agent in read["agent"] if agent["requestor"]]
    assert who["who"] == {
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{registry.id}"},
        "display": "Registry",
    }
