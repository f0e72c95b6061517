"""`kill -9` at random points of signing and delivering: no note that was answered for is lost, none is delivered twice.

Short by default; `LONG=1` kills ten times. Figures are in `docs/reliability.md`.
"""

import asyncio
import json
import os
import random
import signal
import sys
import uuid
from collections import Counter
from contextlib import suppress
from typing import Final

from sqlalchemy import func, select

from teleconsult.db import Sessions
from teleconsult.delivery.models import Channel, Delivery, DeliveryStatus
from teleconsult.directory.models import ConnectionType
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.notes.signing import Signing
from teleconsult.records.models import RecordEntry
from tests import delivery_steps, note_steps
from tests.mllp_peers import MllpPeer, accepts, mllp_peer
from tests.people import Cast
from tests.proof.signer import AT_WORK, ENDED
from tests.waiting import eventually

IS_LONG: Final = bool(os.environ.get("LONG"))
NOTES: Final = 6 if IS_LONG else 3
KILLS: Final = 10 if IS_LONG else 3


class Signer:
    """The process that is killed, begun anew each time; what it answered for, however often it died."""

    def __init__(self, told: dict[str, object]) -> None:
        self._environment = {**os.environ, "PROOF": json.dumps(told)}
        self.answered: set[str] = set()
        self._group = 0
        self._at_work, self._ended = asyncio.Event(), asyncio.Event()

    async def load(self) -> None:
        """Once: what each of them is forked from."""
        self._nursery = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.proof.signer"),
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._reading = asyncio.create_task(self._read())

    async def begin(self) -> None:
        assert self._nursery.stdin
        self._at_work.clear()
        self._ended.clear()
        self._nursery.stdin.write(b"begin\n")
        await asyncio.wait_for(self._at_work.wait(), 60)

    async def _read(self) -> None:
        assert self._nursery.stdout
        async for line in self._nursery.stdout:
            word = line.decode().strip()
            if word.startswith(AT_WORK):
                self._group = int(word.removeprefix(AT_WORK))
                self._at_work.set()
            elif word == ENDED:
                self._ended.set()
            else:
                self.answered.add(word)

    async def kill(self) -> None:
        """It, and what prints for it."""
        os.killpg(self._group, signal.SIGKILL)
        await asyncio.wait_for(self._ended.wait(), 30)

    async def leave(self) -> None:
        """Kill what is at work, and be done."""
        with suppress(ProcessLookupError):
            if self._group and not self._ended.is_set():
                os.killpg(self._group, signal.SIGKILL)
        with suppress(ProcessLookupError):
            self._nursery.kill()
        await self._nursery.wait()
        await self._reading


async def statuses(sessions: Sessions) -> Counter[tuple[Channel, DeliveryStatus]]:
    async with sessions() as session:
        found = await session.execute(
            select(Delivery.channel, Delivery.status, func.count()).group_by(Delivery.channel, Delivery.status)
        )
        return Counter({(row[0], row[1]): row[2] for row in found})


async def test_none_lost_and_none_twice(cast: Cast, signing: Signing) -> None:
    chance = random.Random()

    def slowly(control_id: str) -> list[bytes | float | None]:
        return [chance.uniform(0, 0.3), *accepts(control_id)]

    async with mllp_peer(slowly) as peer:
        await delivery_steps.endpoint(signing.sessions, cast, ConnectionType.HL7V2, peer.address)
        notes = [(await note_steps.drafted(cast, signing.sessions)).note.id for _ in range(NOTES)]
        told: dict[str, object] = {
            "database_url": signing.settings.database_url,
            "data": str(signing.settings.data),
            "secret_key": signing.settings.secret_key,
            "role": str(cast.specialist.role_id),
            "notes": list(map(str, notes)),
        }
        signer = Signer(told)

        async def is_over() -> bool:
            found = await statuses(signing.sessions)
            arrived = [found[channel, DeliveryStatus.DELIVERED] for channel in (Channel.PATIENT_FILE, Channel.HL7V2)]
            return arrived == [NOTES, NOTES]

        await signer.load()
        try:
            for _ in range(KILLS):
                await signer.begin()
                await asyncio.sleep(chance.uniform(0.0, 2.5))
                await signer.kill()
            await signer.begin()
            assert await eventually(is_over), (await statuses(signing.sessions), len(peer.taken))
        finally:
            await signer.leave()
        await _check(signing, notes, signer, peer)


async def _check(signing: Signing, notes: list[uuid.UUID], signer: Signer, peer: MllpPeer) -> None:
    async with signing.sessions() as session:
        states = {note.id: note.status for note in await session.scalars(select(Composition))}
        filed = await session.execute(
            select(RecordEntry.source_id, func.count())
            .where(RecordEntry.source_id.in_(notes))
            .group_by(RecordEntry.source_id)
        )
        entries = {row[0]: row[1] for row in filed}
        unknowns = await session.scalar(select(func.sum(Delivery.unknowns)))
    assert all(states[uuid.UUID(answered)] is CompositionStatus.FINAL for answered in signer.answered), "lost"
    assert entries == dict.fromkeys(notes, 2), "each in the file once, as its two entries"
    documents = [peer.fields(number, "TXA")[12] for number in range(len(peer.taken))]
    numbers = dict(zip(peer.control_ids(), documents, strict=True))
    assert len(numbers) == len(set(numbers.values())) == len(notes), "each under one number, by which it is known again"
    print(
        f"\n{KILLS} kills, {len(notes)} notes: {len(signer.answered)} signatures answered for, 0 lost, 0 twice; "
        f"{len(peer.taken)} messages, {len(peer.taken) - len(notes)} of them again under the same number; "
        f"{unknowns} attempts found unknown"
    )
