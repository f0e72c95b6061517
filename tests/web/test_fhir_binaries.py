"""The FHIR door: documents in with a DocumentReference, and their bytes out."""

import base64
import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import func, select

from teleconsult.accounts.actor import SYSTEM
from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.actions import deliver_note
from teleconsult.delivery.models import Delivery
from teleconsult.fhir import batches
from teleconsult.notes.signing import Signing
from teleconsult.records.documents import key_of
from teleconsult.records.models import RecordEntry
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings
from tests import note_steps
from tests.people import Cast
from tests.teleconsult.cda.documents import ATTACHED, HEAD
from tests.web.fhir_client import FHIR_JSON, Program, Resource, program
from tests.web.test_documents import PDF, picture
from tests.web.test_fhir_bundles import bundle, entry, statuses
from tests.web.test_fhir_writing import created
from web.requests import OBJECTS, PRESS

Client = TestClient[web.Request, web.Application]
TEXT = "Vu ce jour.\nRien à signaler.".encode()


@pytest.fixture
async def rural(client: Client, sessions: Sessions, cast: Cast) -> Program:
    return await program(client, sessions, cast.rural)


def document(patient_id: object, content: bytes = TEXT, kind: str = "text/plain", **more: Any) -> Resource:
    """A DocumentReference that brings its bytes; `more` is of the attachment."""
    data = base64.b64encode(content).decode()
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": f"Patient/{patient_id}"},
        "date": "2026-11-20T08:30:00Z",
        "type": {"text": "Compte rendu"},
        "content": [{"attachment": {"contentType": kind, "data": data, "title": "Visite", **more}}],
    }


async def raw(rural: Program, path: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    answer = await rural.client.get(path, headers={**rural.headers, **headers})
    return answer.status, answer.headers, await answer.read()


async def kept(sessions: Sessions) -> int:
    async with transaction(sessions) as session:
        return await session.scalar(select(func.count()).select_from(RecordEntry)) or 0


async def test_bytes_go_in_and_out(rural: Program, cast: Cast, sessions: Sessions) -> None:
    made = await created(rural, document(cast.patient.id, size=len(TEXT)))
    (content,) = made["content"]
    attachment = content["attachment"]
    sha1 = base64.b64encode(hashlib.sha1(TEXT).digest()).decode()
    assert {name: attachment[name] for name in ("contentType", "size", "hash", "url", "title")} == {
        "contentType": "text/plain",
        "size": len(TEXT),
        "hash": sha1,
        "url": f"Binary/{made['id']}",
        "title": "Visite",
    }
    assert "data" not in attachment
    path = f"/fhir/{attachment['url']}"
    status, headers, content = await raw(rural, path, Accept="text/plain")
    assert (status, content, headers["Content-Type"]) == (200, TEXT, "text/plain; charset=utf-8")
    assert headers["Content-Disposition"].startswith("attachment")
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")
    for asked, accepted in ((path, FHIR_JSON), (f"{path}?_format=json", "*/*")):
        binary = await rural.get(asked, Accept=accepted)
        assert (binary["resourceType"], binary["id"], binary["contentType"]) == ("Binary", made["id"], "text/plain")
        assert base64.b64decode(binary["data"]) == TEXT
        assert binary["securityContext"] == {"reference": f"DocumentReference/{made['id']}"}
    for accepted in ("application/json", "*/*", ""):
        assert (await raw(rural, path, Accept=accepted))[2] == TEXT
    assert (await raw(rural, path, **{"If-None-Match": headers["ETag"]}))[0] == 304
    async with transaction(sessions) as session:
        read = list(await session.scalars(select(AuditEvent).where(AuditEvent.action == "file-opened")))
        assert {(str(event.entity_id), event.detail["of"]) for event in read} == {(made["id"], "Binary")}
        assert len(read) == 7


async def test_what_comes_is_looked_at(client: Client, rural: Program, cast: Cast, sessions: Sessions) -> None:
    """As if it were added by hand: a picture is drawn anew, and bytes are what they are."""
    made = await created(rural, document(cast.patient.id, picture(), "image/jpeg"))
    status, headers, content = await raw(rural, f"/fhir/Binary/{made['id']}")
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    assert b"Route 138" not in content
    assert made["content"][0]["attachment"]["size"] == len(content)
    await created(rural, document(cast.patient.id, PDF, "application/pdf"))
    before = await kept(sessions)
    for resource, element, words in (
        (document(cast.patient.id, b"\x00\x01"), "data", "Choose a PDF"),
        (document(cast.patient.id, b"<html><script>1</script>", "text/html"), "contentType", "another kind"),
        (document(cast.patient.id, PDF, "text/plain"), "contentType", "another kind"),
        (document(cast.patient.id, b"\xff\xd8\xff rest", "image/jpeg"), "data", "cannot be read"),
        (document(cast.patient.id, size=3), "size", "more or fewer"),
        (document(cast.patient.id, hash="x"), "hash", "not the hash"),
        (document(cast.patient.id, data="%%%"), "data", "no base64"),
        (document(cast.patient.id, data="é"), "data", "no base64"),
        (document(cast.patient.id, data=["x"]), "data", "no base64"),
    ):
        answer, outcome = await rural.ask("POST", "/fhir/DocumentReference", resource)
        (issue,) = outcome["issue"]
        assert (answer.status, issue["expression"]) == (422, [f"DocumentReference.content[0].attachment.{element}"])
        assert words in issue["details"]["text"]
    twice = document(cast.patient.id)
    twice["content"] *= 2
    answer, outcome = await rural.ask("POST", "/fhir/DocumentReference", twice)
    assert (answer.status, "one document at a time" in outcome["issue"][0]["details"]["text"]) == (422, True)
    assert await kept(sessions) == before


async def test_what_else_is_said_of_it_stays(rural: Program, cast: Cast) -> None:
    more = {"language": "fr", "creation": "2026-11-19", "url": "Binary/x"}
    forged = {"url": "urn:oid:2.16.840.1.101.3.4.2.1", "valueString": "0" * 64}
    own = {"url": "urn:x", "valueString": "scanned"}
    made = await created(rural, document(cast.patient.id, extension=[forged, own], **more))
    attachment = made["content"][0]["attachment"]
    assert (attachment["language"], attachment["creation"]) == ("fr", "2026-11-19")
    assert attachment["url"] == f"Binary/{made['id']}"
    digest = hashlib.sha256(TEXT).hexdigest()
    assert [one["valueString"] for one in attachment["extension"]] == [digest, "scanned"]
    assert (await raw(rural, f"/fhir/Binary/{made['id']}"))[2] == TEXT


async def test_a_large_document_has_room(rural: Program, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = PDF + b" " * 2_000_000
    made = await created(rural, document(cast.patient.id, whole, "application/pdf"))
    assert (await raw(rural, f"/fhir/Binary/{made['id']}"))[2] == whole
    monkeypatch.setattr("teleconsult.fhir.attachments.LARGEST", 1000)
    answer, _outcome = await rural.ask("POST", "/fhir/DocumentReference", document(cast.patient.id, whole))
    assert answer.status == 413
    answer, _outcome = await rural.ask("POST", "/fhir/Observation", {"x": "y" * 300_000})
    assert answer.status == 413


async def test_a_document_within_a_document(rural: Program, cast: Cast) -> None:
    letter = (HEAD + ATTACHED).encode()
    made = await created(rural, document(cast.patient.id, letter, "text/xml"))
    whole, inside = (one["attachment"] for one in made["content"])
    assert (whole["contentType"], inside["url"]) == ("application/xml", f"Binary/{made['id']}/inside")
    assert (await raw(rural, f"/fhir/{whole['url']}"))[2] == letter
    status, headers, content = await raw(rural, f"/fhir/{inside['url']}")
    assert (status, headers["Content-Type"], len(content)) == (200, inside["contentType"], inside["size"])
    alone = await created(rural, document(cast.patient.id))
    assert (await raw(rural, f"/fhir/Binary/{alone['id']}/inside"))[0] == 404


async def test_under_a_condition_and_in_bundles(rural: Program, cast: Cast, sessions: Sessions) -> None:
    numbered = {**document(cast.patient.id), "identifier": [{"system": "urn:archive", "value": "1"}]}
    condition = "identifier=urn:archive|1"
    answer, made = await rural.ask("PUT", f"/fhir/DocumentReference?{condition}", numbered)
    assert answer.status == 201
    answer, again = await rural.ask("POST", "/fhir/DocumentReference", numbered, headers={"If-None-Exist": condition})
    assert (answer.status, again["id"]) == (200, made["id"])
    bad = document(cast.patient.id, size=1)
    answer, done = await rural.ask(
        "POST",
        "/fhir",
        bundle(
            "batch",
            entry("POST", "DocumentReference", document(cast.patient.id)),
            entry("POST", "DocumentReference", bad),
            entry("GET", f"Binary/{made['id']}"),
        ),
    )
    assert statuses(done) == ["201", "422", "405"]
    one = done["entry"][0]["resource"]["content"][0]["attachment"]
    assert (await raw(rural, f"/fhir/{one['url']}"))[2] == TEXT
    before = await kept(sessions)
    good = entry("POST", "DocumentReference", document(cast.patient.id, PDF, "application/pdf"))
    answer, outcome = await rural.ask(
        "POST", "/fhir", bundle("transaction", good, entry("POST", "DocumentReference", bad))
    )
    expected = "Bundle.entry[1].resource.content[0].attachment.size"
    assert (answer.status, outcome["issue"][0]["expression"]) == (422, [expected])
    assert await kept(sessions) == before
    answer, done = await rural.ask("POST", "/fhir", bundle("transaction", good))
    assert (await raw(rural, f"/fhir/Binary/{done['entry'][0]['resource']['id']}"))[2] == PDF


@pytest.mark.parametrize("kind", ["batch", "transaction"])
async def test_many_pictures_at_once_are_not_looked_at(
    rural: Program, cast: Cast, sessions: Sessions, kind: str
) -> None:
    """Six kilobytes may be 49 million pixels: whoever sends hundreds would keep everybody's images waiting."""
    image = entry("POST", "DocumentReference", document(cast.patient.id, picture("PNG", width=1), "image/png"))
    disguised = entry("POST", "DocumentReference", document(cast.patient.id, picture("PNG", width=1)))
    letter = entry("POST", "DocumentReference", document(cast.patient.id, (HEAD + ATTACHED).encode(), "text/xml"))
    answer, outcome = await rural.ask("POST", "/fhir", bundle(kind, *[image] * 10, *[disguised] * 5, *[letter] * 6))
    assert (answer.status, outcome["resourceType"]) == (413, "OperationOutcome")
    assert "20 pictures" in outcome["issue"][0]["details"]["text"]
    assert await kept(sessions) == 0


async def test_twenty_pictures_and_any_texts_are_taken(
    rural: Program, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MOST_COSTLY", 1)
    image = entry("POST", "DocumentReference", document(cast.patient.id, picture("PNG", width=1), "image/png"))
    text = entry("POST", "DocumentReference", document(cast.patient.id))
    odd = entry("POST", "DocumentReference", {"content": [1, {"attachment": 1}, {"attachment": {"data": "é"}}]})
    answer, done = await rural.ask("POST", "/fhir", bundle("batch", image, text, text, odd))
    assert (answer.status, statuses(done)[:3]) == (200, ["201", "201", "201"])
    answer, _outcome = await rural.ask("POST", "/fhir", bundle("batch", image, image))
    assert answer.status == 413


async def test_a_search_in_a_bundle_brings_no_document(rural: Program, cast: Cast) -> None:
    reference = await created(rural, document(cast.patient.id))
    search = entry("POST", f"DocumentReference/_search?patient={cast.patient.id}")
    answer, done = await rural.ask("POST", "/fhir", bundle("batch", search))
    assert (answer.status, statuses(done)) == (200, ["200"])
    assert done["entry"][0]["resource"]["entry"][0]["resource"]["id"] == reference["id"]


async def test_an_entry_keeps_its_bytes(rural: Program, cast: Cast) -> None:
    made = await created(rural, document(cast.patient.id))
    path = f"/fhir/DocumentReference/{made['id']}"
    answer, changed = await rural.ask("PUT", path, {**made, "description": "Renamed"})
    assert (answer.status, changed["content"]) == (200, made["content"])
    again = {**document(cast.patient.id), "id": made["id"], "description": "Once more"}
    answer, changed = await rural.ask("PUT", path, again)
    assert (answer.status, changed["content"]) == (200, made["content"]), "the same bytes are no others"
    others = document(cast.patient.id, PDF, "application/pdf")
    answer, outcome = await rural.ask("PUT", path, {**others, "id": made["id"]})
    assert (answer.status, outcome["issue"][0]["code"]) == (422, "business-rule")
    assert outcome["issue"][0]["expression"] == ["DocumentReference.content[0].attachment.data"]
    assert (await raw(rural, f"/fhir/Binary/{made['id']}"))[2] == TEXT
    forged = {**made, "content": [{"attachment": {**made["content"][0]["attachment"], "contentType": "text/html"}}]}
    answer, _changed = await rural.ask("PUT", path, forged)
    assert (await raw(rural, f"/fhir/Binary/{made['id']}"))[0] == 404


async def test_bytes_that_changed_are_not_shown(client: Client, rural: Program, cast: Cast) -> None:
    made = await created(rural, document(cast.patient.id))
    objects, key = client.app[OBJECTS], key_of(uuid.UUID(made["id"]))
    await objects.delete(key)
    assert (await raw(rural, f"/fhir/Binary/{made['id']}"))[0] == 404
    await objects.put(key, b"other bytes")
    assert (await raw(rural, f"/fhir/Binary/{made['id']}"))[0] == 404


async def test_a_signed_note_is_read(
    client: Client, rural: Program, cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    signing = Signing(sessions, settings, client.app[OBJECTS], Sealer(settings.secret_key), client.app[PRESS])
    await note_steps.enrol(sessions, settings, cast.specialist)
    signed = await note_steps.signed(cast, signing)
    async with transaction(sessions) as session:
        of_note = select(Delivery.id).where(Delivery.composition_id == signed.note.id)
        delivery_id = (await session.scalars(of_note)).one()
        await deliver_note(session, SYSTEM, delivery_id=delivery_id)
    references = await rural.all(f"/fhir/DocumentReference?patient={cast.patient.id}")
    attachment = references[0]["content"][0]["attachment"]
    status, headers, content = await raw(rural, f"/fhir/{attachment['url']}")
    assert attachment["size"] == len(content)
    assert attachment["hash"] == base64.b64encode(hashlib.sha1(content).digest()).decode()
    assert (status, headers["Content-Type"], content[:5]) == (200, "application/pdf", b"%PDF-")
    async with transaction(sessions) as session:
        acts = set(await session.scalars(select(AuditEvent.action)))
        assert {"note-read", "file-opened"} <= acts


async def test_who_may_not_read_the_reference_reads_no_bytes(
    client: Client, rural: Program, cast: Cast, sessions: Sessions
) -> None:
    made = await created(rural, document(cast.patient.id))
    for who in (cast.stranger, cast.specialist, cast.coordinator, cast.colleague):
        someone = await program(client, sessions, who)
        status, _headers, content = await raw(someone, f"/fhir/Binary/{made['id']}")
        assert (status, TEXT in content) == (404, False)
        answer, _outcome = await someone.ask("POST", "/fhir/DocumentReference", document(cast.patient.id))
        assert answer.status in (403, 404, 422)
        answer, _outcome = await someone.ask("PUT", f"/fhir/DocumentReference/{made['id']}", b"no JSON")
        assert answer.status == 404
    other = await rural.all(f"/fhir/DocumentReference?patient={cast.patient.id}")
    assert len(other) == 1
    for path in ("Binary/x", f"Binary/{cast.patient.id}", f"Binary/{made['id']}/other"):
        assert (await raw(rural, f"/fhir/{path}"))[0] == 404
    answer, _outcome = await rural.ask("POST", "/fhir/Binary", {})
    assert answer.status in (404, 405)
