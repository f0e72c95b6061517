"""Deciding on how a file of mailboxes differs from ours: one, a page, or all of a kind; nothing goes by itself."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.access.rows import mailbox_imports_of_house
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.directory.mailboxes.importing import mailbox_import_for
from teleconsult.directory.mailboxes.listed import Listed
from teleconsult.directory.mailboxes.models import (
    ImportStatus,
    Mailbox,
    MailboxDecision,
    MailboxDifference,
    MailboxDifferenceKind,
    MailboxImport,
)
from teleconsult.errors import Refused

PAGE: Final = 50
LOT: Final = 1000
WHOLE_KINDS: Final = frozenset(
    {MailboxDifferenceKind.ADDED, MailboxDifferenceKind.CHANGED, MailboxDifferenceKind.DELETED}
)
"""Kinds that may be decided on all at once. What disappeared is looked at, page by page."""
Kind = MailboxDifferenceKind


@dataclass(frozen=True, slots=True)
class DifferencePage:
    """One page of an import's; `next_after` is the address to go on from, None on the last one."""

    shown: Sequence[MailboxDifference]
    next_after: str | None


async def mailbox_imports(session: AsyncSession, actor: Actor) -> Sequence[MailboxImport]:
    """The establishment's last ten files, newest first. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    found = await session.scalars(
        select(MailboxImport).where(mailbox_imports_of_house(actor)).order_by(MailboxImport.created_at.desc()).limit(10)
    )
    return found.all()


async def last_refresh(session: AsyncSession, organization_id: uuid.UUID) -> datetime | None:
    """When a file was last read to its end for an establishment's directory."""
    return await session.scalar(
        select(func.max(MailboxImport.finished_at)).where(
            MailboxImport.organization_id == organization_id, MailboxImport.status == ImportStatus.READY
        )
    )


async def counts_of(session: AsyncSession, kept: MailboxImport) -> dict[tuple[Kind, MailboxDecision], int]:
    """How many differences of each kind wait, were accepted, were left out."""
    found = await session.execute(
        select(MailboxDifference.kind, MailboxDifference.decision, func.count())
        .where(MailboxDifference.import_id == kept.id)
        .group_by(MailboxDifference.kind, MailboxDifference.decision)
    )
    return {(kind, decision): count for kind, decision, count in found}


async def differences_of(
    session: AsyncSession, kept: MailboxImport, *, kind: Kind | None, after: str = ""
) -> DifferencePage:
    """Those that wait for a decision, by address, 50 at a time from `after` on."""
    waiting = select(MailboxDifference).where(*_pending(kept, kind), MailboxDifference.address > after)
    found = (await session.scalars(waiting.order_by(MailboxDifference.address).limit(PAGE + 1))).all()
    shown = found[:PAGE]
    return DifferencePage(shown, shown[-1].address if len(found) > PAGE else None)


async def decide_differences(
    session: AsyncSession,
    actor: Actor,
    *,
    import_id: uuid.UUID,
    difference_ids: Sequence[uuid.UUID],
    decision: MailboxDecision,
) -> int:
    """Accept or leave out; what was decided before, or changed here meanwhile, is passed over. The number decided.

    Raises NotFound, Refused unless the file is read to its end and is the newest.
    """
    kept = await decidable(session, actor, import_id)
    found = await session.scalars(
        select(MailboxDifference)
        .where(*_pending(kept, None), MailboxDifference.id.in_(difference_ids[:PAGE]))
        .order_by(MailboxDifference.address)
        .with_for_update()
    )
    decided = await _decide(session, kept, found.all(), decision, actor.role_id)
    if decided:
        audit.record(session, actor, "mailboxes-decided", kept, decision=decision.value, number=decided)
    return decided


async def decide_all(
    session: AsyncSession, actor: Actor, *, import_id: uuid.UUID, kind: Kind, decision: MailboxDecision
) -> tuple[MailboxImport, int]:
    """Say so of all that wait of a kind; the worker does it (`decide_lot`). Returns the import, and how many they are.

    Raises NotFound, Refused for what is decided page by page, and as `decide_differences` does.
    """
    kept = await decidable(session, actor, import_id)
    if kind not in WHOLE_KINDS:
        raise Refused("Look at these page by page.")
    number = await session.scalar(select(func.count()).where(*_pending(kept, kind))) or 0
    audit.record(
        session, actor, "mailboxes-decided", kept, decision=decision.value, number=number, kind=kind.value, whole=True
    )
    return kept, number


async def decide_lot(
    session: AsyncSession, *, import_id: uuid.UUID, kind: Kind, decision: MailboxDecision, role_id: uuid.UUID
) -> int:
    """The next thousand of a kind, for who said so of all of them. How many there were: 0 once there are none."""
    kept = await session.get_one(MailboxImport, import_id)
    found = (
        await session.scalars(
            select(MailboxDifference)
            .where(*_pending(kept, kind))
            .order_by(MailboxDifference.address)
            .limit(LOT)
            .with_for_update()
        )
    ).all()
    if found:
        await _decide(session, kept, found, decision, role_id, is_final=True)
    return len(found)


async def decidable(session: AsyncSession, actor: Actor, import_id: uuid.UUID) -> MailboxImport:
    """An import that is decided on now. Raises NotFound, Refused while it is read, once it failed, or after a newer."""
    kept = await mailbox_import_for(session, actor, import_id)
    if kept.status is not ImportStatus.READY:
        raise Refused("This file was not read to its end: there is nothing to decide.")
    if not await is_newest(session, kept):
        raise Refused("A newer file was read since. Decide on that one.")
    return kept


async def is_newest(session: AsyncSession, kept: MailboxImport) -> bool:
    """Whether no later file was read to its end."""
    later = select(MailboxImport.id).where(
        MailboxImport.organization_id == kept.organization_id,
        MailboxImport.created_at > kept.created_at,
        MailboxImport.status == ImportStatus.READY,
    )
    return await session.scalar(later.limit(1)) is None


def _pending(kept: MailboxImport, kind: Kind | None) -> list[ColumnElement[bool]]:
    found = [MailboxDifference.import_id == kept.id, MailboxDifference.decision == MailboxDecision.PENDING]
    return [*found, MailboxDifference.kind == kind] if kind is not None else found


async def _decide(
    session: AsyncSession,
    kept: MailboxImport,
    differences: Sequence[MailboxDifference],
    decision: MailboxDecision,
    role_id: uuid.UUID | None,
    *,
    is_final: bool = False,
) -> int:
    """`is_final`: what can no longer be taken is left out rather than left waiting."""
    ours = {
        Listed.of(one).key: one
        for one in await session.scalars(
            select(Mailbox)
            .where(
                Mailbox.organization_id == kept.organization_id,
                Mailbox.address.in_({one.address for one in differences}),
            )
            .with_for_update()
        )
    }
    moment, decided = now(), 0
    for one in differences:
        mine = decision
        if decision is MailboxDecision.ACCEPTED:
            mailbox = ours.get((one.address, one.registration_number, one.structure_number))
            taken = _taken(kept, one, mailbox, moment)
            if taken is None and not is_final:
                continue
            mine = decision if taken is not None else MailboxDecision.REJECTED
            if taken is not None and mailbox is None:
                session.add(taken)
        one.decision, one.decided_by_id, one.decided_at = mine, role_id, moment
        decided += 1
    await session.flush()
    return decided


def _taken(kept: MailboxImport, one: MailboxDifference, ours: Mailbox | None, moment: datetime) -> Mailbox | None:
    """Our mailbox as the difference wants it; None where ours is no longer what the difference was found against."""
    if one.kind is Kind.ADDED:
        if ours is not None:
            return None
        return Mailbox(
            organization_id=kept.organization_id,
            address=one.address,
            registration_number=one.registration_number,
            structure_number=one.structure_number,
            source=kept.source,
            seen_at=moment,
            refreshed_at=moment,
            **_typed(one.after),
        )
    if ours is None or Listed.of(ours).details != one.before:
        return None
    if one.kind is Kind.CHANGED:
        for name, value in _typed(one.after).items():
            setattr(ours, name, value)
        ours.refreshed_at = moment
    else:
        ours.is_active = False
    return ours


def _typed(after: dict[str, Any]) -> dict[str, Any]:
    return {**after, "type": after["type"] or None}
