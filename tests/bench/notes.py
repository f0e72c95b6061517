"""Notes signed a second: two processes, four doctors each. `python -m tests.bench.notes`

Each note was shown to its author, so it is printed already. A signature is all of it: the password once more, PAdES
B-B over the shown PDF, the FHIR document's own signature, everything frozen, evidence owed and deliveries queued in
one commit. Then the evidence, one note after the other, against an authority on this machine (B-LTA).
"""

import asyncio
import contextlib
import multiprocessing
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Final

from migrations import migrate
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.stepping_up import Proof
from teleconsult.clock import now
from teleconsult.db import make_engine, make_sessions, transaction
from teleconsult.documents.press import Press
from teleconsult.embedded import embedded_postgresql
from teleconsult.errors import Unavailable
from teleconsult.notes.authority import keep_address
from teleconsult.notes.completing import complete_evidence
from teleconsult.notes.composing import compose
from teleconsult.notes.showing import show_rendering
from teleconsult.notes.signing import Signing, sign_note, verify_address
from teleconsult.objects import Objects, open_store
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings, load_settings
from tests import note_steps
from tests.hasty import hasty_engine
from tests.people import PASSWORD, make_cast

APART: Final = multiprocessing.get_context("spawn")
"""What was forked would wait for ever for the object store's threads, which stay with who began them."""
PROCESSES: Final = 2
AT_ONCE: Final = 4
NOTES: Final = 120
"""For each process."""
UNCOUNTED: Final = 48
"""Of these, the first: a new connection plans each question ten times before it keeps a plan, and libraries load."""
WITH_EVIDENCE: Final = 12
PORT: Final = 8199
LONGEST: Final = 300
"""Seconds until it is given up, for the notes to be written and then for them to be signed."""


@dataclass(frozen=True, slots=True)
class Due:
    """A note that waits for its signature."""

    author: Actor
    note_id: uuid.UUID
    version: int
    shown: str


def main() -> None:
    """Print one line a measure."""
    with tempfile.TemporaryDirectory(prefix="teleconsult-bench-") as folder, embedded_postgresql(Path(folder)) as urls:
        migrate(urls.owner)
        address = f"http://127.0.0.1:{PORT}"
        settings = load_settings(
            data=Path(folder) / "data", database_url=urls.app, timestamp_urls=f"{address}/time-stamp"
        )
        keep_address(settings.data, address)
        due = asyncio.run(_prepared(settings))
        shares = [due[first::PROCESSES] for first in range(PROCESSES)]
        start, told = APART.Barrier(PROCESSES), APART.Queue()
        began = [APART.Process(target=_sign_all, args=(settings, share, start, told), daemon=True) for share in shares]
        for process in began:
            process.start()
        results = [told.get(timeout=LONGEST) for _ in began]
        for process in began:
            process.join()
        waits = sorted(wait for _, _, found in results for wait in found)
        seconds = max(took for took, _, _ in results)
        worked = sum(worked for _, worked, _ in results) / len(waits)
        print(
            f"notes signed (B-B, queued): {len(waits) / seconds:.1f} a second in {PROCESSES} processes,"
            f" half within {waits[len(waits) // 2] * 1000:.0f} ms, 99 of 100 within"
            f" {waits[int(len(waits) * 0.99)] * 1000:.0f} ms, {worked * 1000:.0f} ms of processor a note",
            flush=True,
        )
        authority = APART.Process(target=_answer, args=(settings,), daemon=True)
        authority.start()
        print(f"evidence (B-LTA, checked): {asyncio.run(_evidence(settings, due)):.2f} s a note, one at a time")
        authority.terminate()
        authority.join()


async def _prepared(settings: Settings) -> list[Due]:
    """Doctors with a certificate each, and notes that they were shown, one of each doctor after the other."""
    engine = hasty_engine(settings.database_url or "")
    sessions = make_sessions(engine, acting="system")
    signing = _signing(settings, sessions)
    await _warm(signing.press)

    async def prepare() -> list[Due]:
        due = []
        async with transaction(sessions) as session:
            cast = await make_cast(session)
        await note_steps.enrol(sessions, settings, cast.specialist)
        for _ in range(NOTES // AT_ONCE):
            note = (await note_steps.drafted(cast, sessions)).note
            async with transaction(sessions) as session:
                content = await compose(session, note, at=now(), verify_at=verify_address(settings))
            shown = await show_rendering(signing, cast.specialist, content)
            due.append(Due(cast.specialist, note.id, note.version, shown.digest))
        return due

    began = time.monotonic()
    async with asyncio.timeout(LONGEST):
        of_each = await asyncio.gather(*(prepare() for _ in range(PROCESSES * AT_ONCE)))
    due = [one for turn in zip(*of_each, strict=True) for one in turn]
    print(f"{len(due)} notes written and shown in {time.monotonic() - began:.0f} s", flush=True)
    signing.press.close()
    await engine.dispose()
    return due


async def _warm(press: Press) -> None:
    """A machine that is busy may take longer than a person would wait."""
    for _ in range(5):
        with contextlib.suppress(Unavailable):
            return await press.answer()
    return None


def _signing(settings: Settings, sessions: "object") -> Signing:
    objects = Objects(open_store(None, settings.data))
    return Signing(sessions, settings, objects, Sealer(settings.secret_key), Press())  # type: ignore[arg-type]


def _sign_all(
    settings: Settings,
    due: list[Due],
    start: Barrier,
    told: "multiprocessing.Queue[tuple[float, float, list[float]]]",
) -> None:
    told.put(asyncio.run(_signed(settings, due, start)))


async def _signed(settings: Settings, due: list[Due], start: Barrier) -> tuple[float, float, list[float]]:
    engine = make_engine(settings.database_url or "")
    signing, waits, left = _signing(settings, make_sessions(engine)), [], list(due)

    async def sign(one: Due) -> None:
        began = time.monotonic()
        await sign_note(
            signing,
            one.author,
            note_id=one.note_id,
            version=one.version,
            proof=Proof(password=PASSWORD),
            address="192.0.2.1",
            shown=one.shown,
        )
        waits.append(time.monotonic() - began)

    async def hand(until: int) -> None:
        while len(left) > until:
            await sign(left.pop())

    await asyncio.gather(*(hand(NOTES - UNCOUNTED) for _ in range(AT_ONCE)))
    waits.clear()
    await asyncio.to_thread(start.wait)
    began, worked = time.monotonic(), time.process_time()
    await asyncio.gather(*(hand(0) for _ in range(AT_ONCE)))
    took, worked = time.monotonic() - began, time.process_time() - worked
    await engine.dispose()
    return took, worked, waits


async def _evidence(settings: Settings, due: list[Due]) -> float:
    """Seconds a note."""
    engine = make_engine(settings.database_url or "")
    sessions, objects = make_sessions(engine), Objects(open_store(None, settings.data))
    await asyncio.sleep(3)  # the authority starts
    began = time.monotonic()
    for one in due[:WITH_EVIDENCE]:
        await complete_evidence(sessions, settings, objects, note_id=one.note_id)
    took = (time.monotonic() - began) / WITH_EVIDENCE
    await engine.dispose()
    return took


def _answer(settings: Settings) -> None:
    from web.authority_service import answer

    sys.exit(answer(settings))


if __name__ == "__main__":
    main()
