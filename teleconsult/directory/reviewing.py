"""Deciding on the differences an extract brought: each by a person, one or a page at a time."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.access.rows import imports_of_house, practitioners_of_house
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.directory.importing import listed_from
from teleconsult.directory.models import (
    Decision,
    DifferenceKind,
    DirectoryDifference,
    DirectoryImport,
    Practitioner,
)
from teleconsult.directory.people import works_elsewhere
from teleconsult.errors import NotFound, Refused

PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Differences:
    """One page of an import's; `next_after` is the number to go on from, None on the last one."""

    shown: Sequence[DirectoryDifference]
    next_after: str | None


async def imports_here(session: AsyncSession, actor: Actor) -> Sequence[DirectoryImport]:
    """The establishment's last twenty imports, newest first. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    found = await session.scalars(
        select(DirectoryImport).where(imports_of_house(actor)).order_by(DirectoryImport.created_at.desc()).limit(20)
    )
    return found.all()


async def import_here(session: AsyncSession, actor: Actor, import_id: uuid.UUID) -> DirectoryImport:
    """One import of the actor's establishment. Raises NotFound, also for another's."""
    require(actor, Permission.ADMINISTRATION)
    kept = await session.scalar(select(DirectoryImport).where(DirectoryImport.id == import_id, imports_of_house(actor)))
    if kept is None:
        raise NotFound
    return kept


async def is_newest(session: AsyncSession, kept: DirectoryImport) -> bool:
    """Whether no later extract was read: only the newest one is decided on."""
    later = select(DirectoryImport.id).where(
        DirectoryImport.organization_id == kept.organization_id, DirectoryImport.created_at > kept.created_at
    )
    return await session.scalar(later.limit(1)) is None


async def counts_of(session: AsyncSession, kept: DirectoryImport) -> dict[tuple[DifferenceKind, Decision], int]:
    """How many differences of each kind wait, were accepted, were left out."""
    rows = await session.execute(
        select(DirectoryDifference.kind, DirectoryDifference.decision, func.count())
        .where(DirectoryDifference.import_id == kept.id)
        .group_by(DirectoryDifference.kind, DirectoryDifference.decision)
    )
    return {(kind, decision): count for kind, decision, count in rows}


async def differences_of(
    session: AsyncSession, kept: DirectoryImport, *, kind: DifferenceKind | None, after: str = ""
) -> Differences:
    """Those that wait for a decision, by number, 50 at a time from `after` on."""
    waiting = select(DirectoryDifference).where(
        DirectoryDifference.import_id == kept.id,
        DirectoryDifference.decision == Decision.PENDING,
        DirectoryDifference.registration_number > after,
    )
    if kind is not None:
        waiting = waiting.where(DirectoryDifference.kind == kind)
    found = (await session.scalars(waiting.order_by(DirectoryDifference.registration_number).limit(PAGE + 1))).all()
    shown = found[:PAGE]
    return Differences(shown, shown[-1].registration_number if len(found) > PAGE else None)


async def decide_differences(
    session: AsyncSession,
    actor: Actor,
    *,
    import_id: uuid.UUID,
    difference_ids: Sequence[uuid.UUID],
    decision: Decision,
) -> int:
    """Accept or leave out; what was decided before, or changed here meanwhile, is passed over. The number decided.

    Accepting a new person, or one of the same name, adds them under their own number; accepting a change writes it
    to the person it concerns. Two people are never made one. Raises NotFound, Refused where a newer extract was read.
    """
    kept = await import_here(session, actor, import_id)
    if not await is_newest(session, kept):
        raise Refused("A newer extract was read since. Decide on that one.")
    waiting = await session.scalars(
        select(DirectoryDifference)
        .where(
            DirectoryDifference.import_id == kept.id,
            DirectoryDifference.id.in_(difference_ids[:PAGE]),
            DirectoryDifference.decision == Decision.PENDING,
        )
        .order_by(DirectoryDifference.registration_number)
        .with_for_update()
    )
    decided = 0
    for difference in waiting.all():
        if decision is Decision.ACCEPTED and not await _apply(session, actor, difference):
            continue
        difference.decision, difference.decided_by_id, difference.decided_at = decision, actor.role_id, now()
        audit.record(
            session,
            actor,
            "difference-accepted" if decision is Decision.ACCEPTED else "difference-rejected",
            difference,
            kind=difference.kind.value,
            of=kept.id,
        )
        decided += 1
    await session.flush()
    return decided


async def _apply(session: AsyncSession, actor: Actor, difference: DirectoryDifference) -> bool:
    if difference.kind is DifferenceKind.CHANGED:
        return await _change(session, actor, difference)
    known = await session.scalar(
        select(Practitioner.id).where(Practitioner.registration_number == difference.registration_number)
    )
    if known is not None:
        return False
    practitioner = Practitioner(id=uuid.uuid4(), registration_number=difference.registration_number, **difference.after)
    session.add(practitioner)
    await session.flush()
    audit.record(session, actor, "practitioner-added", practitioner)
    return True


async def _change(session: AsyncSession, actor: Actor, difference: DirectoryDifference) -> bool:
    """Write the change, unless the person was changed since, or works at another establishment too."""
    practitioner = await session.scalar(
        select(Practitioner)
        .where(Practitioner.id == difference.practitioner_id, practitioners_of_house(actor))
        .with_for_update()
    )
    if practitioner is None or listed_from(practitioner) != difference.before:
        return False
    if await works_elsewhere(session, actor, practitioner.id):
        return False  # what they are called is not one establishment's to say
    for name, value in difference.after.items():
        setattr(practitioner, name, value)
    audit.record(session, actor, "practitioner-changed", practitioner)
    await session.flush()
    return True
