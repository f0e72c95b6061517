"""Consults of the demonstration, in several states, brought there by the acts people would do."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import select

from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.stepping_up import Proof
from teleconsult.clock import now
from teleconsult.consults.answering import accept_consult
from teleconsult.consults.drafting import ConsentAnswer, Request, Shown, save_draft, start_draft
from teleconsult.consults.models import RequestPriority, ServiceRequest
from teleconsult.consults.requesting import submit_request
from teleconsult.consults.triage import receive_request
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.actions import acknowledge_note, deliver_note
from teleconsult.delivery.models import Delivery
from teleconsult.demo.images import Images
from teleconsult.demo.people import PASSWORD, Cast
from teleconsult.directory.models import Specialty
from teleconsult.excerpts.choosing import choosable_entries, suggestion_for
from teleconsult.notes.drafting import open_note
from teleconsult.notes.drafting import save_draft as save_note
from teleconsult.notes.signing import Signing, show_to_sign, sign_note
from teleconsult.patients.models import Patient
from teleconsult.scheduling.booking import book_appointment, propose_time

_TOLD: Final = files("teleconsult.demo") / "consults.json"
NEWEST: Final = 12
"""How many of the newest entries are shared beside what usually is."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: of whom, to which service, how urgent, the question; with images where `study` names some."""

    chart: str
    specialty: Specialty
    priority: RequestPriority
    question: str
    consent: ConsentAnswer
    study: str = ""


def asked_in(told: Mapping[str, Any]) -> Asked:
    """A request as `consults.json` tells it."""
    return Asked(
        chart=told["chart"],
        specialty=Specialty(told["specialty"]),
        priority=RequestPriority(told["priority"]),
        question=told["question"],
        consent=ConsentAnswer.parse({"given": True, **told.get("consent", {})}),
        study=told.get("study", ""),
    )


class Consults:
    """Brings requests of the rural doctor to their states; each act commits in its own transaction."""

    def __init__(self, signing: Signing, cast: Cast, patients: dict[str, Patient], images: Images) -> None:
        self._signing, self._cast, self._patients, self._images = signing, cast, patients, images
        self._doctor = cast.actors["rural"]

    async def add(self) -> None:
        """All of them: a draft, some waiting, one with a proposed time, one booked, one answered and acknowledged."""
        told: dict[str, Any] = json.loads(_TOLD.read_text(encoding="utf-8"))
        await self._drafted(asked_in(told["drafted"]))
        await self._answered(asked_in(told["answered"]), told["answered"]["note"])
        for waiting in told["waiting"]:
            await self._submitted(asked_in(waiting))
        await self._proposed(asked_in(told["proposed"]))
        await self._booked(asked_in(told["booked"]))

    async def _drafted(self, asked: Asked) -> None:
        patient = self._patients[asked.chart]
        async with transaction(self._sessions, SYSTEM) as session:
            draft = await start_draft(session, self._doctor, patient_id=patient.id)
            request = self._request(asked, given=False)
            await save_draft(
                session, self._doctor, consult_id=draft.id, version=None, request=request, shown=Shown(is_wanted=True)
            )

    async def _submitted(self, asked: Asked) -> ServiceRequest:
        patient = self._patients[asked.chart]
        async with transaction(self._sessions, SYSTEM) as session:
            draft = await start_draft(session, self._doctor, patient_id=patient.id)
        if asked.study:
            await self._images.bring(self._doctor, consult_id=draft.id, patient=patient, study=asked.study)
        async with transaction(self._sessions, SYSTEM) as session:
            usual = await suggestion_for(session, self._doctor, patient_id=patient.id, specialty=asked.specialty)
            newest = (await choosable_entries(session, self._doctor, patient_id=patient.id)).others[:NEWEST]
            entries = dict.fromkeys((*usual, *(entry.id for entry in newest)))
            request = self._request(asked, entries=tuple(entries))
            return await submit_request(session, self._doctor, consult_id=draft.id, request=request)

    async def _proposed(self, asked: Asked) -> None:
        consult = await self._submitted(asked)
        await self._propose(consult, hour=10)

    async def _booked(self, asked: Asked) -> None:
        consult = await self._submitted(asked)
        await self._propose(consult, hour=14)
        async with transaction(self._sessions, SYSTEM) as session:
            await accept_consult(session, self._cast.actors["specialist"], consult_id=consult.id)
        async with transaction(self._sessions, SYSTEM) as session:
            await book_appointment(session, self._cast.actors["coordinator"], consult_id=consult.id)

    async def _answered(self, asked: Asked, sections: Mapping[str, str]) -> None:
        consult, author = await self._submitted(asked), self._cast.actors["specialist"]
        async with transaction(self._sessions, SYSTEM) as session:
            await accept_consult(session, author, consult_id=consult.id)
        async with transaction(self._sessions, SYSTEM) as session:
            note = await open_note(session, author, consult_id=consult.id)
            note = await save_note(session, author, note_id=note.id, version=note.version, sections=sections)
        shown = await show_to_sign(self._signing, author, note_id=note.id)
        await sign_note(
            self._signing,
            author,
            note_id=note.id,
            version=note.version,
            proof=Proof(password=PASSWORD),
            address="127.0.0.1",
            shown=shown.digest,
        )
        await self._deliver(note.id)
        async with transaction(self._sessions, SYSTEM) as session:
            await acknowledge_note(session, self._doctor, consult_id=consult.id)

    async def _deliver(self, note_id: uuid.UUID) -> None:
        """What the worker does with the job; its own run then finds nothing left to do."""
        async with transaction(self._sessions, SYSTEM) as session:
            delivery_id = await session.scalar(select(Delivery.id).where(Delivery.composition_id == note_id))
            assert delivery_id is not None  # queued with the signature
            await deliver_note(session, SYSTEM, delivery_id=delivery_id)

    async def _propose(self, consult: ServiceRequest, *, hour: int) -> None:
        """The next day that is no weekend, at that hour of the coordinator's."""
        coordinator = self._cast.actors["coordinator"]
        starts_at = _next_working_day(now().astimezone(ZoneInfo(coordinator.time_zone)), hour)
        async with transaction(self._sessions, SYSTEM) as session:
            await receive_request(session, coordinator, consult_id=consult.id)
            await propose_time(session, coordinator, consult_id=consult.id, starts_at=starts_at)

    def _request(self, asked: Asked, entries: tuple[uuid.UUID, ...] = (), *, given: bool = True) -> Request:
        return Request(
            service_id=self._cast.services[asked.specialty].id,
            priority=asked.priority,
            question=asked.question,
            entries=entries,
            consent=replace(asked.consent, given=given),
        )

    @property
    def _sessions(self) -> Sessions:
        return self._signing.sessions


def _next_working_day(moment: datetime, hour: int) -> datetime:
    day = moment + timedelta(days=1)
    while day.isoweekday() > 5:
        day += timedelta(days=1)
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)
