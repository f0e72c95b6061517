"""Every SQL statement of signing, queueing and delivering fails once: what is left is nothing, or all of it.

Statements are counted as the driver runs them, those of the job queue too. In a short run every fourth is failed, with
`LONG=1` each one.
"""

import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select, text, update

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.filing import file_owed
from teleconsult.delivery.models import Channel, Delivery, DeliveryStatus
from teleconsult.directory.models import ConnectionType
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.notes.signing import Signing
from teleconsult.records.models import RecordEntry
from tests import delivery_steps, note_steps
from tests.mllp_peers import mllp_peer
from tests.people import Cast

STEP = 1 if os.environ.get("LONG") else 4
MOST = 400
OF_DELIVERY = text("select count(*) from procrastinate_jobs where task_name = 'deliver_owed'")


class Cut(psycopg.OperationalError):
    """The line to the database is gone, as far as this statement knows."""


@contextmanager
def failing(monkeypatch: pytest.MonkeyPatch, number: int) -> Iterator[list[int]]:
    """The statement of that number fails; how many ran is in the list."""
    ran = [0]
    whole: Callable[..., Awaitable[Any]] = psycopg.AsyncCursor.execute

    async def execute(self: Any, *about: Any, **more: Any) -> Any:
        ran[0] += 1
        if ran[0] == number:
            raise Cut("cut for a test")
        return await whole(self, *about, **more)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.AsyncCursor, "execute", execute)
        yield ran


async def standing(sessions: Sessions, note: Composition) -> tuple[bool, int, int]:
    """Whether the note is signed, to how many it is owed, how many jobs carry that out."""
    async with sessions() as session:
        kept = await session.get_one(Composition, note.id)
        owed = await session.scalar(select(func.count()).where(Delivery.composition_id == note.id))
        jobs = await session.scalar(OF_DELIVERY)
    return kept.status is CompositionStatus.FINAL, owed or 0, jobs or 0


async def test_signing_is_whole_or_not_at_all(cast: Cast, signing: Signing, monkeypatch: pytest.MonkeyPatch) -> None:
    await delivery_steps.endpoint(signing.sessions, cast, ConnectionType.HL7V2, "dpi.anse.example:2575")
    drafted = await note_steps.drafted(cast, signing.sessions)
    cuts = before = 0
    for number in range(1, MOST, STEP):
        with failing(monkeypatch, number) as ran:
            try:
                await note_steps.sign(signing, cast.specialist, drafted.note)
            except Exception:
                assert ran[0] >= number, "something else failed"
        is_signed, owed, jobs = await standing(signing.sessions, drafted.note)
        assert (owed, jobs - before) == ((2, 1) if is_signed else (0, 0)), f"half a state after statement {number}"
        if ran[0] < number:
            break
        cuts += 1
        if is_signed:  # it was one that signing does without
            drafted, before = await note_steps.drafted(cast, signing.sessions), jobs
    assert is_signed, "it never came through"
    assert cuts * STEP > 30, f"only {cuts} statements were cut"
    print(f"\nsigning: {cuts} statements cut, {ran[0]} in all")


async def test_delivering_is_whole_or_not_at_all(cast: Cast, signing: Signing, monkeypatch: pytest.MonkeyPatch) -> None:
    async with mllp_peer() as peer:
        await delivery_steps.endpoint(signing.sessions, cast, ConnectionType.HL7V2, peer.address)
        signed = await note_steps.signed(cast, signing)
        cuts = 0
        for number in range(1, MOST, STEP):
            with failing(monkeypatch, number) as ran:
                try:
                    await file_owed(signing.sessions)
                    await delivery_steps.outbox(signing).run()
                except Exception:
                    assert ran[0] >= number, "something else failed"
            async with transaction(signing.sessions) as session:
                query = select(func.count()).where(RecordEntry.source_id == signed.note.id)
                entries = await session.scalar(query)
                filed = await session.scalar(select(Delivery.status).where(Delivery.channel == Channel.PATIENT_FILE))
                assert (entries, filed) in ((0, DeliveryStatus.QUEUED), (2, DeliveryStatus.DELIVERED)), number
                past = now() - timedelta(seconds=1)
                await session.execute(
                    update(Delivery).where(Delivery.status == DeliveryStatus.SENDING).values(leased_until=past)
                )
                await session.execute(update(Delivery).values(next_at=past))
            if ran[0] < number:
                break
            cuts += 1
        assert await delivery_steps.states(signing.sessions, Channel.HL7V2) == [DeliveryStatus.DELIVERED]
        assert len(set(peer.control_ids())) == 1, "under one number, however often"
        print(f"\ndelivering: {cuts} statements cut; the peer heard the one message {len(peer.taken)} times")
