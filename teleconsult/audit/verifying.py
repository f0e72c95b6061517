"""Recompute the audit chains, hold them against their checkpoints, and say where they break."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.audit.checkpointing import Told, last_told
from teleconsult.audit.checkpoints import Head, days_in, digest_of, lines_in, read_line
from teleconsult.audit.findings import MOST_TOLD, Fault, Finding
from teleconsult.audit.links import Lane, Walk, pieces
from teleconsult.audit.models import NO_ESTABLISHMENT
from teleconsult.audit.signing import Forged, known_keys

Progress = Callable[[int], Awaitable[None]]

COUNTS: Final = text("select (select count(*) from audit_event) as events, (select count(*) from audit_chain) as links")
UNCHAINED: Final = text(
    """
    select coalesce(organization_id, :none) as chain from audit_event event
    where not exists (select from audit_chain link where link.id = event.id) limit :most
    """
)
UNLIKE: Final = text(
    """
    select signed.chain, signed.lane, signed.position, link.id is null as is_missing
    from unnest(cast(:chains as uuid[]), cast(:lanes as smallint[]), cast(:positions as bigint[]),
      cast(:hashes as bytea[])) as signed (chain, lane, position, hash)
    left join audit_chain link using (chain, lane, position)
    where link.hash is distinct from signed.hash order by signed.position
    """
)
LOOKED_UP: Final = 1000
"""Signed heads compared at once."""


@dataclass(slots=True)
class Verdict:
    """What a check read, and what it found: the first twenty faults, and how many there are."""

    events: int = 0
    chains: int = 0
    checkpoints: int = 0
    last_checkpoint: datetime | None = None
    faults: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """True when every link and every checkpoint holds, and no event stands outside the chains."""
        return not self.faults

    def add(self, finding: Finding) -> None:
        """One more fault."""
        self.faults += 1
        if len(self.findings) < MOST_TOLD:
            self.findings.append(finding)


async def count_events(session: AsyncSession) -> int:
    """How many links there are to walk."""
    return int((await session.execute(COUNTS)).one().links)


async def verify(session: AsyncSession, folder: Path, *, progress: Progress | None = None) -> Verdict:
    """Read the whole log in pieces, in bounded memory, and then the checkpoints in `folder`.

    `session` acts as the system. `progress` is told how many links were read; what it raises ends the check.
    """
    verdict, walk = Verdict(), Walk()
    async for rows in pieces(session):
        for row in rows:
            for finding in walk.step(row):
                verdict.add(finding)
        await session.commit()
        if progress is not None:
            await progress(walk.links)
    verdict.events, verdict.chains = walk.links, walk.chains
    await session.execute(text("set local statement_timeout = '10min'"))  # counting a long log takes its time
    counts = (await session.execute(COUNTS)).one()
    if verdict.faults or counts.events != counts.links:
        for row in await session.execute(UNCHAINED, {"none": NO_ESTABLISHMENT, "most": MOST_TOLD}):
            verdict.add(Finding(Fault.EVENT_UNCHAINED, row.chain, 0, 0))
    async for finding in _Signed(session, folder, verdict).faults():
        verdict.add(finding)
    return verdict


@dataclass(slots=True)
class _Signed:
    """The walk along the checkpoints."""

    session: AsyncSession
    folder: Path
    verdict: Verdict
    last: Told = field(default_factory=Told)
    waiting: list[Head] = field(default_factory=list)
    broken: set[Lane] = field(default_factory=set)

    async def faults(self) -> AsyncIterator[Finding]:
        """What is wrong with the folder, and with the chains it signed for: one fault a lane."""
        keys, told = known_keys(self.folder), await last_told(self.session)
        for line in lines_in(days_in(self.folder)):
            digest = digest_of(line)
            try:
                checkpoint = read_line(line, keys)
            except Forged:
                yield _at(Fault.CHECKPOINT_FORGED, self.last.number + 1)
                self.last = Told(self.last.number + 1, digest)
                continue
            if checkpoint.number != self.last.number + 1:
                yield _at(Fault.CHECKPOINT_MISSING, self.last.number + 1)
            elif checkpoint.previous != self.last.digest:
                yield _at(Fault.CHECKPOINT_FORGED, self.last.number)
            if checkpoint.number == told.number and digest != told.digest:
                yield _at(Fault.CHECKPOINT_FORGED, checkpoint.number)
            self.last = Told(checkpoint.number, digest)
            self.verdict.checkpoints += 1
            self.verdict.last_checkpoint = checkpoint.at
            self.waiting += checkpoint.heads
            if len(self.waiting) >= LOOKED_UP:
                async for finding in self._unlike():
                    yield finding
        async for finding in self._unlike():
            yield finding
        if told.number > self.last.number:
            yield _at(Fault.CHECKPOINT_MISSING, self.last.number + 1)

    async def _unlike(self) -> AsyncIterator[Finding]:
        """The signed heads not yet compared that the chains do not have."""
        heads, self.waiting = self.waiting, []
        columns = {
            "chains": [head.chain for head in heads],
            "lanes": [head.lane for head in heads],
            "positions": [head.position for head in heads],
            "hashes": [head.hash for head in heads],
        }
        for row in await self.session.execute(UNLIKE, columns):
            if (row.chain, row.lane) not in self.broken:
                self.broken.add((row.chain, row.lane))
                fault = Fault.TAIL_MISSING if row.is_missing else Fault.HEAD_REWRITTEN
                yield Finding(fault, row.chain, row.lane, row.position)


def _at(fault: Fault, number: int) -> Finding:
    return Finding(fault, None, 0, number)
