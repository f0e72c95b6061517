"""Recompute the audit chain and say where it breaks."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

GENESIS = bytes(32)
LINKS = text(
    """
    select chain.position, chain.previous_hash, chain.hash, event.id is null as is_lost,
      audit_canonical(event) as canonical
    from audit_chain chain left join audit_event event on event.id = chain.audit_event_id
    where chain.position > :after order by chain.position limit 5000
    """
)
UNCHAINED = text(
    "select count(*) from audit_event e where not exists (select 1 from audit_chain c where c.audit_event_id = e.id)"
)


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """`events` links were read; `broken_at` is the first position that does not hold, None when all do."""

    events: int
    broken_at: int | None
    reason: str = ""

    @property
    def is_good(self) -> bool:
        """True when every link holds and no event stands outside the chain."""
        return self.broken_at is None


async def verify_chain(session: AsyncSession) -> ChainVerdict:
    """Read the whole chain in pieces of 5,000 and recompute each SHA-256."""
    previous, position = GENESIS, 0
    while links := (await session.execute(LINKS, {"after": position})).all():
        for link in links:
            if link.position != position + 1:
                return ChainVerdict(position, position + 1, "a link is missing")
            if link.is_lost:
                return ChainVerdict(position, link.position, "an event is missing")
            expected = hashlib.sha256(previous + link.canonical.encode()).digest()
            if bytes(link.previous_hash) != previous or bytes(link.hash) != expected:
                return ChainVerdict(position, link.position, "an event was changed")
            previous, position = expected, link.position
    if (await session.execute(UNCHAINED)).scalar_one():
        return ChainVerdict(position, position + 1, "an event stands outside the chain")
    return ChainVerdict(position, None)
