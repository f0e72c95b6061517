"""A whole installation as processes of their own, for strangers: its doors, who is let in there, and what it says."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

import psutil

from migrations import migrate
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.db import Sessions, make_sessions, transaction
from teleconsult.embedded import DatabaseUrls
from teleconsult.hl7v2.models import Hl7Sender
from teleconsult.imaging.dimse.models import DicomPeer
from teleconsult.settings import Settings, load_settings
from tests import consult_steps, note_steps
from tests.browser.site import Site
from tests.hasty import hasty_engine
from tests.people import SECRET, Cast, bearer_of, make_cast
from tests.proof.cluster import free_port
from tests.proof.forked import Forked
from tests.signaling.conftest import cookie_of
from web.csrf import token_for

FAILED: Final = ("request.failed", "Traceback", "listener_failed", "Task exception was never retrieved")
"""What a log says of a fault of ours."""


class DoorsSite(Site):
    """Server and worker, and the doors for HL7 v2 and DICOM."""

    def __init__(self, database: DatabaseUrls, data: Path, log: Path) -> None:
        self.log, self.mllp_port, self.dimse_port = log, free_port(), free_port()
        super().__init__(database, data)

    def _start(self) -> None:
        self.environment |= {
            "TELECONSULT_MLLP_PORT": str(self.mllp_port),
            "TELECONSULT_DIMSE_PORT": str(self.dimse_port),
        }
        self._processes = [self._run(verb) for verb in ("serve", "worker", "hl7", "dimse")]

    def _run(self, verb: str) -> Any:
        return Forked(verb, environment=self.environment, log=self.log)

    def ended(self) -> list[str]:
        """Which of the processes are no more."""
        return [str(process.args) for process in self._processes if process.poll() is not None]

    def largest(self) -> int:
        """The most memory that any of them holds, in bytes; not of what they began."""
        return max(psutil.Process(process.pid).memory_info().rss for process in self._processes)

    def faults(self) -> list[str]:
        """What the log tells of faults of ours: the line, and the end of what was traced."""
        lines, found = self.log.read_text(errors="replace").splitlines(), []
        for number, line in enumerate(lines):
            if any(word in line for word in FAILED):
                traced = iter(lines[number + 1 : number + 80])
                told = [
                    *lines[max(0, number - 1) : number + 1],
                    *takewhile(lambda one: one.startswith((" ", "{")), traced),
                ]
                found.append(" / ".join([*(one.strip()[:160] for one in told[:2] + told[-4:]), next(traced, "")[:200]]))
        return found


@dataclass(slots=True)
class Within:
    """Who asks, and of what."""

    site: DoorsSite
    settings: Settings
    sessions: Sessions
    cast: Cast
    ids: list[str]
    bearer: str

    async def headers(self, actor: Actor) -> dict[str, str]:
        """Of a browser that just signed in as that person."""
        cookie = await cookie_of(self.sessions, self.settings, actor)
        return {
            "Cookie": f"session={cookie}",
            "X-CSRF-Token": token_for(self.settings, cookie),
            "Origin": self.site.url,
        }


@asynccontextmanager
async def wild_site(urls: DatabaseUrls, folder: Path, *, log: Path | None = None) -> AsyncIterator[Within]:
    """Everything at work, with a consult, a note, and senders that are known."""
    migrate(urls.owner)
    engine = hasty_engine(urls.app)
    sessions = make_sessions(engine, acting="system")
    settings = load_settings(data=folder / "data", database_url=urls.app, secret_key=SECRET)
    async with transaction(sessions) as session:
        cast = await make_cast(session)
    drafted = await note_steps.drafted(cast, sessions)
    submitted = await consult_steps.submitted(cast, sessions)
    house = cast.patient.organization_id
    async with transaction(sessions) as session:
        session.add(Hl7Sender(organization_id=house, name="Laboratory", facility="HOSP", created_at=now()))
        session.add(
            DicomPeer(organization_id=house, name="CT", ae_title="CT1", network="127.0.0.1/32", created_at=now())
        )
        bearer = await bearer_of(session, cast.rural)
    ids = [drafted.consult.id, submitted.id, drafted.note.id, cast.patient.id, cast.neurology.id, uuid.uuid4()]
    site = DoorsSite(urls, settings.data, log or folder / "site.log")
    try:
        await asyncio.to_thread(site.wait_until_ready)
        yield Within(site, settings, sessions, cast, [str(one) for one in ids], bearer)
    finally:
        site.stop()
        await engine.dispose()


async def asked(
    port: int, start: str, headers: dict[str, str], body: bytes = b"", told: bytearray | None = None
) -> tuple[int, float]:
    """The status of a request as it stands, 0 where there was no answer; and the seconds it took. Into `told` goes how
    the answer begins.
    """
    given = {"Host": f"127.0.0.1:{port}", "Connection": "close", "Content-Length": str(len(body)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    began, answer = time.monotonic(), b""
    try:
        async with asyncio.timeout(60):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(f"{start} HTTP/1.1\r\n{head}\r\n".encode("utf-8", "surrogatepass") + body)
                await writer.drain()
                answer = await reader.read(4096)
                while await reader.read(1 << 16):
                    pass
            finally:
                writer.close()
    except OSError:  # it hung up before all was said: what it answered counts
        pass
    if told is not None:
        told += answer
    said = answer.split(b" ", 2)
    is_status = len(said) > 1 and answer.startswith(b"HTTP/1.") and said[1].isdigit()
    return (int(said[1]) if is_status else 0), time.monotonic() - began


def json_of(value: Any) -> bytes:
    """As a body."""
    return json.dumps(value).encode()


__all__ = ["DoorsSite", "Within", "asked", "json_of", "wild_site"]
