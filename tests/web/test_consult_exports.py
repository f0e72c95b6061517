"""Printing and exporting a consult: as much of it as who takes it out may see at that moment."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select, update

from teleconsult.clock import now
from teleconsult.consents.withdrawing import withdraw_consent
from teleconsult.db import Sessions, transaction
from teleconsult.documents.press import Press
from teleconsult.excerpts.models import Excerpt
from teleconsult.excerpts.revoking import revoke_excerpt
from teleconsult.notes.signing import Signing
from teleconsult.objects import Objects, open_store
from teleconsult.patients.registering import set_national_id
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings
from tests import consult_steps, judges, note_steps
from tests.conftest import Post, SignIn
from tests.note_steps import Drafted
from tests.people import Cast
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import door
from tests.web.test_admin_people import wait_three_minutes
from tests.web.test_exports import acts, bundle_of, judge, text_of

Client = TestClient[web.Request, web.Application]
WANTED = {"format": "document", "reason": "care", "words": ""}
PRINTED = {**WANTED, "format": "pdf"}


@pytest.fixture
async def answered(cast: Cast, sessions: Sessions, settings: Settings) -> AsyncIterator[Drafted]:
    """A consult with an excerpt of one problem, and its signed note."""
    await note_steps.enrol(sessions, settings, cast.specialist)
    press = Press()
    signing = Signing(sessions, settings, Objects(open_store(None, settings.data)), Sealer(settings.secret_key), press)
    yield await note_steps.signed(cast, signing)
    press.close()


async def test_who_asked_prints_all_of_it(
    client: Client, cast: Cast, sessions: Sessions, answered: Drafted, signed_in: SignIn, post: Post
) -> None:
    await signed_in("rural")
    address = f"/consults/{answered.consult.id}/export"
    assert address in await (await client.get(f"/consults/{answered.consult.id}")).text()
    page = await (await client.get(address)).text()
    assert 'data-testid="export-form"' in page
    answer = await post(address, **PRINTED)
    content = await answer.read()
    assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="consult-{answered.consult.number}-')
    words = " ".join(text_of(content).split())
    for said in (consult_steps.QUESTION, "Urgent", "Headache Problems", "The patient agreed.", note_steps.OPINION):
        assert said in words, said
    assert "Dr Nguyễn Thị Minh accepted" in words
    assert "The signed file is the original" in words
    async with transaction(sessions) as session:
        digest = await session.scalar(select(Excerpt.digest))
    assert digest is not None
    assert digest.hex() in words.replace(" ", "")
    (event,) = await acts(sessions, "consult-exported")
    assert (event.patient_id, event.entity_id) == (cast.patient.id, answered.consult.id)
    assert event.detail["sha256"] == hashlib.sha256(content).hexdigest()
    assert (event.detail["entries"], event.detail["notes"], event.detail["format"]) == (1, 1, "pdf")


async def test_a_document_carries_the_signed_original(
    answered: Drafted, signed_in: SignIn, post: Post, sessions: Sessions
) -> None:
    await signed_in("specialist")
    bundle = await bundle_of(await post(f"/consults/{answered.consult.id}/export", **WANTED))
    found = {entry["resource"]["resourceType"]: entry["resource"] for entry in bundle["entry"]}
    assert set(found) == {
        *("Composition", "Patient", "PractitionerRole", "Organization", "HealthcareService"),
        *("ServiceRequest", "Task", "Consent", "Condition", "DocumentReference", "Binary"),
    }
    assert "telecom" not in found["Patient"]
    assert found["Binary"]["contentType"] == "application/pdf"
    assert found["DocumentReference"]["content"][0]["attachment"]["url"] == f"Binary/{found['Binary']['id']}"


async def test_what_is_no_longer_shared_is_not_in_it(
    cast: Cast, sessions: Sessions, answered: Drafted, signed_in: SignIn, post: Post
) -> None:
    address = f"/consults/{answered.consult.id}/export"
    async with transaction(sessions, cast.rural) as session:
        await session.execute(update(Excerpt).values(expires_at=now()))
    await signed_in("specialist")
    words = text_of(await (await post(address, **PRINTED)).read())
    assert "Headache" not in words
    assert "no longer, shown to whoever made this copy" in words
    assert note_steps.OPINION[:20] in words, "their own note stays theirs"
    kinds = {entry["resource"]["resourceType"] for entry in (await bundle_of(await post(address, **WANTED)))["entry"]}
    assert "Condition" not in kinds
    await signed_in("rural")
    assert "Headache" in text_of(await (await post(address, **PRINTED)).read()), (
        "who shared it still treats the patient"
    )


@pytest.mark.parametrize("how", ["revoked", "withdrawn"])
async def test_taken_back_while_it_is_open_it_is_gone_at_once(
    cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post, how: str
) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions, cast.rural) as session:
        take_back = revoke_excerpt if how == "revoked" else withdraw_consent
        await take_back(session, cast.rural, consult_id=consult.id, reason="She no longer agrees.")
    await signed_in("specialist")
    answer = await post(f"/consults/{consult.id}/export", **WANTED)
    if answer.status == 200:
        assert "Headache" not in await answer.text()
    else:
        assert answer.status == 404


async def test_images_are_told_and_not_taken(
    cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn, post: Post
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with door(sessions, settings.data) as opened:
        await opened.bring(cast.rural, consult.id, dicom_bytes(side=64))
    await signed_in("specialist")
    bundle = await bundle_of(await post(f"/consults/{consult.id}/export", **WANTED))
    (study,) = [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == "ImagingStudy"]
    assert (study["numberOfSeries"], study["numberOfInstances"]) == (1, 1)


async def test_a_draft_is_refused(cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    assert (await post(f"/consults/{draft.id}/export", **WANTED)).status == 409


@pytest.mark.parametrize(
    ("who", "status"),
    [("coordinator", 404), ("colleague", 404), ("nurse", 404), ("oncall", 404), ("admin", 404), ("stranger", 404)],
)
async def test_for_anyone_else_there_is_nothing(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post, who: str, status: int
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await signed_in(who)
    assert (await client.get(f"/consults/{consult.id}/export")).status == status
    assert (await post(f"/consults/{consult.id}/export", **WANTED)).status == status
    assert not await acts(sessions, "consult-exported")


async def test_it_wants_a_reason_and_a_fresh_proof(
    cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await signed_in("rural")
    assert (await post(f"/consults/{consult.id}/export", **{**WANTED, "reason": ""})).status == 422
    await wait_three_minutes(sessions)
    answer = await post(f"/consults/{consult.id}/export", **WANTED)
    assert answer.headers["Location"].startswith("/step-up")
    assert not await acts(sessions, "consult-exported")


@judges.asks_fhir
async def test_other_peoples_validators_accept_the_document(
    answered: Drafted, signed_in: SignIn, post: Post, tmp_path: Path
) -> None:
    await signed_in("rural")
    await judge(await bundle_of(await post(f"/consults/{answered.consult.id}/export", **WANTED)), tmp_path)


@pytest.mark.parametrize(("name", "is_printed"), [("rural", True), ("specialist", False)])
async def test_the_national_number_is_for_the_patients_own_establishment(
    cast: Cast, sessions: Sessions, answered: Drafted, signed_in: SignIn, post: Post, name: str, is_printed: bool
) -> None:
    async with transaction(sessions) as session:
        await set_national_id(session, cast.patient, "BELR51531414")
    await signed_in(name)
    answer = await post(f"/consults/{answered.consult.id}/export", **PRINTED)
    assert answer.status == 200
    assert ("BELR51531414" in text_of(await answer.read())) is is_printed
