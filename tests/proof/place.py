"""An installation to be killed: its cast, cases made ready while others are at work, and what must hold afterwards."""

import asyncio
import hashlib
import multiprocessing
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from pydicom.uid import generate_uid
from sqlalchemy import func, select

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, make_sessions, transaction
from teleconsult.delivery.models import Channel, Delivery, DeliveryStatus
from teleconsult.directory.models import ConnectionType
from teleconsult.documents import pdf, press
from teleconsult.documents.press import Press
from teleconsult.embedded import DatabaseUrls
from teleconsult.encounters.models import Encounter
from teleconsult.imaging.models import ImagingInstance
from teleconsult.notes.co_signing_models import NoteCoSignature
from teleconsult.notes.composing import compose
from teleconsult.notes.evidence_models import NoteEvidence
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.notes.showing import show_rendering
from teleconsult.notes.signing import Signing, verify_address
from teleconsult.objects import Objects, open_store
from teleconsult.records.models import RecordEntry
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings, load_settings
from tests import consult_steps, delivery_steps, note_steps
from tests.hasty import hasty_engine
from tests.mllp_peers import MllpPeer
from tests.people import SECRET, Cast, make_cast
from tests.proof.acts import Actors, Case
from tests.proof.figures import Figure
from tests.stow_steps import slice_of
from tests.waiting import eventually

LOADED: Final = pdf
"""The process that prints is a fork: what loads for seconds is loaded once."""
AHEAD: Final = 8
"""Cases that lie ready."""
PATIENCE: Final = 240.0
"""Seconds one waits for a case."""
APART: Final = timedelta(minutes=30)
BOOKED: Final = (AppointmentStatus.BOOKED, AppointmentStatus.FULFILLED, AppointmentStatus.CANCELLED)
"""A signature ends what was booked: fulfilled where the session took place, else cancelled."""


class Place:
    """One installation, and what was made for it."""

    _making: asyncio.Task[None] | None

    def __init__(self, settings: Settings, sessions: Sessions, cast: Cast) -> None:
        self.settings, self.sessions, self.cast = settings, sessions, cast
        self.signing = Signing(
            sessions, settings, Objects(open_store(None, settings.data)), Sealer(settings.secret_key), Press()
        )
        self.cases: list[Case] = []
        self._ready: asyncio.Queue[Case] = asyncio.Queue(AHEAD)
        self._number, self._making = 0, None
        self._first = now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)

    @property
    def actors(self) -> Actors:
        """Who acts in each case."""
        return Actors(self.cast.rural, self.cast.coordinator, self.cast.specialist, self.cast.oncall)

    async def case(self) -> Case:
        """One nobody had before. Raises what went wrong in the making."""
        getting = asyncio.create_task(self._ready.get())
        waits = {getting, self._making} if self._making else {getting}
        await asyncio.wait(waits, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if not getting.done() and self._making:
            self._making.cancel()
            await self._making
        case = await getting
        self.cases.append(case)
        return case

    @asynccontextmanager
    async def making(self) -> AsyncIterator[None]:
        """Inside the block cases are made beside whatever else is done, so that who kills never waits."""
        self._making = asyncio.create_task(self._keep_making())
        try:
            yield
        finally:
            self._making.cancel()

    async def _keep_making(self) -> None:
        while True:
            await self._ready.put(await self._made())

    async def next_case(self) -> Case:
        """One that is made now, where nobody makes them beside."""
        self.cases.append(await self._made())
        return self.cases[-1]

    async def _made(self) -> Case:
        self._number += 1
        starts_at = self._first + self._number * APART
        drafted = await note_steps.drafted(self.cast, self.sessions)
        async with transaction(self.sessions) as session:
            content = await compose(session, drafted.note, at=now(), verify_at=verify_address(self.settings))
        shown = await show_rendering(self.signing, self.cast.specialist, content)
        uid = generate_uid()
        image = self.settings.data / "coming" / uid
        image.parent.mkdir(exist_ok=True)
        image.write_bytes(slice_of(self.cast, SOPInstanceUID=uid))
        other = await consult_steps.accepted(self.cast, self.sessions)
        return Case(other.id, drafted.note.id, drafted.note.version, shown.digest, image, uid, starts_at=starts_at)


@asynccontextmanager
async def place(urls: DatabaseUrls, data: Path, peer: MllpPeer) -> AsyncIterator[Place]:
    """One over a database that was migrated; what it signs is owed to `peer`, too."""
    settings = load_settings(data=data, database_url=urls.app, secret_key=SECRET)
    data.mkdir(parents=True, exist_ok=True)
    press.get_context = lambda _way: multiprocessing.get_context("fork")  # type: ignore[attr-defined,assignment]
    engine = hasty_engine(urls.app)
    sessions = make_sessions(engine, acting="system")
    async with transaction(sessions) as session:
        cast = await make_cast(session)
    for who in (cast.specialist, cast.oncall):
        await note_steps.enrol(sessions, settings, who)
    await delivery_steps.endpoint(sessions, cast, ConnectionType.HL7V2, peer.address)
    made = Place(settings, sessions, cast)
    try:
        yield made
    finally:
        made.signing.press.close()
        await engine.dispose()


async def co_signature_asked(where: Place, case: Case) -> None:
    """As after a team meeting: its other member is asked to sign the conclusion, once."""
    sessions, cast = where.sessions, where.cast
    assert cast.oncall.role_id and cast.specialist.role_id
    async with transaction(sessions) as session:
        if await session.scalar(select(func.count()).where(NoteCoSignature.composition_id == case.note_id)):
            return
        session.add(
            NoteCoSignature(
                id=uuid.uuid4(),
                composition_id=case.note_id,
                practitioner_role_id=cast.oncall.role_id,
                name="Dr Paul Girard",
                meeting_title="Stroke board",
                asked_by_id=cast.specialist.role_id,
                asked_at=now(),
            )
        )


async def in_the_end(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    """Whether it comes true within five minutes: a machine that others use is slow, and what is lost never comes."""
    for _ in range(10):
        if await eventually(condition):
            return True
    return False


async def is_delivered(place: Place) -> bool:
    """Whether every case's note has arrived wherever it is owed."""
    async with place.sessions() as session:
        query = select(func.count()).where(
            Delivery.status == DeliveryStatus.DELIVERED, Delivery.channel.in_((Channel.PATIENT_FILE, Channel.HL7V2))
        )
        return await session.scalar(query) == 2 * len(place.cases)


async def look(place: Place, answered: set[tuple[str, uuid.UUID]], peer: MllpPeer, figure: Figure) -> None:
    """Everything that was answered for is there, once and whole; what was not is there whole, or not at all."""
    signed = [case for case in place.cases if ("sign", case.note_id) in answered]
    await _look_at_notes(place, {case.note_id for case in signed}, figure)
    await _look_at_times(place, answered, figure)
    await _look_at_images(place, answered, figure)
    numbers = [(peer.fields(one, "MSH")[9], peer.fields(one, "TXA")[12]) for one in range(len(peer.taken))]
    heard = Counter(document for _number, document in set(numbers))
    for document, times in heard.items():
        if times > 1:
            figure.fault(f"document {document} was sent under {times} numbers")
    if len(heard) < len(signed):
        figure.fault(f"{len(signed) - len(heard)} signed notes never reached the peer")
    figure.found |= {
        "signed": len(signed),
        "booked": sum(verb == "book" for verb, _ in answered),
        "images": sum(verb == "bring" for verb, _ in answered),
        "sent again under the same number": len(numbers) - len(heard),
    }


async def _look_at_notes(place: Place, signed: set[uuid.UUID], figure: Figure) -> None:
    async with place.sessions() as session:
        notes = {note.id: note for note in await session.scalars(select(Composition))}
        entries = await _counts(place, RecordEntry.source_id)
        owed = await _counts(place, Delivery.composition_id)
        evidence = await _counts(place, NoteEvidence.composition_id)
        acts = await _audited(place, "note-signed")
    for case in place.cases:
        note = notes[case.note_id]
        is_final = note.status is CompositionStatus.FINAL
        if case.note_id in signed and not is_final:
            figure.fault(f"lost: the signature of {note.id}")
        found = owed[note.id], evidence[note.id] > 0, acts[note.id], entries[note.id]
        if found != ((2, True, 1, 2) if is_final else (0, False, 0, 0)):
            figure.fault(f"half done or twice: {note.id} {note.status}: owed, evidence, audited, filed {found}")
        if is_final:
            for key, digest in ((note.pdf_object_key, note.pdf_sha256), (note.bundle_object_key, note.bundle_sha256)):
                if hashlib.sha256(await place.signing.objects.get(key or "")).digest() != digest:
                    figure.fault(f"not the bytes that were signed: {key}")


async def _look_at_times(place: Place, answered: set[tuple[str, uuid.UUID]], figure: Figure) -> None:
    async with place.sessions() as session:
        appointments = {one.service_request_id: one for one in await session.scalars(select(Appointment))}
    rooms = await _counts(place, Encounter.service_request_id)
    booked = await _audited(place, "consult-booked")
    for case in place.cases:
        appointment = appointments.get(case.consult_id)
        times = booked[case.consult_id], rooms[case.consult_id]
        if ("book", case.note_id) in answered and (appointment is None or appointment.status not in BOOKED):
            figure.fault(f"lost: the booking of {case.consult_id}")
        if times not in ((0, 0), (1, 1)) or (("book", case.note_id) in answered and times != (1, 1)):
            figure.fault(f"half done or twice: booked, rooms of {case.consult_id} {times}")


async def _look_at_images(place: Place, answered: set[tuple[str, uuid.UUID]], figure: Figure) -> None:
    async with place.sessions() as session:
        found = list(await session.scalars(select(ImagingInstance)))
    times = Counter(one.sop_instance_uid for one in found)
    for case in place.cases:
        number = times[case.sop_instance_uid]
        if number > 1 or (("bring", case.note_id) in answered and not number):
            figure.fault(f"lost or twice: the image {case.sop_instance_uid} is here {number} times")
    named = set()
    for one in found:
        named.add(one.object_key)
        if hashlib.sha256(await place.signing.objects.get(one.object_key)).digest() != one.sha256:
            figure.fault(f"not the bytes that came: {one.object_key}")
    kept = [path for path in (place.settings.data / "objects" / "dicom").rglob("*") if path.is_file()]
    figure.found["objects that nothing names"] = len(kept) - len(named)


async def _counts(place: Place, column: "object") -> Counter[uuid.UUID]:
    async with place.sessions() as session:
        rows = await session.execute(select(column, func.count()).group_by(column))  # type: ignore[call-overload]
        return Counter({row[0]: row[1] for row in rows})


async def _audited(place: Place, action: str) -> Counter[uuid.UUID]:
    async with place.sessions() as session:
        rows = await session.execute(select(AuditEvent.entity_id).where(AuditEvent.action == action))
        return Counter(row[0] for row in rows)
