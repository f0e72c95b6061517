"""Make a checkpoint: read how far every chain is, sign it, keep it outside the database, and let the log say so."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.audit.checkpoints import (
    Checkpoint,
    Head,
    alone,
    append_line,
    days_in,
    digest_of,
    lines_in,
    read_line,
)
from teleconsult.audit.links import Lane
from teleconsult.audit.models import CHECKPOINTED, NO_ESTABLISHMENT, AuditEvent
from teleconsult.audit.recording import record
from teleconsult.audit.signing import Forged, known_keys, own_key, thumbprint
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction

# One look into the index for each lane there is, from the highest down: the log may be long, its lanes are few.
HEADS: Final = text(
    """
    with recursive head as (
      (select chain, lane, position, hash, id from audit_chain order by chain desc, lane desc, position desc limit 1)
      union all
      select next.* from head cross join lateral (
        select chain, lane, position, hash, id from audit_chain below
        where (below.chain, below.lane) < (head.chain, head.lane)
        order by chain desc, lane desc, position desc limit 1) next
    )
    select head.chain, head.lane, head.position, head.hash, event.action
    from head join audit_event event on event.id = head.id
    """
)


@dataclass(frozen=True, slots=True)
class Told:
    """What the log itself says of the last checkpoint."""

    number: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the folder's last day says: the last line, and how far each lane was."""

    day: str
    told: Told
    heads: dict[Lane, Head]


async def last_told(session: AsyncSession) -> Told:
    """The last checkpoint the log knows of: so one that was taken off the end of the folder is missed."""
    detail = await session.scalar(
        select(AuditEvent.detail)
        .where(AuditEvent.action == literal(CHECKPOINTED, literal_execute=True))  # as the index has it
        .order_by(AuditEvent.recorded_at.desc())
        .limit(1)
    )
    return Told(int(detail["number"]), str(detail["digest"])) if detail else Told()


async def make_checkpoint(sessions: Sessions, folder: Path) -> Checkpoint | None:
    """Sign how far every chain is. None where nothing happened since the last one, or somebody else is at it.

    Raises OSError where the folder cannot be written.
    """
    with alone(folder) as is_free:
        if not is_free:
            return None
        key = own_key(folder)
        async with transaction(sessions, SYSTEM) as session:
            rows = (await session.execute(HEADS)).all()
            told = await last_told(session)
        kept, moment = _kept_in(folder), now()
        heads = [Head(row.chain, row.lane, row.position, bytes(row.hash)) for row in rows]
        moved = [head for head in heads if kept.heads.get(head.key) != head]
        own_only = {head.key for head, row in zip(heads, rows, strict=True) if row.action == CHECKPOINTED}
        if _is_only_our_own(moved, kept.heads, own_only):
            return None
        last, day = max(kept.told, told, key=lambda one: one.number), f"{moment:%Y-%m-%d}"
        checkpoint = Checkpoint(
            number=last.number + 1,
            at=moment,
            previous=last.digest,
            events=sum(head.position for head in heads),
            heads=tuple(moved if kept.day == day else heads),
        )
        line = checkpoint.sealed(key)
        append_line(folder, day, line)
        async with transaction(sessions, SYSTEM) as session:
            kid = thumbprint(key.public_key())
            record(session, SYSTEM, "audit-checkpointed", number=checkpoint.number, digest=digest_of(line), key=kid)
        return checkpoint


def _is_only_our_own(moved: Iterable[Head], known: dict[Lane, Head], own: set[Lane]) -> bool:
    """Whether the log's own word of the last checkpoint is all that happened since: else each would cause the next."""
    return all(
        head.chain == NO_ESTABLISHMENT
        and head.key in own
        and head.position == (known[head.key].position if head.key in known else 0) + 1
        for head in moved
    )


def _kept_in(folder: Path) -> _Kept:
    days, keys = days_in(folder), known_keys(folder)
    number, digest = 0, ""
    heads: dict[Lane, Head] = {}
    for line in lines_in(days[-1:]):
        digest = digest_of(line)
        try:
            checkpoint = read_line(line, keys)
        except Forged:  # `audit verify` says so; here it only means that nothing is known from it
            continue
        number = checkpoint.number
        heads |= {head.key: head for head in checkpoint.heads}
    return _Kept(days[-1].stem if days else "", Told(number, digest), heads)
