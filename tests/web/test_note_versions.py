"""The pages of what follows a signed note: adding, correcting, withdrawing; the file for programs; the printed code."""

import json

import jwt
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select

from teleconsult.db import Sessions, transaction
from teleconsult.notes.models import Composition
from teleconsult.settings import Settings
from tests import consult_steps, note_steps
from tests.conftest import Post, SignIn
from tests.people import PASSWORD, Cast
from tests.web.signature_steps import sign_as_shown
from tests.web.test_notes import deliver
from tests.web.test_verify import upload

Client = TestClient[web.Request, web.Application]
JSON = {"Accept": "application/json"}


async def signed_through_pages(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn, post: Post
) -> str:
    """The address of a signed note that was delivered; the specialist is signed in."""
    await note_steps.enrol(sessions, settings, cast.specialist)
    consult = await consult_steps.accepted(cast, sessions)
    await signed_in("specialist")
    address = (await post(f"/consults/{consult.id}/note")).headers["Location"]
    await sign(client, post, address, "1", note_steps.OPINION)
    await deliver(sessions, settings)
    return address


async def sign(client: Client, post: Post, address: str, version: str, opinion: str) -> None:
    await post(f"{address}/draft", version=version, opinion=opinion, next="signature")
    signed = await sign_as_shown(client, post, address, version=str(int(version) + 1), password=PASSWORD)
    assert (signed.status, signed.headers["Location"]) == (303, address)


async def code_of(sessions: Sessions, address: str) -> str:
    async with sessions() as session:
        notes = {str(note.id): note for note in await session.scalars(select(Composition))}
    return notes[address.rpartition("/")[2]].verify_code or ""


async def test_added_corrected_and_withdrawn(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn, post: Post
) -> None:
    first = await signed_through_pages(client, cast, sessions, settings, signed_in, post)
    page = await (await client.get(first)).text()
    assert 'data-testid="addendum"' in page
    assert 'data-testid="note-versions"' not in page, "there is one alone"
    added = (await post(f"{first}/addendum")).headers["Location"]
    assert added != first
    assert 'data-testid="note-editor"' in await (await client.get(added)).text()
    await sign(client, post, added, "1", "The laboratory confirms it.")
    newer = (await post(f"{first}/amendment")).headers["Location"]
    assert note_steps.OPINION in await (await client.get(newer)).text(), "it begins with the same words"
    await sign(client, post, newer, "1", "Migraine, not tension.")
    await deliver(sessions, settings)
    assert (await post(f"{first}/amendment")).status == 409, "there is a later version"

    async with transaction(sessions) as session:
        codes = [
            note.verify_code for note in await session.scalars(select(Composition).order_by(Composition.created_at))
        ]
    told = [(await (await client.get("/verify", params={"code": code or ""}, headers=JSON)).json()) for code in codes]
    assert [one["standing"]["stands"] for one in told] == [False, True, True]
    assert cast.patient.family not in json.dumps(told)

    await signed_in("rural")
    page = await (await client.get(first)).text()
    assert 'data-testid="note-replaced"' in page
    assert 'data-testid="addendum"' not in page, "who asked adds nothing"
    versions = page[page.index('data-testid="note-versions"') :]
    assert versions.index(newer) < versions.index(added), "the one that counts is on top"
    for what in ("addendum", "amendment", "retraction"):
        assert (await post(f"{newer}/{what}")).status == 404

    pdf = await (await client.get(f"{first}/pdf")).read()
    checked = await (await client.post("/verify", data=await with_token(client, pdf))).text()
    assert 'data-outcome="good"' in checked
    assert 'data-testid="standing"' in checked, "good, and replaced"

    await signed_in("specialist")
    step = await (await client.get(f"{newer}/retraction")).text()
    assert 'data-testid="step-up"' in step
    refused = await post(f"{newer}/retraction", reason="wrong-patient", explanation="", password=PASSWORD)
    assert refused.status == 422
    refused = await post(f"{newer}/retraction", reason="whim", explanation="No.", password=PASSWORD)
    assert refused.status == 422
    refused = await post(f"{newer}/retraction", reason="error", explanation="The wrong side.", password="not it")
    assert refused.status == 422
    assert "The wrong side." in await refused.text(), "what was typed is kept"
    done = await post(f"{newer}/retraction", reason="error", explanation="The wrong side.", password=PASSWORD)
    assert (done.status, done.headers["Location"]) == (303, newer)
    assert "Migraine" in await (await client.get(newer)).text(), "its author still reads it"
    assert (await client.get(f"{newer}/retraction")).status == 409

    await signed_in("rural")
    for address in (first, added, newer):
        page = await (await client.get(address)).text()
        assert 'data-testid="note-withdrawn"' in page
        assert "The wrong side." in page
        assert "Migraine" not in page
        assert note_steps.OPINION not in page
        assert (await client.get(f"{address}/pdf")).status == 409
        assert (await client.get(f"{address}/bundle")).status == 409
        code = await code_of(sessions, address)
        page = await (await client.get("/verify", params={"code": code})).text()
        assert 'data-testid="standing"' in page
    number = newer.rpartition("/")[2]
    assert (await client.get(f"/audit/notes/{number}/pdf")).status == 404
    await signed_in("privacy")
    kept = await client.get(f"/audit/notes/{number}/pdf")
    assert (kept.status, kept.content_type) == (200, "application/pdf")


async def with_token(client: Client, content: bytes) -> object:
    page = await (await client.get("/verify")).text()
    return upload(content, token=page.split('name="csrf_token" value="')[-1].split('"')[0])


async def test_the_document_for_programs(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn, post: Post
) -> None:
    address = await signed_through_pages(client, cast, sessions, settings, signed_in, post)
    note_id = address.rpartition("/")[2]
    await signed_in("rural")
    exported = await client.get(f"{address}/bundle")
    assert exported.headers["Content-Disposition"].startswith("attachment")
    whole = json.loads(await exported.read())
    served = await client.get(f"/fhir/Bundle/{note_id}")
    assert served.content_type == "application/fhir+json"
    exact = await served.read()
    assert whole["payload"].encode() == exact
    signature = await (await client.get(f"/fhir/Bundle/{note_id}/signature")).text()
    assert signature == f"{whole['protected']}..{whole['signature']}"
    assert jwt.get_unverified_header(signature)["alg"] == "ES256"
    checked = await client.post("/verify", data=await with_token(client, await exported.read()), headers=JSON)
    told = await checked.json()
    assert (told["outcome"], told["kind"], told["standing"]["stands"]) == ("good", "bundle", True)
    await signed_in("stranger")
    for path in (f"{address}/bundle", f"/fhir/Bundle/{note_id}", f"/fhir/Bundle/{note_id}/signature"):
        assert (await client.get(path)).status == 404
