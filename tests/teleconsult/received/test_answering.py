"""Who asked to be told what became of their mail is told, once, at their own address and at no other (RFC 8098)."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import update

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.received.answerable import Unanswered, can_be_named, safe_address
from teleconsult.received.answering import send_answers
from teleconsult.received.models import ReceivedMessage, ReceivedStatus
from teleconsult.received.sorting import reject_message
from teleconsult.settings import Settings
from tests.certificates import Certificate
from tests.people import Cast
from tests.teleconsult.delivery.test_secure_mail import Office, certificate, office, port
from tests.teleconsult.directory.steps import audited
from tests.teleconsult.received.mails import xdm
from tests.teleconsult.received.test_sorting import file, received, to_file

__all__ = ["certificate", "office", "port"]
SENDER = "cabinet@hopital.mssante.test"


@pytest.mark.parametrize(
    ("asked", "back", "safe"),
    [
        (SENDER, f"<{SENDER}>", SENDER),
        (f"Cabinet <{SENDER.upper()}>", SENDER, SENDER),
        (SENDER, "", ""),
        (SENDER, "<other@hopital.mssante.test>", ""),
        ("other@hopital.mssante.test", "<other@hopital.mssante.test>", ""),
        (f"{SENDER}, other@hopital.mssante.test", f"<{SENDER}>", ""),
        ("", "<>", ""),
        ("a b@c\r\nBcc: x@y", "<a b@c>", ""),
    ],
)
def test_the_senders_own_address_and_no_other(asked: str, back: str, safe: str) -> None:
    assert safe_address(asked, return_path=back, sender=SENDER) == safe


def test_a_number_that_can_be_said_again() -> None:
    assert can_be_named("<1@other.mssante.test>")
    assert not any(map(can_be_named, ("", "1@a", "<a b@c>", "<a>\r\nBcc: x", "<é@a>")))


@pytest.fixture
def mailing(settings: Settings, port: int, certificate: Certificate) -> Settings:
    return settings.model_copy(
        update={
            "secure_mail_url": f"smtp://127.0.0.1:{port}",
            "secure_mail_from": "us@a.mssante.test",
            "secure_mail_ca": certificate.certificate,
            "secure_mail_domains": "mssante.test",
            "inbox_address": "us@a.mssante.test",
        }
    )


async def reject(sessions: Sessions, cast: Cast, message: ReceivedMessage) -> None:
    async with transaction(sessions, cast.rural) as session:
        await reject_message(session, cast.rural, message_id=message.id, reason="Not a patient of ours.")


async def stands(sessions: Sessions, message: ReceivedMessage) -> tuple[bool, str, int]:
    async with transaction(sessions) as session:
        found = await session.get_one(ReceivedMessage, message.id)
        return found.answered_at is not None, found.answer_failure, found.answer_attempts


async def test_told_once_that_it_is_filed(
    cast: Cast, sessions: Sessions, mailing: Settings, office: Office, tmp_path: Path
) -> None:
    message = await received(sessions, cast.rural, tmp_path, xdm())
    assert await send_answers(sessions, mailing) == 0, "nobody has said anything yet"
    await file(sessions, cast.rural, message, cast.patient, to_file(tmp_path), reason="The same lady, her maiden name.")
    told = await asyncio.gather(send_answers(sessions, mailing), send_answers(sessions, mailing))
    assert sum(told) == 1
    assert await send_answers(sessions, mailing) == 0
    assert await stands(sessions, message) == (True, "", 1)
    (envelope,) = office.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("<>", [SENDER]), "an answer is not answered (RFC 8098 §3)"
    sent = office.message()
    assert (sent["To"], sent["From"], sent["In-Reply-To"]) == (SENDER, "us@a.mssante.test", "<1@other.mssante.test>")
    assert sent.get_content_type() == "multipart/report"
    assert sent["Auto-Submitted"] == "auto-replied"
    said, fields = sent.iter_parts()
    assert "BÉLANGER" not in bytes(sent).decode()
    assert "classé dans le dossier" in said.get_content()
    assert fields.get_content_type() == "message/disposition-notification"
    assert "Disposition: manual-action/MDN-sent-automatically; displayed" in str(fields)
    assert "Original-Message-ID: <1@other.mssante.test>" in str(fields)
    assert len(await audited(sessions, "message-answered")) == 1
    again = await received(sessions, cast.rural, tmp_path, xdm())
    assert (again.id, await send_answers(sessions, mailing)) == (message.id, 0)


async def test_a_busy_server_is_asked_again_and_a_line_that_broke_is_not(
    cast: Cast, sessions: Sessions, mailing: Settings, office: Office, tmp_path: Path
) -> None:
    message = await received(sessions, cast.rural, tmp_path, None)
    assert message.status is ReceivedStatus.UNREADABLE
    await reject(sessions, cast, message)
    office.to_recipient = "451 later"
    assert await send_answers(sessions, mailing) == 0
    assert await stands(sessions, message) == (False, Unanswered.TROUBLE, 1)
    assert await send_answers(sessions, mailing) == 0, "not at once"
    assert (await stands(sessions, message))[2] == 1
    async with transaction(sessions) as session:
        await session.execute(update(ReceivedMessage).values(answer_at=now()))
    office.to_recipient, office.hangs_up = "250 OK", True
    assert await send_answers(sessions, mailing) == 0
    assert await stands(sessions, message) == (False, Unanswered.UNKNOWN, 2)
    office.hangs_up = False
    assert await send_answers(sessions, mailing) == 0, "it may have arrived: never twice"
    assert b"; deleted" in (office.envelopes[-1].original_content or b"")


@pytest.mark.parametrize("why", [Unanswered.UNSAFE, Unanswered.NO_WAY_OUT, Unanswered.REFUSED])
async def test_who_is_not_told(
    cast: Cast, sessions: Sessions, mailing: Settings, office: Office, tmp_path: Path, why: Unanswered
) -> None:
    message = await received(sessions, cast.rural, tmp_path, xdm())
    assert (message.answer_to, message.answer_failure) == (SENDER, "")
    await reject(sessions, cast, message)
    other: dict[str, str | None] = {"secure_mail_domains": "elsewhere.test"} if why is Unanswered.UNSAFE else {}
    if why is Unanswered.NO_WAY_OUT:
        other = {"secure_mail_url": None}
    office.to_recipient = "550 no" if why is Unanswered.REFUSED else "250 OK"
    for _again in range(2):
        assert await send_answers(sessions, mailing.model_copy(update=other)) == 0
    assert await stands(sessions, message) == (False, why, 1)
    assert not office.envelopes
