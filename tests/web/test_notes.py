"""The note's pages: the editor and its saves, the two steps of signing, the signed note for each who may read it."""

import uuid

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select

from teleconsult.audit.kinds import READS
from teleconsult.audit.models import AuditEvent
from teleconsult.consults.answering import accept_consult, decline_consult
from teleconsult.consults.models import RequestStatus, ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.models import Delivery
from teleconsult.jobs import connected
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.settings import Settings
from tests import consult_steps, note_steps
from tests.conftest import Post, SignIn
from tests.people import PASSWORD, Cast, another_neurologist
from tests.web.signature_steps import shown_to_sign, sign_as_shown

Client = TestClient[web.Request, web.Application]
FRAME = {"Turbo-Frame": "note"}


async def deliver(sessions: Sessions, settings: Settings) -> None:
    """What the worker does."""
    async with connected(settings.database_url or "") as app:
        await app.run_worker_async(
            wait=False,
            listen_notify=False,
            install_signal_handlers=False,
            additional_context={"sessions": sessions, "settings": settings},
        )


async def only_note(sessions: Sessions) -> Composition:
    async with sessions() as session:
        return (await session.scalars(select(Composition))).one()


async def readings(sessions: Sessions) -> list[str]:
    async with sessions() as session:
        return list(await session.scalars(select(AuditEvent.action).where(AuditEvent.action.in_(READS))))


async def test_from_the_consult_to_the_acknowledged_note(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn, post: Post
) -> None:
    await note_steps.enrol(sessions, settings, cast.specialist)
    consult = await consult_steps.accepted(cast, sessions)
    await signed_in("specialist")
    for _ in range(2):  # opening twice opens the same
        opened = await post(f"/consults/{consult.id}/note")
        assert opened.status == 303
    address = opened.headers["Location"]
    page = await (await client.get(address)).text()
    assert 'data-testid="note-editor"' in page
    assert 'data-testid="sign-note"' in page
    assert 'data-testid="excerpt-view"' in page, "the excerpt stands beside the editor"

    saved = await post(f"{address}/draft", version="1", opinion=note_steps.OPINION, next="signature")
    assert (saved.status, saved.headers["Location"]) == (303, f"{address}/signature")
    step = await (await client.get(f"{address}/signature")).text()
    assert note_steps.OPINION in step
    assert 'data-testid="step-up"' in step
    signed = await sign_as_shown(client, post, address, version="2", password=PASSWORD)
    assert (signed.status, signed.headers["Location"]) == (303, address)
    page = await (await client.get(address)).text()
    assert 'data-testid="note-signed"' in page
    assert 'data-testid="acknowledge"' not in page

    await deliver(sessions, settings)
    await signed_in("rural")
    page = await (await client.get(address)).text()
    assert note_steps.OPINION in page
    assert 'data-testid="acknowledge"' in page
    pdf = await client.get(f"{address}/pdf")
    assert pdf.content_type == "application/pdf"
    assert pdf.headers["Content-Disposition"].startswith("attachment")
    assert pdf.headers["X-Content-Type-Options"] == "nosniff"
    assert pdf.headers["Content-Security-Policy"].startswith("sandbox")
    assert (await pdf.read()).startswith(b"%PDF-")
    assert (await post(f"/consults/{consult.id}/acknowledgement")).status == 303
    assert (await post(f"/consults/{consult.id}/acknowledgement")).status == 409
    async with transaction(sessions) as session:
        assert (await session.get_one(ServiceRequest, consult.id)).status is RequestStatus.COMPLETED
        actions = set(await session.scalars(select(AuditEvent.action)))
    assert {"note-drafted", "note-signed", "note-delivered", "note-read", "note-acknowledged"} <= actions


async def test_in_the_room_only_the_frame_is_sent(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    draft = await note_steps.drafted(cast, sessions)
    await signed_in("specialist")
    for path in (f"/notes/{draft.note.id}", f"/notes/{draft.note.id}/signature"):
        part = await (await client.get(path, headers=FRAME)).text()
        assert '<turbo-frame id="note"' in part
        assert "<html" not in part


async def test_a_save_by_script_answers_with_the_version(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    draft = await note_steps.drafted(cast, sessions)
    await signed_in("specialist")
    token = (await (await client.get(f"/notes/{draft.note.id}")).text()).split('csrf-token" content="')[1].split('"')[0]
    headers = {"Accept": "application/json", "X-CSRF-Token": token}
    path = f"/notes/{draft.note.id}/draft"
    for body in ({"json": {"version": 2, "plan": "Rest"}}, {"data": {"version": "3", "plan": "Rest and water"}}):
        answer = await client.patch(path, headers=headers, **body)
        assert answer.status == 200
        assert set(await answer.json()) == {"version", "saved_at"}
    stale = await client.patch(path, headers=headers, data={"version": "2", "plan": "Other"})
    assert stale.status == 409
    assert "another tab" in (await stale.json())["error"]
    note = await only_note(sessions)
    assert (note.version, note.sections["plan"]) == (4, "Rest and water")
    for bad in ({"version": "x"}, {"version": 2, "plan": 7}, {"version": -1}, {}):
        assert (await client.patch(path, headers=headers, json=bad)).status == 422


async def test_two_tabs_lose_no_words(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    draft = await note_steps.drafted(cast, sessions)
    await signed_in("specialist")
    answer = await post(f"/notes/{draft.note.id}/draft", version="1", opinion="My other words", next="signature")
    page = await answer.text()
    assert answer.status == 409
    assert "My other words" in page, "what was sent is still there"
    assert note_steps.OPINION in page, "beside what was saved"
    assert 'name="version" value="2"' in page
    assert await readings(sessions) == ["excerpt-read"], "beside the draft the excerpt was read"
    again = await post(f"/notes/{draft.note.id}/draft", version="2", opinion="My other words")
    assert again.status == 303


async def test_words_too_many_come_back(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    draft = await note_steps.drafted(cast, sessions)
    await signed_in("specialist")
    answer = await post(f"/notes/{draft.note.id}/draft", version="2", plan="y" * 10_001)
    assert answer.status == 422
    assert "y" * 10_001 in await answer.text()


async def test_a_wrong_password_or_a_changed_draft_shows_the_step_again(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn, post: Post
) -> None:
    draft = await note_steps.drafted(cast, sessions)
    await signed_in("specialist")
    path = f"/notes/{draft.note.id}"
    without = await sign_as_shown(client, post, path, version="2", password=PASSWORD)
    assert without.status == 409
    page = await without.text()
    assert "certificate" in page
    assert "/account/signing-keys" in page, "and where one gets it"
    await note_steps.enrol(sessions, settings, cast.specialist)
    for fields, status, words in (
        ({"version": "2", "password": "wrong"}, 422, "This is not your password."),
        ({"version": "1", "password": PASSWORD}, 409, "changed after you read it"),
        ({"version": "2"}, 422, "This is not your password."),
        ({"version": "2", "code": "123456"}, 422, "opens with your password only"),
    ):
        answer = await sign_as_shown(client, post, path, **fields)
        page = await answer.text()
        assert answer.status == status
        assert words in page
        assert 'data-testid="step-up"' in page
    unseen = await post(f"{path}/signature", version="2", password=PASSWORD)
    assert unseen.status == 409, "nobody signs what they were not shown"
    assert (await only_note(sessions)).status is CompositionStatus.PRELIMINARY


async def test_guessing_the_password_is_slowed_down(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn, post: Post
) -> None:
    await note_steps.enrol(sessions, settings, cast.specialist)
    draft = await note_steps.drafted(cast, sessions)
    await signed_in("specialist")
    path = f"/notes/{draft.note.id}"
    shown = await shown_to_sign(client, path)
    for _ in range(10):
        assert (await post(f"{path}/signature", version="2", password="wrong", shown=shown)).status == 422
    answer = await post(f"{path}/signature", version="2", password=PASSWORD, shown=shown)
    assert answer.status == 429
    assert answer.headers["Retry-After"]


async def test_signing_without_an_opinion_goes_back_to_the_editor(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    draft = await note_steps.drafted(cast, sessions, opinion=" ")
    await signed_in("specialist")
    answer = await client.get(f"/notes/{draft.note.id}/signature")
    assert answer.status == 422
    assert "Write your opinion" in await answer.text()


async def test_pressing_twice_shows_the_signed_note(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn, post: Post
) -> None:
    await note_steps.enrol(sessions, settings, cast.specialist)
    draft = await note_steps.drafted(cast, sessions)
    await signed_in("specialist")
    shown = await shown_to_sign(client, f"/notes/{draft.note.id}")
    for _ in range(2):
        answer = await post(f"/notes/{draft.note.id}/signature", version="2", password=PASSWORD, shown=shown)
        assert (answer.status, answer.headers["Location"]) == (303, f"/notes/{draft.note.id}")
    assert "already signed" in await (await client.get(f"/notes/{draft.note.id}")).text()
    assert (await client.get(f"/notes/{draft.note.id}/signature", allow_redirects=False)).status == 303
    assert (await post(f"/notes/{draft.note.id}/draft", version="2", plan="More")).status == 409
    async with sessions() as session:
        assert len(list(await session.scalars(select(Delivery)))) == 1


async def test_what_looks_again_whether_a_note_arrived_shows_nothing_of_it(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn, post: Post
) -> None:
    await note_steps.enrol(sessions, settings, cast.specialist)
    draft = await note_steps.drafted(cast, sessions)
    await signed_in("specialist")
    await sign_as_shown(client, post, f"/notes/{draft.note.id}", version="2", password=PASSWORD)
    part = await (await client.get(f"/notes/{draft.note.id}", headers={"Turbo-Frame": "note-state"})).text()
    assert '<turbo-frame id="note-state"' in part
    assert note_steps.OPINION not in part, "no reading is recorded for it"
    assert await readings(sessions) == []
    assert note_steps.OPINION in await (await client.get(f"/notes/{draft.note.id}", headers=FRAME)).text()
    assert "note-read" in await readings(sessions)


async def test_the_preview_says_that_it_is_a_draft(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    draft = await note_steps.drafted(cast, sessions)
    await signed_in("specialist")
    answer = await client.get(f"/notes/{draft.note.id}/preview")
    assert answer.content_type == "application/pdf"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert (await answer.read()).startswith(b"%PDF-")


@pytest.mark.parametrize("who", ["rural", "colleague", "coordinator", "oncall", "admin", "stranger"])
async def test_for_anyone_else_there_is_no_draft(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post, who: str
) -> None:
    draft = await note_steps.drafted(cast, sessions)
    await signed_in(who)
    for path in ("", "/preview", "/signature", "/pdf"):
        assert (await client.get(f"/notes/{draft.note.id}{path}")).status == 404
    assert (await post(f"/notes/{draft.note.id}/draft", version="2", opinion="Mine")).status == 404
    assert (await post(f"/notes/{draft.note.id}/signature", version="2", password=PASSWORD)).status == 404
    assert (await post(f"/consults/{draft.consult.id}/note")).status in (403, 404)
    for path in (uuid.uuid4(), "x", "..%2f"):
        assert (await client.get(f"/notes/{path}")).status == 404


async def test_a_draft_goes_with_the_consult(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    """Given back and taken by another, the consult is no longer the first one's to read about, not even by a draft."""
    drafted = await note_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        await decline_consult(session, cast.specialist, consult_id=drafted.consult.id, reason="Not my field.")
    async with transaction(sessions) as session:
        second = await another_neurologist(session, cast)
    async with transaction(sessions) as session:
        await accept_consult(session, second, consult_id=drafted.consult.id)
    await signed_in("specialist")
    for page in ("", "/preview", "/signature", "/pdf"):
        assert (await client.get(f"/notes/{drafted.note.id}{page}")).status == 404
    assert (await post(f"/notes/{drafted.note.id}/draft", version="2", opinion="Still here")).status == 404
    assert (await post(f"/notes/{drafted.note.id}/signature", version="2", password=PASSWORD)).status == 404
