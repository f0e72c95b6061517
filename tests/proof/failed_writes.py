"""Every SQL statement and every write to the disk of each act fails once: what is left is nothing, or all of it.

`python -m tests.proof.failed_writes`: images brought at once and in parts, a time booked, a note signed, delivered, and
signed by one more.
Statements are counted as the driver runs them, those of the job queue too; writes as the system is asked for them.
"""

import asyncio
import logging
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import func, select, update

from migrations import migrate
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import transaction
from teleconsult.delivery.models import Channel, Delivery, DeliveryStatus
from teleconsult.embedded import embedded_postgresql
from teleconsult.encounters.models import Encounter
from teleconsult.imaging.models import ImagingInstance
from teleconsult.imaging.receiving import Receiver
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.notes.co_signing_models import NoteCoSignature
from teleconsult.notes.evidence import current_pdf
from teleconsult.notes.evidence_models import NoteEvidence
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.records.models import RecordEntry
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from tests.mllp_peers import mllp_peer
from tests.proof.acts import Acts, Case
from tests.proof.failing import Kind, failing
from tests.proof.figures import Bound, Figure, run, side_by_side
from tests.proof.place import Place, co_signature_asked, place
from tests.signaling.conftest import cookie_of
from tests.web.resumable.tus import Tus
from web.app import make_app

IN_PARTS: Final = "upload in parts"
SECONDS: Final = {
    "bring": (40.0, 600.0),
    IN_PARTS: (45.0, 600.0),
    "book": (45.0, 600.0),
    "sign": (75.0, 600.0),
    "deliver": (330.0, 1800.0),
    "sign too": (75.0, 600.0),
}
"""For the statements of an act, and again for its writes."""
SIDE_BY_SIDE: Final = (("deliver",), ("bring", IN_PARTS, "book", "sign", "sign too"))
"""In two places: each of the many statements of a delivery needs a note of its own."""
MOST: Final = 400
ASKED_AGAIN: Final = 30
"""Times, a second apart: the server asks its database once a second, and says 503 for a while where that was cut."""
NONE: Final = 1_000_000
"""Of a number that no act reaches."""
FEWEST: Final = {Kind.STATEMENT: 8, Kind.WRITE: 1}
"""Fewer than that of an act, and what counts them is broken; but for what writes no file."""

State = Callable[[Case], Awaitable[tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class Cut:
    """An act, and what stands of it: only ever `nothing` or `whole`."""

    name: str
    act: Callable[[Case], Awaitable[object]]
    state: State
    nothing: tuple[int, ...]
    whole: tuple[int, ...]


class Standing:
    """What the database and the object store have of a case."""

    def __init__(self, where: Place) -> None:
        self._sessions, self._objects = where.sessions, where.signing.objects

    async def _count(self, table: "object", *conditions: "object") -> int:
        async with self._sessions() as session:
            query = select(func.count()).select_from(table).where(*conditions)  # type: ignore[arg-type]
            return int(await session.scalar(query) or 0)

    async def _audited(self, action: str, about: uuid.UUID) -> int:
        return await self._count(AuditEvent, AuditEvent.action == action, AuditEvent.entity_id == about)

    async def signed(self, case: Case) -> tuple[int, ...]:
        """Final, to how many it is owed, its evidence, its audit, its PDF whole."""
        async with self._sessions() as session:
            note = await session.get_one(Composition, case.note_id)
        is_final = note.status is CompositionStatus.FINAL
        is_kept = is_final and await self._objects.size_of(note.pdf_object_key or "")
        return (
            int(is_final),
            await self._count(Delivery, Delivery.composition_id == case.note_id),
            await self._count(NoteEvidence, NoteEvidence.composition_id == case.note_id),
            await self._audited("note-signed", case.note_id),
            int(bool(is_kept)),
        )

    async def co_signed(self, case: Case) -> tuple[int, ...]:
        """The other's signature, the revision that holds it, its audit, its bytes."""
        async with self._sessions() as session:
            note = await session.get_one(Composition, case.note_id)
            newest = await current_pdf(session, note)
        return (
            await self._count(
                NoteCoSignature, NoteCoSignature.composition_id == case.note_id, NoteCoSignature.jws.is_not(None)
            ),
            await self._count(NoteEvidence, NoteEvidence.composition_id == case.note_id),
            await self._audited("note-co-signed", case.note_id),
            int(await self._objects.size_of(newest.object_key) == newest.size),
        )

    async def booked(self, case: Case) -> tuple[int, ...]:
        """Booked, its room, its audit."""
        is_booked = Appointment.status == AppointmentStatus.BOOKED
        return (
            await self._count(Appointment, Appointment.service_request_id == case.consult_id, is_booked),
            await self._count(Encounter, Encounter.service_request_id == case.consult_id),
            await self._audited("consult-booked", case.consult_id),
        )

    async def filed(self, case: Case) -> tuple[int, ...]:
        """In the patient's file, and no more owed to it."""
        mine = Delivery.composition_id == case.note_id, Delivery.channel == Channel.PATIENT_FILE
        return (
            await self._count(RecordEntry, RecordEntry.source_id == case.note_id),
            await self._count(Delivery, *mine, Delivery.status == DeliveryStatus.DELIVERED),
        )

    async def brought(self, case: Case) -> tuple[int, ...]:
        """The image, and its bytes."""
        async with self._sessions() as session:
            mine = ImagingInstance.sop_instance_uid == case.sop_instance_uid
            found = list(await session.scalars(select(ImagingInstance).where(mine)))
        kept = [one for one in found if await self._objects.size_of(one.object_key) == one.size]
        return len(found), len(kept)


async def due_again(where: Place) -> None:
    """As when time has passed: who died over a delivery is found, and what waits is due."""
    async with transaction(where.sessions) as session:
        past = now() - timedelta(seconds=1)
        sending = Delivery.status == DeliveryStatus.SENDING
        await session.execute(update(Delivery).where(sending).values(leased_until=past))
        await session.execute(update(Delivery).values(next_at=past))


@asynccontextmanager
async def acts_to_cut(folder: Path) -> AsyncIterator[tuple[Place, Acts, list[Cut]]]:
    """An installation, and each act of it: done once, so that what loads and compiles is over."""
    with embedded_postgresql(folder) as urls:
        migrate(urls.owner)
        sandbox = Sandbox(workers=1)
        async with mllp_peer() as peer, place(urls, folder / "data", peer) as where:
            app = make_app(where.settings)
            async with TestClient(TestServer(app)) as client:
                cookie = await cookie_of(where.sessions, where.settings, where.cast.rural)
                client.session.cookie_jar.update_cookies({"session": cookie}, client.make_url("/"))
                receiver = Receiver(
                    sessions=where.sessions, objects=where.signing.objects, sandbox=sandbox, file_limit=10_000_000
                )
                acts = Acts(where.signing, receiver, where.actors)
                cuts = _cuts(where, acts, client)
                try:
                    await _each_once(where, cuts)
                    yield where, acts, cuts
                finally:
                    await sandbox.close()


async def prove(folder: Path, names: Sequence[str]) -> list[Figure]:
    """Each of these acts, cut at each of its statements and at each of its writes."""
    async with acts_to_cut(folder) as (where, _acts, cuts):
        named = [one for one in cuts if one.name in names]
        tried = [(one, kind) for one in named for kind in Kind if (one.name, kind) != NEVER]
        return [await _cut(where, one, kind, Bound(*SECONDS[one.name])) for one, kind in tried]


def _cuts(where: Place, acts: Acts, client: "object") -> list[Cut]:
    standing = Standing(where)
    begun: dict[uuid.UUID, str] = {}

    async def in_parts(case: Case) -> None:
        """As a browser does over a bad line: where it stopped, it goes on."""
        tus = Tus(client, where.settings, case.consult_id)  # type: ignore[arg-type]
        content = case.image.read_bytes()
        middle = len(content) // 2
        if case.consult_id not in begun:
            answer = await tus.begin(len(content), data=content[:middle])
            answer.raise_for_status()
            begun[case.consult_id] = answer.headers["Location"]
        path = begun[case.consult_id]
        at = await tus.offset(path)
        if at < len(content):
            (await tus.add(path, at, content[at:])).raise_for_status()
        (await tus.ask("POST", f"{path}/reception")).raise_for_status()

    return [
        Cut("bring", acts.bring, standing.brought, (0, 0), (1, 1)),
        Cut(IN_PARTS, in_parts, standing.brought, (0, 0), (1, 1)),
        Cut("book", acts.book, standing.booked, (0, 0, 0), (1, 1, 1)),
        Cut("sign", acts.sign, standing.signed, (0, 0, 0, 0, 0), (1, 2, 1, 1, 1)),
        Cut("deliver", Delivering(where, acts), standing.filed, (0, 0), (2, 1)),
        Cut("sign too", _CoSigning(where, acts), standing.co_signed, (0, 1, 0, 1), (1, 2, 1, 1)),
    ]


NEVER: Final = ("book", Kind.WRITE)
"""Booking writes no file."""
NEVER_YET: Final = ("deliver", Kind.WRITE)
"""Delivering writes none either, but reads: its writes are looked for, and none is expected."""


async def _each_once(where: Place, cuts: list[Cut]) -> None:
    for one in cuts:
        case = await where.next_case()
        await one.act(case)
        assert await one.state(case) == one.whole, (one.name, await one.state(case))


class Delivering:
    """A note that is signed first, outside of what is cut."""

    def __init__(self, where: Place, acts: Acts) -> None:
        self._where, self._acts = where, acts

    async def prepare(self, case: Case) -> None:
        """Up to where it begins."""
        await self._acts.sign(case)

    async def __call__(self, case: Case) -> None:
        await self.prepare(case)
        await due_again(self._where)
        await self._acts.deliver()


class _CoSigning(Delivering):
    """One that somebody else is asked to sign too, outside of what is cut."""

    async def prepare(self, case: Case) -> None:
        await super().prepare(case)
        await co_signature_asked(self._where, case)

    async def __call__(self, case: Case) -> None:
        await self.prepare(case)
        await self._acts.co_sign(case)


async def counted(where: Place, one: Cut, kind: Kind) -> int:
    """How many of them the act takes where none of them fails."""
    case = await prepared(where, one)
    with failing(kind, NONE) as counting:
        await one.act(case)
    return counting.ran


async def prepared(where: Place, one: Cut) -> Case:
    """A case that the act is next for."""
    case = await where.next_case()
    if isinstance(one.act, Delivering):
        await one.act.prepare(case)
    return case


async def _cut(where: Place, one: Cut, kind: Kind, bound: Bound) -> Figure:
    figure = Figure(f"{one.name}: every one of its {kind.value} failed once", 0, "failed")
    figure.wanted = await counted(where, one, kind)
    case = await where.next_case()
    for number in range(1, MOST):
        if isinstance(one.act, Delivering):
            await one.act.prepare(case)
        for _again in range(ASKED_AGAIN):
            with failing(kind, number) as cutting:
                (error,) = await asyncio.gather(one.act(case), return_exceptions=True)
            if cutting.came or not isinstance(error, Exception):
                break
            await asyncio.sleep(1)
        else:
            figure.fault(f"without being cut: {type(error).__name__}: {error}"[:300])
        state = await one.state(case)
        if state not in (one.nothing, one.whole):
            figure.fault(f"half a state after {kind.value} {number}: {state}")
        if not cutting.came:
            figure.wanted = figure.tried
            if (one.name, kind) == NEVER_YET and not figure.tried:
                figure.skipped = "it writes no file"
            elif figure.tried < FEWEST[kind]:
                figure.fault(f"only {figure.tried} were counted")
            if state != one.whole:
                figure.fault("it never came through")
            break
        figure.tried += 1
        figure.wanted = max(figure.wanted, number)
        if bound.is_over:
            figure.found["time"] = "over"
            break
        if state != one.nothing:  # it was one that the act does without: the next one is cut in a new case
            case = await where.next_case()
    return figure


def prove_these(names: Sequence[str]) -> list[Figure]:
    """In a place of their own."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # each cut is a fault
    with tempfile.TemporaryDirectory(prefix="teleconsult-proof-") as folder:
        return asyncio.run(prove(Path(folder), names))


def main() -> list[Figure]:
    """The figures of one run."""
    return side_by_side(prove_these, SIDE_BY_SIDE)


if __name__ == "__main__":
    run(main)
