"""What a worker does for the mailbox that receives: look into it, each minute."""

import asyncio
import imaplib
import tempfile
import uuid
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog
from procrastinate import JobContext

from teleconsult.accounts.actor import SYSTEM
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.server_standing import require_standing
from teleconsult.errors import Unavailable
from teleconsult.imaging.refusals import Unreadable
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.jobs import app
from teleconsult.objects import Objects, open_store
from teleconsult.received.inbox import Inbox, Mail, Visit, visited
from teleconsult.received.reading import LARGEST, NOT_READ
from teleconsult.received.taking import NOTHING, house_of_mailbox, take_message
from teleconsult.settings import Settings


def _(message: str) -> str:
    """Mark a sentence for the catalogues; it is translated where it is shown."""
    return message


TOO_LARGE: Final = _("This mail is too large: 25 MB of attachments at most.")
log = structlog.get_logger(__name__)


@app.periodic(cron="* * * * *")
@app.task(name="fetch_received", queueing_lock="fetch_received", lock="fetch_received", pass_context=True)
async def fetch_received(context: JobContext, timestamp: int) -> None:
    """Every minute, where a mailbox is set."""
    del timestamp
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    if settings.inbox_url:
        try:
            await fetch(sessions, settings)
        except Unavailable as error:
            log.warning("received.unavailable", reason=error.message)


async def fetch(sessions: Sessions, settings: Settings) -> int:
    """Take what came since the last time; how many mails. Raises Unavailable where the mailbox cannot be read."""
    async with transaction(sessions, SYSTEM) as session:
        house = await house_of_mailbox(session, settings.inbox_address)
    if house is None:
        log.warning("received.nobodys_mailbox")
        return 0
    objects, sandbox = Objects(open_store(settings.objects_url, settings.data)), Sandbox(workers=1)
    inbox = Inbox(settings.inbox_url or "", settings.inbox_ca, partial(require_standing, settings=settings))
    taken = 0
    steps = _Steps(inbox)
    try:
        await asyncio.to_thread(steps.open)
        while (mail := await asyncio.to_thread(steps.next)) is not None:
            await _take(sessions, objects, sandbox, house, mail)
            await asyncio.to_thread(steps.mark, mail)
            taken += 1
    except (OSError, imaplib.IMAP4.error) as error:
        raise Unavailable("The mailbox does not answer as it should.") from error
    finally:
        await asyncio.to_thread(steps.close)
        await sandbox.close()
    return taken


async def _take(sessions: Sessions, objects: Objects, sandbox: Sandbox, house: uuid.UUID, mail: Mail) -> None:
    """Committed before the mail is marked: what is marked is kept."""
    head: dict[str, Any] = {**NOTHING, "refused": TOO_LARGE}
    body, raw = b"", mail.content
    if raw is None:
        raw = f"{mail.uid} {mail.size}".encode()
    else:
        try:
            head, body = await read(sandbox, raw)
        except Unreadable:
            head = {**NOTHING, "refused": NOT_READ}
    if not head.get("is_report"):
        async with transaction(sessions, SYSTEM) as session:
            await take_message(session, objects, organization_id=house, head=head, body=body, raw=raw)


async def read(sandbox: Sandbox, raw: bytes) -> tuple[dict[str, Any], bytes]:
    """What the mail says (`reading.read_mail`), read in a worker of the sandbox. Raises Unreadable."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mail"
        await asyncio.to_thread(path.write_bytes, raw)
        message = await sandbox.ask("mail", path)
    return message.head, message.body


class _Steps:
    """A visit taken step by step from the event loop: imaplib waits, so each step is a thread's."""

    def __init__(self, inbox: Inbox) -> None:
        self._visiting = visited(inbox)
        self._visit: Visit | None = None
        self._mails: Any = None

    def open(self) -> None:
        self._visit = self._visiting.__enter__()
        self._mails = self._visit.mails(largest=LARGEST)

    def next(self) -> Mail | None:
        return next(self._mails, None)

    def mark(self, mail: Mail) -> None:
        assert self._visit is not None
        self._visit.mark(mail.uid)

    def close(self) -> None:
        if self._visit is not None:
            self._visiting.__exit__(None, None, None)
