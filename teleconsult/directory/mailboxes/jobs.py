"""What a worker does for the directory of mailboxes: read a file, and take all of a kind."""

import asyncio
import tempfile
import uuid
from contextlib import aclosing
from pathlib import Path
from typing import Final

from procrastinate import JobContext
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.db import Sessions, transaction
from teleconsult.directory.mailboxes.importing import (
    LOT,
    Reading,
    begin_again,
    finish,
    miss_lot,
    start_import,
    take_lot,
)
from teleconsult.directory.mailboxes.listed import Listed, RefusedPlace
from teleconsult.directory.mailboxes.models import (
    MailboxDecision,
    MailboxDifferenceKind,
    MailboxImport,
    MailboxSource,
)
from teleconsult.directory.mailboxes.reader import mailboxes_in
from teleconsult.directory.mailboxes.reviewing import decide_all, decide_lot
from teleconsult.errors import Invalid, NotFound
from teleconsult.jobs import app, defer
from teleconsult.objects import Objects, open_store
from teleconsult.settings import Settings


def _(message: str) -> str:
    """Mark a sentence for the catalogues; it is translated where it is shown."""
    return message


GONE: Final = _("The file is not there any more. Send it again.")


async def begin_import(
    session: AsyncSession,
    actor: Actor,
    *,
    file_name: str,
    source: MailboxSource,
    object_key: str,
    sha256: bytes,
    size: int,
    is_whole: bool,
) -> MailboxImport:
    """Take a stored file, and owe its reading once this transaction commits. Raises as `start_import`."""
    kept = await start_import(
        session,
        actor,
        file_name=file_name,
        source=source,
        object_key=object_key,
        sha256=sha256,
        size=size,
        is_whole=is_whole,
    )
    await defer(session, read_file, import_id=str(kept.id))
    return kept


async def begin_deciding(
    session: AsyncSession, actor: Actor, *, import_id: uuid.UUID, kind: MailboxDifferenceKind, decision: MailboxDecision
) -> int:
    """Decide on all of a kind, in the worker. How many wait. Raises as `decide_all`."""
    kept, number = await decide_all(session, actor, import_id=import_id, kind=kind, decision=decision)
    await defer(
        session,
        decide,
        import_id=str(kept.id),
        kind=kind.value,
        decision=decision.value,
        role_id=str(actor.role_id),
    )
    return number


@app.task(name="read_mailboxes", pass_context=True)
async def read_file(context: JobContext, import_id: str) -> None:
    """Read a file to its end, or until somebody stops it. A worker that takes it up again begins anew."""
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    await read_import(sessions, Objects(open_store(settings.objects_url, settings.data)), uuid.UUID(import_id))


@app.task(name="decide_mailboxes", pass_context=True)
async def decide(context: JobContext, import_id: str, kind: str, decision: str, role_id: str) -> None:
    """All that wait of a kind, a lot in each transaction."""
    sessions: Sessions = context.additional_context["sessions"]
    while True:
        async with transaction(sessions, SYSTEM) as session:
            if not await decide_lot(
                session,
                import_id=uuid.UUID(import_id),
                kind=MailboxDifferenceKind(kind),
                decision=MailboxDecision(decision),
                role_id=uuid.UUID(role_id),
            ):
                return


async def read_import(sessions: Sessions, objects: Objects, import_id: uuid.UUID) -> None:
    """Hold the file against our directory, lot by lot. Its bytes go once they are read."""
    async with transaction(sessions, SYSTEM) as session:
        kept = await begin_again(session, import_id)
    if kept is None:
        return
    reading, failure = Reading(kept.id, kept.organization_id, kept.source), ""
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "file"
            await _fetch(objects, kept.object_key, path)
            if await _read(sessions, reading, path) and kept.is_whole:
                await _look_for_missing(sessions, reading)
    except NotFound:
        failure = GONE
    except Invalid as error:
        failure = error.fields["file"]
    async with transaction(sessions, SYSTEM) as session:
        await finish(session, reading, failure=failure)
    await objects.delete(kept.object_key)


async def _read(sessions: Sessions, reading: Reading, path: Path) -> bool:
    lot: list[Listed] = []
    refused: list[RefusedPlace] = []
    at = 0
    async with aclosing(mailboxes_in(path, reading.source)) as found:
        async for one in found:
            if isinstance(one, int):
                at = one
            elif isinstance(one, RefusedPlace):
                refused.append(one)
            else:
                lot.append(one)
            if len(lot) + len(refused) >= LOT:
                async with transaction(sessions, SYSTEM) as session:
                    if not await take_lot(session, reading, lot, refused=refused, at=at):
                        return False
                lot, refused = [], []
    async with transaction(sessions, SYSTEM) as session:
        return await take_lot(session, reading, lot, refused=refused, at=at)


async def _look_for_missing(sessions: Sessions, reading: Reading) -> None:
    after: uuid.UUID | None = None
    while True:
        async with transaction(sessions, SYSTEM) as session:
            after = await miss_lot(session, reading, after=after)
        if after is None:
            return


async def _fetch(objects: Objects, key: str, path: Path) -> None:
    with path.open("wb") as file:
        async for piece in objects.stream(key):
            await asyncio.to_thread(file.write, piece)
