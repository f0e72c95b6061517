"""A file of the national directory held against our mailboxes, lot by lot: differences to look at, nothing taken.

The worker reads it (`mailboxes.jobs`); each lot is a transaction, so that the page can say how far it is and stop it.
What is in memory at once is a lot, and the ids of the mailboxes that the file confirmed.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.access.rows import mailbox_imports_of_house
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.directory.mailboxes.listed import OTHER_DETAILS, Listed, RefusedPlace
from teleconsult.directory.mailboxes.models import (
    ImportStatus,
    Mailbox,
    MailboxDecision,
    MailboxDifference,
    MailboxDifferenceKind,
    MailboxImport,
    MailboxSource,
)
from teleconsult.errors import Invalid, NotFound, Refused

LOT: Final = 1000
MOST_SAID: Final = 100
"""Refused places that are kept one by one; the rest is a number."""
LARGEST: Final = 2 * 1024**3
_ADD: Final = insert(MailboxDifference).on_conflict_do_nothing(constraint="uq_mailbox_difference_once")


@dataclass(slots=True)
class Reading:
    """What one reading of a file has to remember from lot to lot."""

    import_id: uuid.UUID
    organization_id: uuid.UUID
    source: MailboxSource
    confirmed: set[bytes] = field(default_factory=set)
    """Ids of our mailboxes that the file has."""


async def start_import(
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
    """Take a stored file for the worker to read. Raises NotFound, Invalid on `file`, Refused while another is read."""
    require(actor, Permission.ADMINISTRATION)
    assert actor.organization_id is not None, "the permission is an establishment's"
    assert actor.role_id is not None, "the permission is a person's"
    if not 0 < size <= LARGEST:
        raise Invalid({"file": "Choose a file that is not empty, of 2 GB at most."})
    if await session.scalar(
        select(MailboxImport.id)
        .where(mailbox_imports_of_house(actor), MailboxImport.status == ImportStatus.READING)
        .limit(1)
    ):
        raise Refused("A file is being read. Wait until it is done, or stop it.")
    kept = MailboxImport(
        id=uuid.uuid4(),
        organization_id=actor.organization_id,
        file_name="".join(letter for letter in file_name if letter.isprintable())[:200] or "?",
        source=source,
        object_key=object_key,
        sha256=sha256,
        size=size,
        is_whole=is_whole,
        status=ImportStatus.READING,
        refused=[],
        created_by_id=actor.role_id,
        created_at=now(),
    )
    session.add(kept)
    await session.flush()
    audit.record(session, actor, "mailboxes-read", kept, sha256=sha256.hex(), is_whole=is_whole)
    return kept


async def cancel_import(session: AsyncSession, actor: Actor, *, import_id: uuid.UUID) -> MailboxImport:
    """Stop the reading; what it found is not to be decided on. Raises NotFound, Refused once it is over."""
    kept = await mailbox_import_for(session, actor, import_id, lock=True)
    if kept.status is not ImportStatus.READING:
        raise Refused("This file is not being read any more.")
    kept.status, kept.finished_at = ImportStatus.CANCELLED, now()
    audit.record(session, actor, "mailboxes-read-cancelled", kept)
    await session.flush()
    return kept


async def mailbox_import_for(
    session: AsyncSession, actor: Actor, import_id: uuid.UUID, *, lock: bool = False
) -> MailboxImport:
    """One import of the actor's establishment. Raises NotFound, also for another's."""
    require(actor, Permission.ADMINISTRATION)
    wanted = select(MailboxImport).where(MailboxImport.id == import_id, mailbox_imports_of_house(actor))
    kept = await session.scalar(wanted.with_for_update() if lock else wanted)
    if kept is None:
        raise NotFound
    return kept


async def take_lot(
    session: AsyncSession, reading: Reading, lot: Sequence[Listed], *, refused: Sequence[RefusedPlace], at: int
) -> bool:
    """Write down how a lot differs, and how far the reading is. False once somebody stopped it."""
    kept = await _being_read(session, reading)
    if kept is None:
        return False
    told = list(refused)
    differences = list(await _differences(session, reading, lot, told))
    if differences:
        await session.execute(
            insert(MailboxDifference)
            .values(differences)
            .on_conflict_do_nothing(constraint="uq_mailbox_difference_once")
        )
    kept.bytes_read, kept.listed = min(at, kept.size), kept.listed + len(lot)
    kept.refused_count += len(told)
    said = [{"place": one.place, "reason": one.reason} for one in told]
    kept.refused = [*kept.refused, *said][:MOST_SAID]
    await session.flush()
    return True


async def miss_lot(session: AsyncSession, reading: Reading, *, after: uuid.UUID | None) -> uuid.UUID | None:
    """Of the next of our mailboxes, those a whole file does not have. The id to go on from; None after the last."""
    wanted = (
        select(Mailbox)
        .where(
            Mailbox.organization_id == reading.organization_id,
            Mailbox.is_active,
            Mailbox.source != MailboxSource.TYPED,
        )
        .order_by(Mailbox.id)
        .limit(LOT)
    )
    if after is not None:
        wanted = wanted.where(Mailbox.id > after)
    if reading.source is MailboxSource.EXTRACT:
        wanted = wanted.where(Mailbox.is_secure)  # the extract has no others
    found = (await session.scalars(wanted)).all()
    missed = [one for one in found if one.id.bytes not in reading.confirmed]
    if missed:
        rows = [_row(reading, MailboxDifferenceKind.DISAPPEARED, Listed.of(one), {}) for one in missed]
        await session.execute(_ADD, rows)
    confirmed = [one.id for one in found if one.id.bytes in reading.confirmed]
    await session.execute(update(Mailbox).where(Mailbox.id.in_(confirmed)).values(refreshed_at=now()))
    return found[-1].id if len(found) == LOT else None


async def finish(session: AsyncSession, reading: Reading, *, failure: str = "") -> None:
    """The file is read to its end, or cannot be: then `failure` says why. What waited of earlier files goes."""
    kept = await _being_read(session, reading)
    if kept is None:
        return
    kept.status = ImportStatus.FAILED if failure else ImportStatus.READY
    kept.reason, kept.finished_at = failure, now()
    if not failure:
        kept.bytes_read = kept.size
        earlier = select(MailboxImport.id).where(
            MailboxImport.organization_id == kept.organization_id, MailboxImport.id != kept.id
        )
        await session.execute(
            delete(MailboxDifference).where(
                MailboxDifference.import_id.in_(earlier), MailboxDifference.decision == MailboxDecision.PENDING
            )
        )
    await session.flush()


async def begin_again(session: AsyncSession, import_id: uuid.UUID) -> MailboxImport | None:
    """The import a worker is to read, from its beginning; None where it was stopped or is over."""
    kept = await session.get(MailboxImport, import_id, with_for_update=True)
    if kept is None or kept.status is not ImportStatus.READING:
        return None
    await session.execute(delete(MailboxDifference).where(MailboxDifference.import_id == import_id))
    kept.bytes_read = kept.listed = kept.refused_count = 0
    kept.refused = []
    await session.flush()
    return kept


async def _being_read(session: AsyncSession, reading: Reading) -> MailboxImport | None:
    kept = await session.get(MailboxImport, reading.import_id, with_for_update=True, populate_existing=True)
    return kept if kept is not None and kept.status is ImportStatus.READING else None


async def _differences(
    session: AsyncSession, reading: Reading, lot: Sequence[Listed], told: list[RefusedPlace]
) -> Iterable[dict[str, Any]]:
    own = Mailbox.organization_id == reading.organization_id
    gone = [one for one in lot if not one.address]
    known = {
        Listed.of(one).key: one
        for one in await session.scalars(
            select(Mailbox).where(own, Mailbox.address.in_({one.address for one in lot if one.address}))
        )
    }
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for listed in lot:
        if not listed.address:
            continue
        ours = known.get(listed.key)
        if listed.key in found:
            if found[listed.key]["after"] != _after(listed):
                told.append(RefusedPlace(0, OTHER_DETAILS))
        elif ours is None:
            found[listed.key] = _row(reading, MailboxDifferenceKind.ADDED, listed, _after(listed))
        else:
            reading.confirmed.add(ours.id.bytes)
            if not ours.is_active or Listed.of(ours).details != listed.details:
                row = _row(reading, MailboxDifferenceKind.CHANGED, listed, _after(listed))
                found[listed.key] = row | {"before": Listed.of(ours).details}
    for mailbox in await _of_owners(session, reading, gone):
        before = Listed.of(mailbox)
        found[before.key] = _row(reading, MailboxDifferenceKind.DELETED, before, {})
        reading.confirmed.add(mailbox.id.bytes)
    return found.values()


async def _of_owners(session: AsyncSession, reading: Reading, gone: Sequence[Listed]) -> list[Mailbox]:
    """Our mailboxes of people and structures that the file says are no more."""
    if not gone:
        return []
    found = await session.scalars(
        select(Mailbox).where(
            Mailbox.organization_id == reading.organization_id,
            Mailbox.is_active,
            or_(
                Mailbox.registration_number.in_({one.registration_number for one in gone} - {""}),
                Mailbox.structure_number.in_({one.structure_number for one in gone} - {""}),
            ),
        )
    )
    people = {one.registration_number for one in gone if not one.structure_number}
    places = {(one.registration_number, one.structure_number) for one in gone}
    return [
        one
        for one in found
        if (one.registration_number and one.registration_number in people)
        or (one.registration_number, one.structure_number) in places
    ]


def _after(listed: Listed) -> dict[str, Any]:
    return {**listed.details, "words": listed.words}


def _row(reading: Reading, kind: MailboxDifferenceKind, listed: Listed, after: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": uuid.uuid4(),
        "import_id": reading.import_id,
        "kind": kind,
        "address": listed.address,
        "registration_number": listed.registration_number,
        "structure_number": listed.structure_number,
        "before": {} if kind is MailboxDifferenceKind.ADDED else listed.details,
        "after": after,
        "decision": MailboxDecision.PENDING,
    }
