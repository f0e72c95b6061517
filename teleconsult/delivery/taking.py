"""Which deliveries a worker takes in hand: due, first of their patient at their destination, and not too many at once.

One taker at a time (an advisory lock for the transaction): the limits hold exactly, however many workers there are.
What was in hand when a worker died is unknown: it may have arrived, and goes again under the same ids.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.clock import now
from teleconsult.delivery.models import Delivery
from teleconsult.delivery.states import RETRY_FOR
from teleconsult.delivery.telling import tell_if_stuck

LEASE: Final = timedelta(seconds=120)
"""Longer than any attempt may last (`outbox.LONGEST`)."""
EACH: Final = 4
"""Attempts under way at one destination."""

_ALONE: Final = text("select pg_advisory_xact_lock(7302413)")

_LOST: Final = text("""
update delivery set unknowns = unknowns + 1, lease = null, leased_until = null, next_at = :moment, updated_at = :moment,
  status = case when deadline_at < :moment then 'dead' else 'sent-unknown' end,
  reason = case when deadline_at < :moment then 'deadline' else 'worker-lost' end
where status = 'sending' and leased_until < :moment
returning id
""")
"""One at which workers die each time ends, as any other does, with its days."""

_OVERTAKEN: Final = text("""
update delivery d set status = case later.purpose when 'document' then 'superseded' else 'cancelled' end,
  reason = case later.purpose when 'document' then 'replaced' else 'retracted' end, updated_at = :moment
from delivery later
where later.replaces_id = d.id and later.status <> 'cancelled' and d.channel <> 'patient-file'
  and d.status in ('queued', 'retry-wait', 'dead') and d.unknowns = 0
""")
"""What never left, and has no need to any more."""

_TAKE: Final = text("""
with busy as (
  select channel, destination, count(*) as under_way from delivery where status = 'sending' group by 1, 2
), due as (
  select d.id, d.next_at, coalesce(busy.under_way, 0)
    + row_number() over (partition by d.channel, d.destination order by d.next_at, d.number) as turn
  from delivery d left join busy using (channel, destination)
  where d.status in ('queued', 'retry-wait', 'sent-unknown') and d.next_at <= :moment and d.channel <> 'patient-file'
    and not exists (
      select from delivery before
      where before.patient_id = d.patient_id and before.channel = d.channel and before.destination = d.destination
        and before.number < d.number and before.status in ('queued', 'sending', 'sent-unknown', 'retry-wait'))
)
update delivery set status = 'sending', lease = :lease, leased_until = :until, attempts = attempts + 1,
  deadline_at = coalesce(deadline_at, :deadline), updated_at = :moment
where id in (
  select d.id from delivery d join due using (id) where due.turn <= :each
  order by due.next_at, d.number limit :most for update of d skip locked)
returning id, channel, attempts
""")

_NEXT: Final = text("""
select min(case when status = 'sending' then leased_until else next_at end) from delivery
where status in ('queued', 'sending', 'retry-wait', 'sent-unknown') and channel <> 'patient-file'
""")


@dataclass(frozen=True, slots=True)
class Taken:
    """One in hand, under this worker's lease."""

    id: uuid.UUID
    channel: str
    lease: uuid.UUID
    attempt: int


async def take_due(session: AsyncSession, *, most: int, each: int = EACH) -> Sequence[Taken]:
    """Take up to `most`, `each` under way at one destination at the most. Called as the system."""
    moment, lease = now(), uuid.uuid4()
    await session.execute(_ALONE)
    lost = await session.scalars(_LOST, {"moment": moment})
    for delivery_id in lost.all():
        await tell_if_stuck(session, await session.get_one(Delivery, delivery_id, populate_existing=True))
    await session.execute(_OVERTAKEN, {"moment": moment})
    taken = await session.execute(
        _TAKE,
        {
            "moment": moment,
            "lease": lease,
            "until": moment + LEASE,
            "deadline": moment + RETRY_FOR,
            "each": each,
            "most": most,
        },
    )
    return [Taken(row.id, row.channel, lease, row.attempts) for row in taken]


async def next_due(session: AsyncSession) -> datetime | None:
    """When something is due that nobody has in hand, or a lease ends; None where nothing is owed."""
    found: datetime | None = await session.scalar(_NEXT)
    return found
