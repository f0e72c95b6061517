"""A study brought from an archive: what is not here yet, lot by lot, until all is here, it fails, or it is given up."""

import asyncio
import uuid
from contextlib import aclosing
from typing import Final

import structlog
from sqlalchemy import Text, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import joinedload

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.actions import Outcome
from teleconsult.imaging.dimse.arriving import arrival_folder
from teleconsult.imaging.models import ImagingInstance
from teleconsult.imaging.pacs.answers import Listed
from teleconsult.imaging.pacs.awaiting import Awaited, count_in
from teleconsult.imaging.pacs.connecting import source_of
from teleconsult.imaging.pacs.faults import Fault, PacsFault
from teleconsult.imaging.pacs.models import FetchStatus, Pacs, PacsFetch, PacsKind
from teleconsult.imaging.pacs.sources import Brought, Folder
from teleconsult.imaging.receiving import Receiver
from teleconsult.settings import Settings

WHOLE: Final = 4 * 3600.0
"""Seconds that one fetch may take, however busily the archive sends."""
LAST_WAIT: Final = 15.0
"""Seconds in which the last images that an archive has moved come through our own door."""

log = structlog.get_logger(__name__)


class _GivenUp(Exception):
    """Nobody wants it any more."""


async def fetch_study(
    sessions: Sessions, settings: Settings, receiver: Receiver, *, fetch_id: uuid.UUID, is_last_try: bool = False
) -> None:
    """Bring it. Whatever the archive does ends in the row, as what a person is told; twice is once.

    What breaks at our side is raised, to be tried again, until it `is_last_try`.
    """
    begun = await _begin(sessions, fetch_id)
    if begun is None:
        return
    pacs, awaited = begun
    fault: Fault | None = None
    try:
        async with asyncio.timeout(WHOLE):
            await _Fetching(sessions, receiver, pacs, awaited).run(settings)
    except _GivenUp:
        return
    except TimeoutError:
        fault = Fault.INCOMPLETE
    except PacsFault as error:
        fault = error.fault
        log.info("pacs.fault", fault=fault.value, fetch=str(fetch_id))
    except Exception:
        if is_last_try:
            await _end(sessions, fetch_id, Fault.OURS)
        raise
    await _end(sessions, fetch_id, fault)


class _Fetching:
    def __init__(self, sessions: Sessions, receiver: Receiver, pacs: Pacs, awaited: Awaited) -> None:
        self._sessions, self._receiver, self._pacs, self._awaited = sessions, receiver, pacs, awaited

    async def run(self, settings: Settings) -> None:
        if self._pacs.disabled_at is not None:
            raise PacsFault(Fault.TURNED_OFF)
        source = await source_of(self._pacs, settings)
        listed = await source.instances(self._awaited.study_uid)
        if not listed:
            raise PacsFault(Fault.GONE)
        missing = await self._missing(listed)
        # One that is here belongs to the file already: it is asked for again to bring its study to this request.
        wanted = missing or listed[:1]
        await self._note(expected=len(listed), arrived=len(listed) - len(wanted))
        async with arrival_folder(settings.data) as path:
            folder = Folder(path, file_limit=settings.upload_file_limit)
            async with aclosing(source.retrieve(self._awaited.study_uid, wanted, folder)) as lots:
                async for brought in lots:
                    await self._file(brought)
        await self._check_whole(listed)

    async def _file(self, brought: Brought) -> None:
        uid = self._awaited.study_uid
        if brought.files and self._awaited.actor is not None:
            await self._receiver.receive_arrived(
                self._awaited.actor, files=brought.files, study_uid=uid, awaited={uid: self._awaited}
            )
        async with transaction(self._sessions, SYSTEM) as session:
            refused = [Outcome("", refusal) for refusal in brought.refused]
            if refused:
                await count_in(session, self._awaited.fetch_id, refused)
            status = await session.scalar(select(PacsFetch.status).where(PacsFetch.id == self._awaited.fetch_id))
        for file in brought.files:
            await asyncio.to_thread(file.path.unlink, missing_ok=True)
        if status is not FetchStatus.RUNNING:
            raise _GivenUp

    async def _check_whole(self, listed: list[Listed]) -> None:
        """Raises PacsFault where some neither came nor were refused. Those that are moved may still be on their way."""
        end = asyncio.get_running_loop().time() + (LAST_WAIT if self._pacs.kind is PacsKind.C_MOVE else 0)
        while True:
            async with transaction(self._sessions, SYSTEM) as session:
                fetch = await session.get_one(PacsFetch, self._awaited.fetch_id)
                if fetch.arrived + fetch.refused >= len(listed):
                    return
            if asyncio.get_running_loop().time() >= end:
                has_some = fetch.arrived > 0 or self._pacs.kind is not PacsKind.C_MOVE
                raise PacsFault(Fault.INCOMPLETE if has_some else Fault.NOTHING_CAME)
            await asyncio.sleep(0.5)

    async def _missing(self, listed: list[Listed]) -> list[Listed]:
        uids = [one.sop_instance_uid for one in listed]
        async with transaction(self._sessions, SYSTEM) as session:
            house = self._awaited.actor.organization_id if self._awaited.actor else None
            of_house = ImagingInstance.organization_id == house
            found = await session.scalars(
                select(ImagingInstance.sop_instance_uid).where(
                    of_house, ImagingInstance.sop_instance_uid == func.any(cast(uids, ARRAY(Text)))
                )
            )
            here = set(found)
        return [one for one in listed if one.sop_instance_uid not in here]

    async def _note(self, *, expected: int, arrived: int) -> None:
        async with transaction(self._sessions, SYSTEM) as session:
            fetch = await session.get_one(PacsFetch, self._awaited.fetch_id, with_for_update=True)
            if not fetch.is_open:
                raise _GivenUp
            fetch.expected, fetch.arrived, fetch.refused, fetch.changed_at = expected, arrived, 0, now()


async def _begin(sessions: Sessions, fetch_id: uuid.UUID) -> tuple[Pacs, Awaited] | None:
    """The archive and what is wanted of it; None where nobody wants it any more."""
    async with transaction(sessions, SYSTEM) as session:
        fetch = await session.scalar(
            select(PacsFetch)
            .where(PacsFetch.id == fetch_id)
            .with_for_update(of=PacsFetch)
            .options(joinedload(PacsFetch.pacs))
        )
        if fetch is None or not fetch.is_open:
            return None
        fetch.status, fetch.changed_at = FetchStatus.RUNNING, now()
        awaited = await Awaited.of(session, fetch)
        if awaited.actor is None:
            fetch.status, fetch.fault = FetchStatus.FAILED, Fault.NOT_WANTED.value
            return None
        return fetch.pacs, awaited


async def _end(sessions: Sessions, fetch_id: uuid.UUID, fault: Fault | None) -> None:
    async with transaction(sessions, SYSTEM) as session:
        fetch = await session.get_one(PacsFetch, fetch_id, with_for_update=True)
        if fetch.is_open:
            fetch.status = FetchStatus.FAILED if fault else FetchStatus.DONE
            fetch.fault, fetch.changed_at = fault.value if fault else "", now()
