"""What was mailed: one worker until the queue is empty, then the files it wrote."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage

from teleconsult import jobs
from teleconsult.db import Sessions
from teleconsult.settings import Settings


async def work(settings: Settings, sessions: Sessions) -> None:
    """Run every job that is due."""
    async with jobs.connected(settings.database_url or "") as app:
        await app.run_worker_async(
            wait=False,
            listen_notify=False,
            install_signal_handlers=False,
            additional_context={"sessions": sessions, "settings": settings},
        )


async def mails(settings: Settings, sessions: Sessions) -> list[EmailMessage]:
    """Every mail so far, oldest first, after the jobs that are due."""
    await work(settings, sessions)
    files = sorted((settings.data / "mail").glob("*.eml"))
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


async def last_mail(settings: Settings, sessions: Sessions) -> EmailMessage:
    """The newest of them."""
    return (await mails(settings, sessions))[-1]


def body(message: EmailMessage) -> str:
    """Its text."""
    return message.get_content()


def code_in(message: EmailMessage) -> str:
    """The eight digits of a mailed code."""
    found = re.search(r"^ +(\d{4}) (\d{4})$", body(message), re.MULTILINE)
    assert found, body(message)
    return found[1] + found[2]


def path_in(message: EmailMessage) -> str:
    """The path of a mailed link."""
    found = re.search(r"^https?://[^/\s]+(/\S+)$", body(message), re.MULTILINE)
    assert found, body(message)
    return found[1]
