"""What was brought back is read whole: every link of the audit log, and every object that a row knows the hash of."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from teleconsult.accounts.actor import SYSTEM
from teleconsult.audit.checkpointing import last_told
from teleconsult.audit.checkpoints import folder_of
from teleconsult.audit.verifying import Verdict, verify
from teleconsult.backups.restoring import set_aside_later_checkpoints
from teleconsult.db import Sessions, act_as, transaction
from teleconsult.notes.models import Composition
from teleconsult.objects import Objects
from teleconsult.settings import Settings
from teleconsult.stored.scrubbing import FILE, Round, scrub
from teleconsult.stored.sources import keys_named

AT_ONCE: Final = 500
AS_FAST_AS_CAN_BE: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found, in numbers; `is_good` when nothing is missing and nothing changed."""

    log: Verdict
    stored: Round
    notes: int
    erased: int
    """Objects that went again, as they had before."""
    set_aside: int
    """Checkpoints newer than the log."""

    @property
    def is_good(self) -> bool:
        """True when the log holds, and every object is what its row says."""
        return self.log.is_good and not self.stored.damaged


async def prove(sessions: Sessions, settings: Settings, objects: Objects, *, erased: Collection[str]) -> Proof:
    """Leave what belongs together, and read it. Writes nothing into the database but what it finds damaged."""
    folder = folder_of(settings)
    async with transaction(sessions, SYSTEM) as session:
        told = await last_told(session)
        signed = Composition.pdf_object_key.is_not(None)
        notes = await session.scalar(select(func.count()).select_from(Composition).where(signed)) or 0
    aside = set_aside_later_checkpoints(folder, told.number)
    gone = await _erase_again(sessions, objects, erased)
    async with sessions() as session:
        await act_as(session, SYSTEM)
        log = await verify(session, folder)
    (Path(settings.data) / FILE).unlink(missing_ok=True)
    stored = await scrub(sessions, objects, settings.data, pace=AS_FAST_AS_CAN_BE)
    return Proof(log, stored, notes, gone, aside)


async def _erase_again(sessions: Sessions, objects: Objects, erased: Collection[str]) -> int:
    """An object that was gone when the backup was last made was erased, or destroyed: where no row names it, erased."""
    rest, count = iter(sorted(erased)), 0
    while keys := list(islice(rest, AT_ONCE)):
        async with transaction(sessions, SYSTEM) as session:
            named = await keys_named(session, keys)
        for key in keys:
            if key not in named:
                await objects.delete(key)
                count += 1
    return count
