"""A message opened by a person: by whom, kept in the log, and how much of it is shown."""

import uuid

import pytest
from sqlalchemy import select

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.errors import NotFound
from teleconsult.hl7v2.models import Hl7Message
from teleconsult.hl7v2.opening import LONGEST_SHOWN, MOST_SEGMENTS, open_message, text_of
from teleconsult.hl7v2.receiving import Connection, receive
from teleconsult.hl7v2.senders import add_sender, messages_to_look_at
from tests.people import Cast
from tests.teleconsult.hl7v2.conftest import Send
from tests.teleconsult.hl7v2.messages import result


async def test_an_administrator_opens_it_and_the_log_says_so(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions, cast.admin) as session:
        await add_sender(session, cast.admin, name="Laboratory", facility="CHU")
    await receive(sessions, Connection(None), result(facility="CHU"))
    async with transaction(sessions, cast.admin) as session:
        [kept] = await messages_to_look_at(session, cast.admin)
        message = await open_message(session, cast.admin, message_id=kept.id)
        assert text_of(message.content).lines[1].name == "PID"
    async with transaction(sessions) as session:
        event = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "hl7-message-read"))).one()
        assert (event.entity_id, event.practitioner_role_id) == (kept.id, cast.admin.role_id)


@pytest.mark.parametrize("who", ["admin", "rural", "secretary", "privacy", "operator"])
async def test_nobody_else_opens_one(cast: Cast, sessions: Sessions, send: Send, who: str) -> None:
    """The fixture's sender is the rural centre's; the cast's administrator is the tertiary hospital's."""
    await send(result())
    async with transaction(sessions) as session:
        message_id = (await session.scalars(select(Hl7Message.id))).one()
    actor = getattr(cast, who)
    async with transaction(sessions, actor) as session:
        with pytest.raises(NotFound):
            await open_message(session, actor, message_id=message_id)


async def test_what_is_not_there_is_not_found(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions, cast.admin) as session:
        with pytest.raises(NotFound):
            await open_message(session, cast.admin, message_id=uuid.uuid4())


def test_fields_are_numbered_as_the_standard_numbers_them() -> None:
    header, patient, *_rest = text_of(result()).lines
    shown = {field.place: field.text for field in (*header.fields, *patient.fields)}
    assert (shown["MSH-1"], shown["MSH-2"], shown["MSH-3"]) == ("|", "^~\\&", "LAB")
    assert shown["MSH-9"] == "ORU^R01^ORU_R01"
    assert shown["PID-3"] == "A-1^^^HOSP^PI" and "PID-2" not in shown, "empty ones are left out"


def test_what_is_long_is_cut_and_says_so() -> None:
    long = text_of(b"MSH|^~\\&|\rOBX|1|ED|||" + b"A" * 5000)
    field = long.lines[1].fields[-1]
    assert (len(field.text), field.length, field.is_cut) == (LONGEST_SHOWN, 5000, True)
    many = text_of(b"MSH|^~\\&|\r" + b"NTE|1\r" * 1000)
    assert len(many.lines) == MOST_SEGMENTS and many.is_cut
    wide = text_of(b"MSH|^~\\&|\rNTE" + b"|1" * 1000)
    assert len(wide.lines[1].fields) == 100 and wide.is_cut
    assert not text_of(result()).is_cut


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n",
        b"MS",
        b"MSH",
        b"\xff\xfe\x00",
        "MSH|^~\\&|é".encode("latin-1"),
        b"MSH|^~\\&|" + b"|" * 14 + b"EBCDIC",
    ],
)
def test_whatever_was_kept_is_shown(content: bytes) -> None:
    text_of(content)
