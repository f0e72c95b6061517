"""Printing and exporting a file: what leaves, for whom, and what is written down of it."""

import asyncio
import base64
import hashlib
import json
import re
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient
from sqlalchemy import select, text

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.exports import files
from teleconsult.exports.asking import ExportFormat
from teleconsult.objects import Objects, open_store
from teleconsult.records.actions import file_entry
from teleconsult.records.changing import retract_entry
from teleconsult.records.documents import Document, keep
from teleconsult.settings import Settings
from tests import glass_steps, judges
from tests.conftest import Post, SignIn
from tests.export_steps import HOSTILE, day, filed, laboratory, problem
from tests.people import PASSWORD, Cast
from tests.web.test_admin_people import wait_three_minutes
from tests.web.test_kept_forms import send
from web.views import exports

Client = TestClient[web.Request, web.Application]
WANTED = {"format": "document", "reason": "care", "words": ""}


def text_of(pdf: bytes) -> str:
    """The words of a PDF, as another program reads them."""
    assert pdf.startswith(b"%PDF-")
    return subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True
    ).stdout.decode()


async def bundle_of(answer: ClientResponse) -> dict[str, Any]:
    """The document that left."""
    assert answer.status == 200, await answer.text()
    found: dict[str, Any] = json.loads(await answer.read())
    return found


async def acts(sessions: Sessions, action: str) -> list[AuditEvent]:
    """What the log says of it."""
    async with transaction(sessions) as session:
        return list(await session.scalars(select(AuditEvent).where(AuditEvent.action == action)))


@pytest.fixture
async def address(cast: Cast, sessions: Sessions, signed_in: SignIn) -> str:
    """The export of a file with three entries, for who treats the patient, who has just signed in."""
    patient = cast.patient.id
    await filed(sessions, cast.rural, patient, laboratory(), "Potassium", day("2026-03-01"))
    wrong = await filed(sessions, cast.rural, patient, problem("Gout"), "Gout", day("2026-03-02"))
    await filed(
        sessions, cast.specialist, cast.patient_elsewhere.id, problem("Migraine", HOSTILE), HOSTILE, day("2026-05-09")
    )
    async with transaction(sessions, cast.rural) as session:
        await retract_entry(session, cast.rural, entry_id=wrong.id, reason="Not hers.")
    await signed_in("rural")
    return f"/patients/{patient}/export"


async def test_a_file_is_printed_whole_with_what_was_an_error(
    client: Client, cast: Cast, address: str, post: Post, sessions: Sessions
) -> None:
    page = await (await client.get(address)).text()
    assert 'data-testid="export-form"' in page
    assert address in await (await client.get(f"/patients/{cast.patient.id}")).text()
    answer = await post(address, format="pdf", reason="patient", words="For her sister")
    content = await answer.read()
    assert (answer.status, answer.content_type) == (200, "application/pdf")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="patient-file-20')
    words = text_of(content)
    for said in ("BÉLANGER Rose", cast.patient.local_number, "Potassium", "7.1 mmol/L", "3.5–5.1", "Page 1 of 1"):
        assert said in words, said
    assert "Gout Problems" in " ".join(words.split()), "under a month, each says what it is"
    assert "Entered in error: Not hers." in words
    assert "Dr Hélène Tremblay, Centre de santé de l’Anse" in words
    assert "Printed by Dr Hélène Tremblay" in words
    assert "For her sister" in words
    assert "<script>x</script>{{ 7*7 }}%(page)s" in words, "markup is text"
    found = await acts(sessions, "file-exported")
    assert {event.patient_id for event in found} == {cast.patient.id, cast.patient_elsewhere.id}
    for event in found:
        assert event.detail["sha256"] == hashlib.sha256(content).hexdigest()
        assert (event.detail["format"], event.detail["reason"], event.detail["entries"]) == ("pdf", "patient", 3)
        assert event.detail["words"] == "For her sister"


async def test_a_document_holds_each_resource_once_and_resolves(cast: Cast, address: str, post: Post) -> None:
    answer = await post(address, **WANTED)
    assert answer.content_type == "application/fhir+json"
    bundle = await bundle_of(answer)
    assert (bundle["type"], bundle["entry"][0]["resource"]["resourceType"]) == ("document", "Composition")
    assert bundle["identifier"]
    assert bundle["timestamp"]
    addresses = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(addresses)) == len(addresses)
    composition = bundle["entry"][0]["resource"]
    spoken = [composition["subject"], *composition["author"], composition["custodian"]]
    spoken += [reference for section in composition["section"] for reference in section.get("entry", [])]
    server = addresses[0].removesuffix(f"/Composition/{composition['id']}")
    assert {f"{server}/{one['reference']}" for one in spoken} <= set(addresses)
    by_title = {section["title"]: section for section in composition["section"]}
    assert set(by_title) == {
        *("Allergies", "Current problems", "Current medicines", "Problems", "Laboratory and measurements"),
    }
    assert "Entered in error: Not hers." in by_title["Problems"]["text"]["div"]
    assert "<script>" not in json.dumps(bundle)[: len(json.dumps(composition))]
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert kinds.count("Condition") == 2
    assert kinds.count("Patient") == 2


async def test_it_speaks_the_language_of_who_takes_it(client: Client, address: str, post: Post) -> None:
    client.session.cookie_jar.update_cookies({"locale": "fr"}, client.make_url("/"))
    bundle = await bundle_of(await post(address, **WANTED))
    composition = bundle["entry"][0]["resource"]
    assert (bundle["language"], composition["language"]) == ("fr", "fr")
    assert "Problèmes" in {section["title"] for section in composition["section"]}
    words = text_of(await (await post(address, **{**WANTED, "format": "pdf"})).read())
    assert "7,1 mmol/L" in words


async def test_a_period_and_kinds_narrow_it(address: str, post: Post) -> None:
    narrowed = {**WANTED, "since": "2026-03-01", "until": "2026-03-01"}
    kinds = [entry["resource"]["resourceType"] for entry in (await bundle_of(await post(address, **narrowed)))["entry"]]
    assert "Observation" in kinds
    assert kinds.count("Condition") == 1, "the current problem stands in the summary, whatever the period"
    kinds = [
        entry["resource"]["resourceType"]
        for entry in (await bundle_of(await post(address, **{**WANTED, "kind-problems": "on"})))["entry"]
    ]
    assert "Observation" not in kinds
    assert kinds.count("Condition") == 2


async def test_what_is_asked_oddly_is_said_beside_its_field(
    client: Client, address: str, post: Post, sessions: Sessions
) -> None:
    for wrong, said in (
        ({"reason": "because"}, "Say what it is for."),
        ({"reason": "other"}, "Say in a few words"),
        ({"format": "docx"}, "Choose a PDF"),
        ({"words": "x" * 301}, "in one line"),
        ({"since": "yesterday"}, "2026-03-14"),
        ({"since": "2026-03-02", "until": "2026-03-01"}, "ends before it begins"),
    ):
        answer = await post(address, **{**WANTED, **wrong})
        assert answer.status == 422, wrong
        assert said in await answer.text()
    assert not await acts(sessions, "file-exported")


async def test_more_than_one_export_takes_is_refused_and_never_cut(
    monkeypatch: pytest.MonkeyPatch, address: str, post: Post, sessions: Sessions
) -> None:
    monkeypatch.setitem(files.MOST, ExportFormat.PDF, 2)
    answer = await post(address, **{**WANTED, "format": "pdf"})
    assert answer.status == 422
    assert "Choose a shorter period or fewer kinds." in await answer.text()
    assert (await post(address, **WANTED)).status == 200
    monkeypatch.setattr(files, "LARGEST", 100)
    assert (await post(address, **WANTED)).status == 422
    assert len(await acts(sessions, "file-exported")) == 2


async def test_it_wants_a_fresh_proof_and_keeps_what_was_chosen(
    client: Client, address: str, post: Post, sessions: Sessions, settings: Settings
) -> None:
    await wait_three_minutes(sessions)
    answer = await client.get(address, allow_redirects=False, headers={"Accept": "text/html"})
    assert (answer.status, answer.headers["Location"]) == (303, f"/step-up?next={address}")
    chosen = {**WANTED, "kind-problems": "on", "since": "2026-03-01", "words": "Lupus"}
    answer = await send(client, settings, address, address, **chosen)
    assert (answer.status, answer.headers["Location"]) == (303, f"/step-up?next={address}")
    assert not await acts(sessions, "file-exported")
    await post("/step-up", next=address, password=PASSWORD)
    page = await (await client.get(address)).text()
    assert 'value="Lupus"' in page
    assert re.search(r'name="kind-problems"[^>]* checked', page)
    assert re.search(r'value="document" checked', page)


@pytest.mark.parametrize("who", ["colleague", "nurse", "secretary", "specialist", "coordinator", "admin", "stranger"])
async def test_who_does_not_treat_the_patient_takes_nothing(
    client: Client, address: str, post: Post, signed_in: SignIn, sessions: Sessions, who: str
) -> None:
    await signed_in(who)
    expected = 403 if who in ("colleague", "nurse") else 404
    assert (await client.get(address)).status == expected
    assert (await post(address, **WANTED)).status == expected
    assert (await post(f"/patients/{uuid.uuid4()}/export", **WANTED)).status == 404
    assert not await acts(sessions, "file-exported")


async def test_breaking_the_glass_lets_one_read_and_not_take(
    client: Client, cast: Cast, address: str, post: Post, signed_in: SignIn, sessions: Sessions
) -> None:
    await glass_steps.opened(cast, sessions)
    await signed_in("specialist")
    page = await (await client.get(f"/patients/{cast.patient.id}")).text()
    assert "Potassium" in page
    assert "/export" not in page
    assert (await post(address, **WANTED)).status == 404


async def test_what_nobody_waits_for_is_not_taken(
    client: Client, settings: Settings, address: str, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "LOOK_AGAIN", 0.02)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.25):
            await send(client, settings, address, address, **{**WANTED, "format": "pdf"})
    await asyncio.sleep(1)
    assert not await acts(sessions, "file-exported")


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        ("update web_session set ended_at = now()", 401),
        ("update organization set sharing_network = null", 409),
        ("update care_relation set ended_at = now()", 403),
    ],
)
async def test_what_ends_while_it_is_made_takes_nothing_along(
    address: str, post: Post, sessions: Sessions, monkeypatch: pytest.MonkeyPatch, ends: str, status: int
) -> None:
    """A sign-in, another establishment's sharing, the relation to the patient."""
    make = exports._make_file

    async def meanwhile(*asked: Any) -> exports._Made:
        made = await make(*asked)
        async with transaction(sessions) as session:
            await session.execute(text(ends))
        return made

    monkeypatch.setattr(exports, "_make_file", meanwhile)
    answer = await post(address, **WANTED)
    assert answer.status == status
    assert "Migraine" not in await answer.text()
    assert not await acts(sessions, "file-exported")


async def test_its_documents_come_along(
    client: Client, cast: Cast, settings: Settings, address: str, post: Post, sessions: Sessions
) -> None:
    letter, entry_id = Document("application/pdf", b"%PDF-letter"), uuid.uuid4()
    await keep(Objects(open_store(None, settings.data)), entry_id, letter)
    at = day("2026-04-01")
    resource = letter.resource(entry_id, title="Letter", at=at)
    async with transaction(sessions) as session:
        await file_entry(
            session,
            cast.rural,
            patient_id=cast.patient.id,
            resource=resource,
            title="Letter",
            effective_at=at,
            entry_id=entry_id,
        )
    bundle = await bundle_of(await post(address, **WANTED))
    (binary,) = [one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == "Binary"]
    assert base64.b64decode(binary["data"]) == b"%PDF-letter"


@judges.asks_fhir
async def test_other_peoples_validators_accept_the_document(address: str, post: Post, tmp_path: Path) -> None:
    await judge(await bundle_of(await post(address, **WANTED)), tmp_path)


async def judge(bundle: dict[str, Any], folder: Path) -> None:
    """Hold it to both validators."""
    file = folder / "document.json"
    file.write_text(json.dumps(bundle), encoding="utf-8")
    for judge in ("validate_fhir.mjs", "npm_fhir.cjs"):
        verdict = await asyncio.to_thread(
            subprocess.run, ["node", judge, str(file)], cwd=judges.FOLDER, capture_output=True, text=True, check=False
        )
        assert verdict.returncode == 0, verdict.stdout[:4000]
