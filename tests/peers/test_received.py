"""Our application mailbox on Debian's dovecot: what others mail is taken once, and left where it is."""

import imaplib
import ssl

import pytest
from sqlalchemy import select

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import ConnectionType, Endpoint
from teleconsult.errors import Unavailable
from teleconsult.received.jobs import fetch
from teleconsult.received.models import ReceivedMessage, ReceivedStatus
from teleconsult.settings import Settings
from tests.peers import mail_server
from tests.people import Cast
from tests.teleconsult.received.mails import mail, xdm
from tests.waiting import eventually


def inbox(settings: Settings, server: mail_server.MailServer, *, password: str = mail_server.PASSWORD) -> Settings:
    user = mail_server.READER.replace("@", "%40")
    return settings.model_copy(
        update={
            "inbox_url": f"imap://{user}:{password.replace(' ', '%20')}@{mail_server.HOST}:{server.imap}",
            "inbox_address": mail_server.READER,
            "inbox_ca": server.authority,
        }
    )


async def test_what_comes_is_taken_once(
    cast: Cast, sessions: Sessions, settings: Settings, post_office: mail_server.MailServer
) -> None:
    for number, attached in enumerate((xdm(), xdm(), None)):
        post_office.put(mail_server.READER, mail(attached, number=number, to=mail_server.READER))

    async def arrived() -> bool:
        return len(post_office.mails(mail_server.READER)) == 3

    assert await eventually(arrived)
    ours = inbox(settings, post_office)
    assert await fetch(sessions, ours) == 0, "it is nobody's mailbox yet"
    async with transaction(sessions) as session:
        session.add(
            Endpoint(
                organization_id=cast.rural.organization_id,
                connection_type=ConnectionType.SECURE_MAIL,
                name="Ours",
                address=mail_server.READER,
                updated_at=now(),
            )
        )
    assert await fetch(sessions, ours) == 3
    assert await fetch(sessions, ours) == 0
    async with transaction(sessions) as session:
        found = (await session.scalars(select(ReceivedMessage).order_by(ReceivedMessage.times))).all()
    assert [(one.status, one.times) for one in found] == [(ReceivedStatus.UNREADABLE, 1), (ReceivedStatus.WAITING, 2)]
    assert len(post_office.mails(mail_server.READER)) == 3, "nothing is taken away from other readers"
    with imaplib.IMAP4(mail_server.HOST, post_office.imap) as reader:
        reader.starttls(ssl.create_default_context(cafile=str(post_office.authority)))
        reader.login(mail_server.READER, mail_server.PASSWORD)
        reader.select("INBOX", readonly=True)
        assert reader.search(None, "UNSEEN")[1] == [b"1 2 3"]
    with pytest.raises(Unavailable):
        await fetch(sessions, inbox(settings, post_office, password="wrong"))
    with pytest.raises(Unavailable):
        await fetch(sessions, ours.model_copy(update={"inbox_ca": None}))
