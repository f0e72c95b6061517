"""Recording while things happen at once: whatever comes first, nobody is recorded who has not agreed, or no longer."""

import asyncio
import uuid
from typing import Any

import pytest
from sqlalchemy import select

from signaling.media.recorder import Recorder
from teleconsult.consults.queries import lock_consult
from teleconsult.db import Sessions, transaction
from teleconsult.encounters import recordings
from teleconsult.encounters.recording_models import Recording, RecordingFile
from tests.people import Cast
from tests.signaling.booking import Booking
from tests.signaling.conftest import LiveSite
from tests.signaling.test_guests import GuestMaker, guest, let_in
from tests.signaling.test_recording import PATIENT, Session, act, kept, over, phase, session
from tests.waiting import eventually

__all__ = ["guest", "session"]


class Gate:
    """Holds up an act when it is all but done, until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: object, verb: str) -> None:
        self.reached, self._opened = asyncio.Event(), asyncio.Event()
        self._real = getattr(owner, verb)
        monkeypatch.setattr(owner, verb, self._held)

    def open(self) -> None:
        """Let it go on."""
        self._opened.set()

    async def _held(self, *args: Any, **named: Any) -> Any:
        done = await self._real(*args, **named)
        self.reached.set()
        await self._opened.wait()
        return done


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Recorder]:
    """Every recorder that begins."""
    recorders: list[Recorder] = []
    start = Recorder.start

    def noted(recorder: Recorder) -> None:
        recorders.append(recorder)
        start(recorder)

    monkeypatch.setattr(Recorder, "start", noted)
    return recorders


async def test_who_agrees_no_longer_while_it_is_about_to_start_is_not_recorded(
    session: Session, sessions: Sessions, booking: Booking, started: list[Recorder]
) -> None:
    asked = await session.ask()
    await act(session.specialist, "agree", asked)
    await session.send(session.rural, session.specialist)
    await act(session.specialist, "ready", asked)
    async with transaction(sessions) as held:
        await lock_consult(held, booking.consult)  # somebody saves something of the consult
        withdrawing = asyncio.create_task(act(session.specialist, "withdraw", asked))
        await asyncio.sleep(0.1)
        agreeing = asyncio.create_task(act(session.specialist, "agree", asked))
        ready = asyncio.create_task(act(session.rural, "ready", asked))
        await asyncio.sleep(0.4)
    await asyncio.gather(withdrawing, agreeing, ready)
    assert await over(session.rural) == "withdrawn"
    assert started == []


async def test_who_agrees_no_longer_while_all_are_told_that_it_begins_is_not_recorded(
    session: Session, site: LiveSite, monkeypatch: pytest.MonkeyPatch, started: list[Recorder]
) -> None:
    asked = await session.ask()
    await act(session.specialist, "agree", asked)
    await session.send(session.rural, session.specialist)
    await act(session.specialist, "ready", asked)
    gate = Gate(monkeypatch, site.live.room.recording, "_tell_all")
    ready = asyncio.create_task(act(session.rural, "ready", asked))
    await asyncio.wait_for(gate.reached.wait(), 5)
    withdrawing = asyncio.create_task(act(session.specialist, "withdraw", asked))
    await asyncio.sleep(0.1)
    gate.open()
    await asyncio.gather(ready, withdrawing)
    assert await over(session.rural) == "withdrawn"
    assert started == []


async def test_it_waits_for_who_comes_while_it_begins(
    session: Session,
    sessions: Sessions,
    guest: GuestMaker,
    cast: Cast,
    booking: Booking,
    monkeypatch: pytest.MonkeyPatch,
    started: list[Recorder],
    site: LiveSite,
) -> None:
    rose = await guest()
    await rose.join(booking.consult)
    await let_in(sessions, cast.specialist, booking)
    await rose.next("admitted")
    asked = await session.ask()
    await act(session.specialist, "agree", asked)
    await session.send(session.rural, session.specialist)
    await act(session.rural, "ready", asked)
    gate = Gate(monkeypatch, recordings, "begin_recording")
    ready = asyncio.create_task(act(session.specialist, "ready", asked))
    await asyncio.wait_for(gate.reached.wait(), 5)
    joining = asyncio.create_task(rose.join(booking.consult))
    assert await eventually(lambda: len(list(site.live.room.seated())) == 3), "the guest sits as well"
    gate.open()
    await ready
    pid = (await joining)["pid"]
    assert (await phase(session.rural, "paused"))["awaited"] == [pid]
    assert started == []


async def test_it_stops_though_that_cannot_be_written_down(
    session: Session, sessions: Sessions, site: LiveSite, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = await session.start()
    await asyncio.sleep(0.4)

    async def broken(*_args: Any, **_named: Any) -> None:
        raise OSError("the database is away")

    with monkeypatch.context() as away:
        away.setattr(recordings, "end_recording", broken)
        await act(session.rural, "stop", id)
    assert await over(session.specialist) == "stopped"
    await kept(sessions, 2)
    async with transaction(sessions) as opened:
        assert (await opened.scalars(select(RecordingFile.id).where(RecordingFile.ended_at.is_(None)))).all() == []
    assert not site.live.room.through._courses.begun(booking.consult).is_asked_for
    assert (await session.ask())["id"] != id, "the next question ends what was left open"


async def test_what_cannot_be_written_down_once_is_tried_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await session.ask()
    await act(session.specialist, "agree", asked)
    begin, tries = recordings.begin_recording, 0

    async def away_twice(*args: Any, **named: Any) -> None:
        nonlocal tries
        tries += 1
        if tries <= 2:
            raise OSError("the database is away")
        await begin(*args, **named)

    monkeypatch.setattr(recordings, "begin_recording", away_twice)
    await session.send(session.rural, session.specialist)
    for visitor in (session.rural, session.specialist):
        await act(visitor, "ready", asked)
    await asyncio.wait_for(phase(session.rural, "recording"), 3)
    assert tries == 3


async def test_of_two_who_ask_at_once_one_is_heard(
    session: Session, sessions: Sessions, site: LiveSite, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_abandoned, came, one_has_asked = recordings.end_abandoned, 0, asyncio.Event()

    async def second_comes_late(*args: Any, **named: Any) -> None:
        nonlocal came
        came += 1
        if came > 1:
            await one_has_asked.wait()
        await end_abandoned(*args, **named)

    monkeypatch.setattr(recordings, "end_abandoned", second_comes_late)
    asking = [
        asyncio.create_task(session.rural.ask("record", {"act": "ask", "patient": PATIENT})),
        asyncio.create_task(session.specialist.ask("record", {"act": "ask"})),
    ]
    await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    one_has_asked.set()
    answers = await asyncio.gather(*asking)
    asked = [answer["recording"]["id"] for answer in answers if "recording" in answer]
    assert len(asked) == 1
    assert {"error": "invalid"} in answers
    async with transaction(sessions) as opened:
        rows = (await opened.scalars(select(Recording))).all()
    assert [str(row.id) for row in rows if row.ended_at is None] == asked
    assert site.live.room.recording._running[booking.consult].id == uuid.UUID(asked[0])
