"""Files of the chat, over HTTP: sent in pieces, seen by who was there, and by nobody else."""

import base64
import uuid
from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image
from sqlalchemy import select

from teleconsult.accounts import SYSTEM
from teleconsult.audit.models import AuditEvent
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.actions import arrive_encounter, finish_encounter
from teleconsult.encounters.chat_files import MOST
from teleconsult.encounters.guests import admit_guest, invite_guest, revoke_guest
from teleconsult.encounters.models import ChatMessage, EncounterParticipant, FileKind, GuestKind
from teleconsult.settings import Settings
from tests import consult_steps
from tests.conftest import SignIn
from tests.people import Cast
from tests.teleconsult.imaging.captures.files import SECRET, acting_document, document, photograph
from tests.web.resumable.tus import Client, Tus


class Sending(Tus):
    """The same client, at the chat's door; a guest's device has a cookie of its own."""

    def __init__(self, client: Client, settings: Settings, consult_id: uuid.UUID | None) -> None:
        super().__init__(client, settings, consult_id or uuid.UUID(int=1))
        self.chat = f"/consults/{consult_id}/chat" if consult_id else "/join/chat"
        self.door = f"{self.chat}/uploads"

    async def file(self, content: bytes, name: str = "plaie.jpg") -> tuple[int, str]:
        """Send one whole; the status of its reception and its line, or what is wrong with it."""
        told = f"filename {base64.b64encode(name.encode()).decode()}"
        begun = await self.begin(len(content), data=content, metadata=told)
        if begun.status != 201:
            return begun.status, ""
        answer = await self.ask("POST", f"{begun.headers['Location']}/reception", Tus_Resumable="")
        body = await answer.json()
        return answer.status, body.get("line") or next(iter(body.get("fields", {}).values()), body.get("error"))


@pytest.fixture
async def consult(cast: Cast, sessions: Sessions) -> ServiceRequest:
    """A booked consult, and both in its room."""
    consult = await consult_steps.booked(cast, sessions)
    for actor in (cast.rural, cast.specialist):
        async with transaction(sessions, actor) as session:
            await arrive_encounter(session, actor, consult_id=consult.id)
    return consult


@pytest.fixture
async def sending(client: Client, settings: Settings, consult: ServiceRequest, signed_in: SignIn) -> Sending:
    """The rural doctor's."""
    await signed_in("rural")
    return Sending(client, settings, consult.id)


async def lines(sessions: Sessions) -> list[ChatMessage]:
    """What was written, in its order."""
    async with transaction(sessions) as session:
        return list(await session.scalars(select(ChatMessage).order_by(ChatMessage.sent_at)))


async def audited(sessions: Sessions, action: str) -> int:
    """How often it was noted."""
    async with transaction(sessions) as session:
        return len((await session.scalars(select(AuditEvent).where(AuditEvent.action == action))).all())


def objects(settings: Settings) -> list[str]:
    """What lies among the objects of the chat."""
    folder = settings.data / "objects" / "chat"
    return [path.name for path in folder.rglob("*") if path.is_file()]


async def test_a_picture_is_seen_by_both_without_what_the_camera_wrote(
    client: Client, sending: Sending, sessions: Sessions, settings: Settings, signed_in: SignIn, consult: ServiceRequest
) -> None:
    status, line = await sending.file(photograph())
    assert status == 200
    (kept,) = await lines(sessions)
    assert (kept.text, kept.file_kind, str(kept.id)) == ("plaie.jpg", FileKind.PICTURE, line)
    await signed_in("specialist")
    whole = await client.get(f"{sending.chat}/{line}")
    assert (whole.status, whole.content_type) == (200, "image/jpeg")
    assert whole.headers["Cache-Control"] == "private, no-store"
    content = await whole.read()
    assert len(content) == kept.file_size
    assert SECRET not in content
    small = await client.get(f"{sending.chat}/{line}/preview")
    assert small.content_type == "image/jpeg"
    (settings.data / "small.jpg").write_bytes(await small.read())
    with Image.open(settings.data / "small.jpg") as picture:
        assert picture.size == (64, 48)
    assert (await audited(sessions, "chat-file-sent"), await audited(sessions, "chat-file-opened")) == (1, 1)
    assert (await audited(sessions, "chat-written")) == 0


async def test_a_document_is_kept_and_never_shown_on_a_page_of_ours(client: Client, sending: Sending) -> None:
    _status, line = await sending.file(document(), "lettre d’envoi.pdf")
    answer = await client.get(f"{sending.chat}/{line}")
    assert answer.content_type == "application/pdf"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="lettre d_envoi.pdf"'
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert (await client.get(f"{sending.chat}/{line}/preview")).status == 404


@pytest.mark.parametrize(
    "content", [b"hello", b"<svg xmlns='http://www.w3.org/2000/svg'/>", photograph()[:100], acting_document()]
)
async def test_nothing_else_is_taken(sending: Sending, sessions: Sessions, settings: Settings, content: bytes) -> None:
    status, why = await sending.file(content, "photo.jpg")
    assert status == 422
    assert why
    assert await lines(sessions) == []
    assert objects(settings) == []


async def test_what_arrived_goes_on_and_the_answer_may_be_lost(
    sending: Sending, sessions: Sessions, settings: Settings
) -> None:
    content = document()
    path = await sending.begun(len(content))
    assert (await sending.add(path, 0, content[:100])).status == 204
    assert (await sending.ask("POST", f"{path}/reception", Tus_Resumable="")).status == 409
    assert await sending.offset(path) == 100
    assert (await sending.add(path, 100, content[100:])).status == 204
    answers = [await sending.ask("POST", f"{path}/reception", Tus_Resumable="") for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert len(await lines(sessions)) == 1
    assert len(objects(settings)) == 1


async def test_it_may_be_called_off(sending: Sending) -> None:
    path = await sending.begun(1000)
    assert (await sending.ask("DELETE", path)).status == 204
    assert (await sending.ask("HEAD", path)).status == 404


async def test_by_nobody_who_is_not_in_the_session(
    client: Client, sending: Sending, settings: Settings, signed_in: SignIn, consult: ServiceRequest
) -> None:
    _status, line = await sending.file(photograph())
    path = await sending.begun(10)
    for who in ("colleague", "coordinator", "oncall", "stranger", "admin"):
        await signed_in(who)
        assert (await sending.begin(10)).status == 404
        assert (await sending.ask("HEAD", path)).status == 404
        for part in ("", "/preview"):
            assert (await client.get(f"{sending.chat}/{line}{part}")).status == 404
    await signed_in("specialist")
    assert (await sending.ask("HEAD", path)).status == 404, "theirs who began it alone"
    assert (await client.get(f"/consults/{uuid.uuid4()}/chat/{line}")).status == 404


async def test_not_too_large_and_not_too_many(sending: Sending, sessions: Sessions, cast: Cast) -> None:
    assert (await sending.begin(20 * 1024 * 1024 + 1)).status == 413
    async with transaction(sessions) as session:
        seats = select(EncounterParticipant).where(EncounterParticipant.practitioner_role_id == cast.rural.role_id)
        seat = (await session.scalars(seats)).one()
        sent = {"participant_id": seat.id, "encounter_id": seat.encounter_id, "text": "a", "sent_at": seat.arrived_at}
        file = {"file_kind": FileKind.DOCUMENT, "file_key": "chat/00/00", "file_size": 1}
        session.add_all(ChatMessage(**sent, **file) for _ in range(MOST))
    assert (await sending.begin(10)).status == 429


async def test_the_signed_note_ends_the_sending_and_not_the_reading(
    client: Client, sending: Sending, sessions: Sessions, consult: ServiceRequest
) -> None:
    _status, line = await sending.file(photograph())
    async with transaction(sessions) as session:
        await finish_encounter(session, SYSTEM, consult_id=consult.id)
    assert (await sending.begin(10)).status == 409
    assert (await client.get(f"{sending.chat}/{line}")).status == 200


@pytest.fixture
async def phone(client: Client) -> AsyncIterator[Client]:
    """A device of nobody's, on the same site."""
    assert isinstance(client.server, TestServer)
    device: Client = TestClient(client.server)
    yield device
    await device.session.close()


async def test_a_guest_sends_and_sees_what_was_sent_while_they_are_in(
    client: Client,
    phone: Client,
    sending: Sending,
    sessions: Sessions,
    settings: Settings,
    cast: Cast,
    consult: ServiceRequest,
) -> None:
    _status, before = await sending.file(photograph())
    async with transaction(sessions, cast.rural) as session:
        kept, token = await invite_guest(
            session, cast.rural, consult_id=consult.id, kind=GuestKind.PATIENT, name="Rose"
        )
    guest = Sending(phone, settings, None)
    assert (await guest.begin(10)).status == 404, "no device of a guest"
    await phone.post(f"/join/{token}", allow_redirects=False)
    assert (await guest.begin(10)).status == 404, "at the door"
    assert (await phone.get(f"/join/chat/{before}")).status == 404
    async with transaction(sessions, cast.rural) as session:
        await admit_guest(session, cast.rural, consult_id=consult.id, pass_id=kept.id)
    status, own = await guest.file(document(), "ordonnance.pdf")
    assert status == 200
    _status, after = await sending.file(photograph())
    seen = [(await phone.get(f"/join/chat/{line}")).status for line in (before, own, after)]
    assert seen == [404, 200, 200]
    assert (await phone.get(f"/join/chat/{before}/preview")).status == 404
    assert (await client.get(f"{sending.chat}/{own}")).status == 200, "the doctor sees what the guest sent"
    async with transaction(sessions, cast.rural) as session:
        await revoke_guest(session, cast.rural, consult_id=consult.id, pass_id=kept.id)
    assert (await guest.begin(10)).status == 404
    assert (await phone.get(f"/join/chat/{after}")).status == 404
