"""Recording over the socket: who is asked, what begins it, and all that ends it, with real media."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from signaling import recording as part
from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.recording_models import Recording, RecordingEnd, RecordingFile
from tests.people import Cast
from tests.signaling.booking import Booking
from tests.signaling.conftest import LiveSite
from tests.signaling.media.publisher import Publisher
from tests.signaling.test_guests import GuestMaker, guest, let_in
from tests.signaling.visitors import Visitor, VisitorMaker
from tests.waiting import eventually

__all__ = ["guest"]
PATIENT = {"by": "patient"}


class Session:
    """Doctor and specialist in the room, who can send through the server."""

    def __init__(self, rural: Visitor, specialist: Visitor, pids: tuple[str, str], stack: AsyncExitStack) -> None:
        self.rural, self.specialist, self.pids, self._stack = rural, specialist, pids, stack

    async def ask(self) -> dict[str, Any]:
        """The doctor asks, and says so for the patient."""
        answer = await self.rural.ask("record", {"act": "ask", "patient": PATIENT})
        assert "recording" in answer, answer
        asked: dict[str, Any] = answer["recording"]
        return asked

    async def send(self, *visitors: Visitor) -> None:
        """They send through the server, readable by it."""
        for visitor in visitors:
            await self._stack.enter_async_context(Publisher(partial(through, visitor)))

    async def start(self) -> str:
        """Everybody agrees and sends; returns the recording's id once it runs."""
        asked = await self.ask()
        await act(self.specialist, "agree", asked)
        await self.send(self.rural, self.specialist)
        for visitor in (self.rural, self.specialist):
            await act(visitor, "ready", asked)
        await phase(self.rural, "recording")
        id: str = asked["id"]
        return id


async def through(visitor: Visitor, sdp: str) -> str:
    answer = await visitor.ask("through", {"sdp": sdp, "wants": []})
    return str(answer["sdp"])


async def act(visitor: Visitor, what: str, asked: dict[str, Any] | str, **more: Any) -> dict[str, Any]:
    id = asked if isinstance(asked, str) else asked["id"]
    return await visitor.ask("record", {"act": what, "recording": id, **more})


async def phase(visitor: Visitor, wanted: str) -> dict[str, Any]:
    """Wait until they are told that it has come that far."""
    while True:
        told = await visitor.next("recording")
        state: dict[str, Any] | None = told.get("recording")
        if state is not None and state["phase"] == wanted:
            return state


async def over(visitor: Visitor) -> str:
    """Wait until they are told that it is over, and why."""
    while True:
        told = await visitor.next("recording")
        if "recording" not in told:
            return str(told["over"])


@pytest.fixture
async def session(visit: VisitorMaker, booking: Booking) -> AsyncIterator[Session]:
    rural, specialist = await visit("rural"), await visit("specialist")
    first, second = await rural.join(booking.consult), await specialist.join(booking.consult)
    async with AsyncExitStack() as stack:
        yield Session(rural, specialist, (first["pid"], second["pid"]), stack)


async def kept(sessions: Sessions, count: int) -> list[RecordingFile]:
    """The files, once so many are kept."""
    rows: list[RecordingFile] = []

    async def are_kept() -> bool:
        async with transaction(sessions) as session:
            rows[:] = await session.scalars(select(RecordingFile).where(RecordingFile.ended_at.is_not(None)))
        return len(rows) >= count

    assert await eventually(are_kept)
    return rows


async def begun(sessions: Sessions, count: int) -> None:
    """Wait until so many files are begun: of what nothing has come yet there is none to keep."""

    async def are_begun() -> bool:
        async with transaction(sessions) as session:
            return len((await session.scalars(select(RecordingFile.id))).all()) >= count

    assert await eventually(are_begun)


async def test_it_begins_when_all_have_agreed_and_each_has_a_file(
    session: Session, sessions: Sessions, booking: Booking
) -> None:
    asked = await session.ask()
    assert (asked["phase"], asked["agreed"], asked["awaited"]) == ("asked", [session.pids[0]], [session.pids[1]])
    assert (await phase(session.specialist, "asked"))["id"] == asked["id"]
    assert (await act(session.specialist, "agree", asked))["recording"]["phase"] == "starting"
    assert (await session.specialist.next("path"))["way"] == "server"
    await session.send(session.rural, session.specialist)
    await act(session.rural, "ready", asked)
    assert (await session.rural.ask("record", {"act": "look"}))["recording"]["phase"] == "starting"
    await act(session.specialist, "ready", asked)
    assert (await phase(session.specialist, "recording"))["since"]
    await asyncio.sleep(0.8)
    assert await act(session.rural, "stop", asked) == {}
    assert await over(session.specialist) == "stopped"
    files = await kept(sessions, 2)
    assert {str(file.participant_id) for file in files} == set(session.pids)
    assert all(file.has_audio and file.has_video and file.size and not file.is_cut for file in files)
    async with transaction(sessions) as opened:
        row = (await opened.scalars(select(Recording))).one()
        acts = set(await opened.scalars(select(AuditEvent.action).where(AuditEvent.action.startswith("recording-"))))
    assert (row.ended_why, str(row.ended_by_id)) == (RecordingEnd.STOPPED, session.pids[0])
    assert row.expires_at
    assert acts == {"recording-asked", "recording-agreed", "recording-started", "recording-ended"}


async def test_who_agrees_no_longer_ends_it_within_a_second(session: Session, sessions: Sessions) -> None:
    id = await session.start()
    await asyncio.sleep(0.4)
    began = time.monotonic()
    await act(session.specialist, "withdraw", id)
    assert await over(session.rural) == "withdrawn"
    assert time.monotonic() - began < 1
    assert await session.rural.ask("record", {"act": "look"}) == {}
    assert await act(session.specialist, "agree", id) == {"error": "gone"}
    await kept(sessions, 2)


async def test_a_no_ends_it_before_it_began(session: Session, sessions: Sessions) -> None:
    asked = await session.ask()
    await act(session.specialist, "decline", asked)
    assert await over(session.rural) == "declined"
    async with transaction(sessions) as opened:
        row = (await opened.scalars(select(Recording))).one()
        assert (row.started_at, row.expires_at) == (None, None)
    assert (await session.ask())["id"] != asked["id"], "a new one may be asked for"


async def test_the_doctor_speaks_for_the_patient_and_nothing_begins_without(session: Session) -> None:
    assert await session.rural.ask("record", {"act": "ask"}) == {"error": "invalid"}
    nameless = {"act": "ask", "patient": {"by": "representative"}}
    assert await session.rural.ask("record", nameless) == {"error": "invalid"}
    asked = (await session.specialist.ask("record", {"act": "ask"}))["recording"]
    assert await act(session.rural, "agree", asked) == {"error": "invalid"}
    said = await act(session.rural, "agree", asked, patient={"by": "representative", "name": "Anne Roy"})
    assert said["recording"]["phase"] == "starting"


async def test_a_guest_is_asked_at_the_door_and_it_waits_for_them(
    session: Session, guest: GuestMaker, sessions: Sessions, cast: Cast, booking: Booking
) -> None:
    id = await session.start()
    rose = await guest()
    await rose.join(booking.consult)
    await let_in(sessions, cast.specialist, booking)
    await rose.next("admitted")
    pid = (await rose.join(booking.consult))["pid"]
    seen = (await rose.ask("record", {"act": "look"}))["recording"]
    assert (seen["phase"], seen["awaited"]) == ("paused", [pid])
    assert (await phase(session.rural, "paused"))["awaited"] == [pid]
    assert await rose.ask("record", {"act": "ask"}) == {"error": "not-found"}
    assert await act(rose, "stop", id) == {"error": "not-found"}
    await kept(sessions, 2)
    await act(rose, "agree", id)
    await session.send(rose)
    for visitor in (session.rural, session.specialist, rose):
        await act(visitor, "ready", id)
    await phase(rose, "recording")
    await asyncio.sleep(0.8)
    await act(rose, "withdraw", id)
    assert await over(session.rural) == "withdrawn"
    files = await kept(sessions, 5)
    assert [str(file.participant_id) for file in files].count(pid) == 1
    async with transaction(sessions) as opened:
        acts = list(await opened.scalars(select(AuditEvent.action).where(AuditEvent.action.startswith("recording-"))))
    assert {"recording-paused", "recording-resumed", "recording-consent-withdrawn"} <= set(acts)


async def test_it_ends_when_one_of_the_two_leaves(session: Session, sessions: Sessions) -> None:
    await session.start()
    await session.specialist.ask("leave", {})
    assert await over(session.rural) == "left"
    assert await session.specialist.ask("record", {"act": "look"}) == {"error": "not-joined"}


async def test_where_nobody_sends_it_says_that_it_cannot(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "STARTS_WITHIN", 0.3)
    asked = await session.ask()
    await act(session.specialist, "agree", asked)
    assert await over(session.rural) == "failed"


async def test_it_ends_where_the_server_cannot_be_reached_any_more(session: Session, sessions: Sessions) -> None:
    await session.start()
    await begun(sessions, 2)
    number = (await session.specialist.next("path"))["number"]
    await session.specialist.ask("path", {"number": number, "works": False})
    assert await over(session.rural) == "failed"
    await kept(sessions, 2)


async def test_only_one_at_a_time_and_only_the_one_that_was_read(session: Session, site: LiveSite) -> None:
    asked = await session.ask()
    assert await session.specialist.ask("record", {"act": "ask"}) == {"error": "invalid"}
    other = "00000000-0000-4000-8000-000000000001"
    assert await act(session.specialist, "agree", other) == {"error": "gone"}
    assert await session.specialist.ask("record", {"act": "agree"}) == {"error": "invalid"}
    assert await session.specialist.ask("record", {"act": "stop", "recording": 7}) == {"error": "invalid"}
    await act(session.specialist, "agree", asked)
    assert await act(session.specialist, "decline", asked) == {"error": "not-open"}
    await site.live.room.recording.close()
    assert await over(session.rural) in {"cut-off", "failed"}
