"""Files brought in, and what became of them."""

from pathlib import Path

from sqlalchemy import select

from teleconsult.accounts import Actor
from teleconsult.db import Sessions, transaction
from teleconsult.directory.mailboxes.importing import start_import
from teleconsult.directory.mailboxes.jobs import read_import
from teleconsult.directory.mailboxes.listed import source_of
from teleconsult.directory.mailboxes.models import (
    Mailbox,
    MailboxDecision,
    MailboxDifference,
    MailboxDifferenceKind,
    MailboxImport,
)
from teleconsult.directory.mailboxes.reviewing import decide_differences, differences_of
from teleconsult.objects import Objects, new_key, open_store


async def started(sessions: Sessions, actor: Actor, objects: Objects, content: bytes, *, whole: bool) -> MailboxImport:
    source = source_of(content[:8192])
    assert source is not None
    key = new_key("mailboxes")
    await objects.put(key, content)
    async with transaction(sessions, actor) as session:
        return await start_import(
            session,
            actor,
            file_name="file",
            source=source,
            object_key=key,
            sha256=b"",
            size=len(content),
            is_whole=whole,
        )


async def brought(
    sessions: Sessions, actor: Actor, folder: Path, content: bytes, *, whole: bool = True
) -> MailboxImport:
    """The file, read to its end."""
    objects = Objects(open_store(None, folder))
    kept = await started(sessions, actor, objects, content, whole=whole)
    await read_import(sessions, objects, kept.id)
    async with transaction(sessions) as session:
        return await session.get_one(MailboxImport, kept.id)


async def waiting(sessions: Sessions, kept: MailboxImport) -> dict[tuple[str, str], MailboxDifference]:
    """By kind and address."""
    async with transaction(sessions) as session:
        found = (await differences_of(session, kept, kind=None)).shown
    return {(one.kind.value, one.address): one for one in found}


async def taken(
    sessions: Sessions,
    actor: Actor,
    kept: MailboxImport,
    kind: MailboxDifferenceKind | None = None,
    decision: MailboxDecision = MailboxDecision.ACCEPTED,
) -> int:
    """All that wait, or all of a kind, decided."""
    ids = [one.id for one in (await waiting(sessions, kept)).values() if kind in (None, one.kind)]
    async with transaction(sessions, actor) as session:
        return await decide_differences(session, actor, import_id=kept.id, difference_ids=ids, decision=decision)


async def directory(sessions: Sessions) -> dict[str, Mailbox]:
    """All mailboxes there are, by address."""
    async with transaction(sessions) as session:
        return {one.address: one for one in await session.scalars(select(Mailbox))}
