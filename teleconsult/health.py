"""How every part of an installation is: asked by `teleconsult doctor` and by the network's console. Numbers only."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import func, select, text

from teleconsult.accounts.actor import SYSTEM
from teleconsult.audit.checkpoints import days_in, folder_of
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, is_answering, transaction
from teleconsult.delivery.secure_mail import connected_to
from teleconsult.documents.press import Press
from teleconsult.imaging.dimse.pdus import Kind, released
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.messages.mail import SMTPS_PORT, SUBMISSION_PORT
from teleconsult.notes.completing import given_up
from teleconsult.objects import Objects, new_key
from teleconsult.settings import Settings
from teleconsult.stored.scrubbing import read_round

PATIENCE: Final = 10
"""Seconds a part may take to answer."""
SILENT_WORKER: Final = timedelta(seconds=90)
LATE_JOB: Final = timedelta(minutes=5)
LATE_CHECKPOINT: Final = timedelta(minutes=5)
LITTLE_ROOM, NO_ROOM = 0.15, 0.05
"""Of the disk: where somebody should look, and where files begin to be refused."""

QUEUE: Final = text(
    """
    select count(*) filter (where status in ('todo', 'doing')) as waiting,
      count(*) filter (where status = 'failed') as failed,
      min(deferred.at) filter (where status = 'todo' and coalesce(scheduled_at, now()) <= now()) as oldest
    from procrastinate_jobs job
      left join procrastinate_events deferred on deferred.job_id = job.id and deferred.type = 'deferred'
    """
)
HEARTBEATS: Final = text("select max(last_heartbeat) as last, count(*) as workers from procrastinate_workers")


class Part(StrEnum):
    """What an installation consists of."""

    DATABASE = "database"
    QUEUE = "queue"
    WORKER = "worker"
    OBJECTS = "objects"
    MAIL = "mail"
    SECURE_MAIL = "secure-mail"
    PRESS = "press"
    SANDBOX = "sandbox"
    DIMSE = "dimse"
    AUDIT = "audit"
    DISK = "disk"
    EVIDENCE = "evidence"
    STORED = "stored"


class State(StrEnum):
    """How a part is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Reading:
    """One part, how it is, and what was measured; `values` are named as the words about them expect."""

    part: Part
    state: State
    values: Mapping[str, int | float | str | datetime | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that is asked."""

    settings: Settings
    sessions: Sessions
    objects: Objects
    press: Press
    sandbox: Sandbox


async def examine(parts: Parts) -> list[Reading]:
    """Ask every part at once; one that raises or says nothing for ten seconds has failed."""
    return list(await asyncio.gather(*(_ask(part, probe, parts) for part, probe in _PROBES.items())))


async def _ask(part: Part, probe: "Probe", parts: Parts) -> Reading:
    try:
        async with asyncio.timeout(PATIENCE):
            return await probe(parts)
    except Exception as error:  # each part fails in its own way; what matters is that it did
        return Reading(part, State.FAIL, {"error": type(error).__name__})


async def _database(parts: Parts) -> Reading:
    began = time.monotonic()
    await is_answering(parts.sessions)
    return Reading(Part.DATABASE, State.OK, {"milliseconds": round((time.monotonic() - began) * 1000)})


async def _queue(parts: Parts) -> Reading:
    async with transaction(parts.sessions, SYSTEM) as session:
        row = (await session.execute(QUEUE)).one()
    is_late = row.oldest is not None and now() - row.oldest > LATE_JOB
    state = State.WARN if is_late or row.failed else State.OK
    return Reading(Part.QUEUE, state, {"waiting": row.waiting, "failed": row.failed, "oldest": row.oldest})


async def _worker(parts: Parts) -> Reading:
    async with transaction(parts.sessions, SYSTEM) as session:
        row = (await session.execute(HEARTBEATS)).one()
    is_silent = row.last is None or now() - row.last > SILENT_WORKER
    return Reading(Part.WORKER, State.WARN if is_silent else State.OK, {"workers": row.workers, "last": row.last})


async def _objects(parts: Parts) -> Reading:
    key = new_key("doctor")
    await parts.objects.put(key, b"ok")
    await parts.objects.get(key)
    await parts.objects.delete(key)
    return Reading(Part.OBJECTS, State.OK)


async def _mail(parts: Parts) -> Reading:
    """Whether the mail server takes a connection; a folder on the disk is no way to reach anybody."""
    if parts.settings.smtp_url is None:
        return Reading(Part.MAIL, State.WARN)
    server = urlsplit(parts.settings.smtp_url)
    port = server.port or (SMTPS_PORT if server.scheme == "smtps" else SUBMISSION_PORT)
    _reader, writer = await asyncio.open_connection(server.hostname, port)
    writer.close()
    return Reading(Part.MAIL, State.OK, {"server": server.hostname})


async def _secure_mail(parts: Parts) -> Reading:
    """Whether the server that notes are mailed by takes us: TLS, its certificate, ours or our password."""
    if parts.settings.secure_mail_url is None:
        return Reading(Part.SECURE_MAIL, State.OK, {"door": "closed"})
    client = await connected_to(parts.settings)
    client.close()
    return Reading(Part.SECURE_MAIL, State.OK, {"server": client.hostname})


async def _press(parts: Parts) -> Reading:
    await parts.press.answer()
    return Reading(Part.PRESS, State.OK)


async def _sandbox(parts: Parts) -> Reading:
    await parts.sandbox.answer()
    return Reading(Part.SANDBOX, State.OK)


async def _dimse(parts: Parts) -> Reading:
    """Whether the door for images speaks: what is out of turn is answered by an A-ABORT (PS3.8 §9.2.2).

    Where it demands a certificate, that it takes a connection is all that is asked.
    """
    settings = parts.settings
    if settings.dimse_port is None:
        return Reading(Part.DIMSE, State.OK, {"door": "closed"})
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.dimse_host, settings.dimse_host)  # noqa: S104  (asked, not bound)
    reader, writer = await asyncio.open_connection(host, settings.dimse_port)
    try:
        if settings.dimse_client_ca is None:
            writer.write(released())
            answer = await reader.readexactly(1)
            if answer[0] != Kind.ABORT:
                return Reading(Part.DIMSE, State.FAIL, {"error": "not DICOM"})
    finally:
        writer.close()
    return Reading(Part.DIMSE, State.OK, {"port": settings.dimse_port})


async def _evidence(parts: Parts) -> Reading:
    """Signed notes whose proof of time was given up, and why the most of them (`evidence_faults.Fault`)."""
    async with transaction(parts.sessions, SYSTEM) as session:
        faults = await given_up(session)
    total, why = sum(faults.values()), max(faults, key=lambda fault: faults[fault], default="")
    return Reading(Part.EVIDENCE, State.WARN if total else State.OK, {"given_up": total, "why": why})


async def _audit(parts: Parts) -> Reading:
    """When the log was signed last, and whether anything waits for it too long."""
    days = await asyncio.to_thread(days_in, folder_of(parts.settings))
    signed = datetime.fromtimestamp(days[-1].stat().st_mtime, now().tzinfo) if days else None
    async with transaction(parts.sessions, SYSTEM) as session:
        first_unsigned = await session.scalar(
            select(func.min(AuditEvent.recorded_at)).where(
                *([AuditEvent.recorded_at > signed] if signed else []),
            )
        )
    is_late = first_unsigned is not None and now() - first_unsigned > LATE_CHECKPOINT
    return Reading(Part.AUDIT, State.WARN if is_late else State.OK, {"signed": signed})


async def _disk(parts: Parts) -> Reading:
    usage = await asyncio.to_thread(shutil.disk_usage, parts.settings.data)
    free = usage.free / usage.total
    state = State.FAIL if free < NO_ROOM else State.WARN if free < LITTLE_ROOM else State.OK
    return Reading(Part.DISK, state, {"free": usage.free, "share": free})


async def _stored(parts: Parts) -> Reading:
    """Whether any stored object was found damaged, and when all were read last (`stored.scrubbing`)."""
    state = await asyncio.to_thread(read_round, parts.settings.data)
    damaged, read = len(state.standing), state.finished_at or state.read_before
    values = {"damaged": damaged, "read": datetime.fromisoformat(read) if read else None}
    return Reading(Part.STORED, State.FAIL if damaged else State.OK, values)


Probe = Callable[[Parts], Awaitable[Reading]]
_PROBES: Final[Mapping[Part, Probe]] = {
    Part.DATABASE: _database,
    Part.QUEUE: _queue,
    Part.WORKER: _worker,
    Part.OBJECTS: _objects,
    Part.MAIL: _mail,
    Part.SECURE_MAIL: _secure_mail,
    Part.PRESS: _press,
    Part.SANDBOX: _sandbox,
    Part.DIMSE: _dimse,
    Part.AUDIT: _audit,
    Part.DISK: _disk,
    Part.EVIDENCE: _evidence,
    Part.STORED: _stored,
}
