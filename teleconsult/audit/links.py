"""The links of the chains, read in order and recomputed: each by itself, and each after the one before."""

import hashlib
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.audit.findings import Fault, Finding
from teleconsult.audit.models import NO_ESTABLISHMENT

GENESIS: Final = bytes(32)
PIECE: Final = 2000
"""Links read at once: bounds memory and the length of a statement, whatever the log's size."""

_OF_THE_EVENT = """
  'id', e.id, 'recorded_at', e.recorded_at, 'action', e.action, 'outcome', e.outcome,
  'account_id', e.account_id, 'practitioner_role_id', e.practitioner_role_id,
  'organization_id', e.organization_id, 'actor_name', e.actor_name,
  'entity_type', e.entity_type, 'entity_id', e.entity_id, 'patient_id', e.patient_id, 'detail', e.detail
"""
# Written out here and not asked of the function that made the chain: who could replace that one could hide behind it.
_LINKS = f"""
    select c.chain, c.lane, c.position, c.id, c.recipe, c.previous_hash, c.hash, e.id is null as is_lost,
      case c.recipe
        when 1 then jsonb_build_object({_OF_THE_EVENT})::text
        when 2 then jsonb_build_object(
          'chain', c.chain, 'lane', c.lane, 'position', c.position,
          'address', e.address, 'patient_organization_id', e.patient_organization_id, {_OF_THE_EVENT})::text
      end as canonical,
      case c.recipe
        when 1 then c.chain = :none and c.lane = 0 and e.address = '' and e.patient_organization_id is null
        when 2 then c.chain = coalesce(e.organization_id, :none) and c.lane between 0 and 7
      end as is_in_place
    from audit_chain c left join audit_event e on e.id = c.id
    where (c.chain, c.lane, c.position, c.id) %s (:chain, :lane, :position, :id)
      and (c.chain, c.lane) <= (:last_chain, :last_lane)
    order by c.chain, c.lane, c.position, c.id limit :piece
"""  # noqa: S608  # a constant of this file
FIRST: Final = text(_LINKS % ">=")
NEXT: Final = text(_LINKS % ">")
Lane = tuple[uuid.UUID, int]
LOWEST: Final[Lane] = (uuid.UUID(int=0), -(2**15))
HIGHEST: Final[Lane] = (uuid.UUID(int=2**128 - 1), 2**15 - 1)
"""What the columns can hold at all: nobody may put a link where no walk comes by."""


@dataclass(slots=True)
class Walk:
    """One walk along every lane of every chain, from their first links; remembers only the last one seen."""

    chain: uuid.UUID = NO_ESTABLISHMENT
    lane: int = -1
    position: int = 0
    recipe: int = 0
    hash: bytes = GENESIS
    links: int = 0
    chains: int = 0

    def step(self, link: Row[Any]) -> Iterator[Finding]:
        """What is wrong with this link after the last one. After a fault the walk goes on from what is written."""
        if (link.chain, link.lane) != (self.chain, self.lane):
            self.chains += link.chain != self.chain or self.links == 0
            self.chain, self.lane, self.position, self.recipe, self.hash = link.chain, link.lane, 0, 0, GENESIS
        yield from self._faults(link)
        self.position, self.recipe, self.hash = link.position, link.recipe, bytes(link.hash)
        self.links += 1

    def _faults(self, link: Row[Any]) -> Iterator[Finding]:
        previous = bytes(link.previous_hash)
        if link.position != self.position + 1:
            yield self._at(Fault.LINK_MISSING, self.position + 1)
        elif previous != self.hash or link.recipe < self.recipe:
            yield self._at(Fault.LINK_MOVED, link.position)
        if link.is_lost:
            yield self._at(Fault.EVENT_MISSING, link.position)
        elif link.canonical is None or hashlib.sha256(previous + link.canonical.encode()).digest() != bytes(link.hash):
            yield self._at(Fault.EVENT_CHANGED, link.position)
        elif not link.is_in_place:
            yield self._at(Fault.LINK_MISPLACED, link.position)

    def _at(self, fault: Fault, position: int) -> Finding:
        return Finding(fault, self.chain, self.lane, position)


async def pieces(
    session: AsyncSession, *, first: Lane = LOWEST, last: Lane = HIGHEST
) -> AsyncIterator[Sequence[Row[Any]]]:
    """Every link of the lanes from `first` to `last` with its event's text, in order, 2,000 at a time."""
    place: dict[str, Any] = {
        **{"none": NO_ESTABLISHMENT, "piece": PIECE, "last_chain": last[0], "last_lane": last[1]},
        **{"chain": first[0], "lane": first[1], "position": -(2**63), "id": uuid.UUID(int=0)},
    }
    statement = FIRST
    while rows := (await session.execute(statement, place)).all():
        yield rows
        end = rows[-1]
        place |= {"chain": end.chain, "lane": end.lane, "position": end.position, "id": end.id}
        statement = NEXT
