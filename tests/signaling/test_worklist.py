"""Hints reach those an event concerns, say nothing clinical, and reach nobody else."""

import asyncio
import uuid
from datetime import datetime

import pytest
import socketio

from signaling import worklist
from teleconsult.db import Sessions, transaction
from teleconsult.events import Event, tell
from tests.glass_steps import opened
from tests.people import Cast
from tests.signaling.booking import Booking
from tests.signaling.conftest import LiveSite, VisitorMaker


async def test_those_concerned_hear_and_others_do_not(
    visit: VisitorMaker, booking: Booking, sessions: Sessions
) -> None:
    concerned = [await visit(who, "/worklist") for who in ("rural", "colleague", "coordinator", "specialist")]
    others = [await visit(who, "/worklist") for who in ("oncall", "stranger", "admin")]
    async with transaction(sessions) as session:
        await tell(session, "ConsultSubmitted", consult=booking.consult)
    for visitor in concerned:
        hint = await visitor.next("changed")
        assert hint.keys() == {"what", "id", "stamp"}
        assert (hint["what"], hint["id"]) == ("consult", str(booking.consult))
        assert datetime.fromisoformat(hint["stamp"]).tzinfo
    for visitor in others:
        assert await visitor.hears_nothing("changed", within=0.1)


async def test_an_act_that_rolls_back_is_not_told(visit: VisitorMaker, booking: Booking, sessions: Sessions) -> None:
    rural = await visit("rural", "/worklist")
    async with sessions() as session:
        await tell(session, "ConsultSubmitted", consult=booking.consult)
        await session.rollback()
    assert await rural.hears_nothing("changed")


async def test_events_about_no_consult_are_nobodys_list(visit: VisitorMaker, booking: Booking, site: LiveSite) -> None:
    rural = await visit("rural", "/worklist")
    while not await rural.hears_nothing("changed"):
        await rural.next("changed")  # what was told of the booking itself may still be on its way
    for event in (
        Event("ConsultSubmitted", {"consult": uuid.uuid4()}),
        Event("ConsultSubmitted", {}),
        Event("SomethingElse", {"consult": booking.consult}),
    ):
        await site.live.hear(event)
    assert await rural.hears_nothing("changed")


async def test_after_a_gap_everyone_looks_at_everything(visit: VisitorMaker, booking: Booking, site: LiveSite) -> None:
    rural = await visit("rural", "/worklist")
    await site.live.hear(Event("Reconnected", {}))
    assert (await rural.next("changed"))["what"] == "everything"


@pytest.mark.parametrize(
    ("who", "age", "hears"),
    [("rural", 60_000, True), ("rural", 0, False), ("stranger", 60_000, False)],
)
async def test_a_page_hears_of_what_it_missed_before_it_came(
    visit: VisitorMaker,
    booking: Booking,
    site: LiveSite,
    monkeypatch: pytest.MonkeyPatch,
    who: str,
    age: int,
    hears: bool,
) -> None:
    monkeypatch.setattr(worklist, "SLACK", 0.0)
    lists = site.live.worklist
    lists._began -= 3600
    await site.live.hear(Event("ConsultSubmitted", {"consult": booking.consult}))
    await asyncio.sleep(0.05)
    visitor = await visit(who, "/worklist", connect=False)
    visitor.auth = {"age": age}
    await visitor.connect()
    if hears:
        assert (await visitor.next("changed"))["what"] == "everything"
    else:
        assert await visitor.hears_nothing("changed", within=0.1)


async def test_of_what_was_before_the_server_began_every_page_looks_again(visit: VisitorMaker) -> None:
    visitor = await visit("rural", "/worklist", connect=False)
    visitor.auth = {"age": 3_600_000}
    await visitor.connect()
    assert (await visitor.next("changed"))["what"] == "everything"


@pytest.mark.parametrize("auth", [{"age": -1}, {"age": 10**400}, {"age": True}, {"age": "1"}, {"age": 1, "token": "x"}])
async def test_an_age_that_is_none_opens_nothing(visit: VisitorMaker, auth: dict[str, object]) -> None:
    visitor = await visit("rural", "/worklist", connect=False)
    visitor.auth = auth
    with pytest.raises(socketio.exceptions.ConnectionError):
        await visitor.connect()


async def test_nobody_can_speak_here(visit: VisitorMaker, booking: Booking) -> None:
    rural, colleague = await visit("rural", "/worklist"), await visit("colleague", "/worklist")
    assert await rural.ask("changed", {"what": "consult"}) == {"error": "invalid"}
    assert await rural.join(booking.consult) == {"error": "invalid"}
    assert await colleague.hears_nothing("changed")


async def test_a_file_opened_in_an_emergency_is_told_to_its_privacy_officers(
    visit: VisitorMaker, cast: Cast, sessions: Sessions
) -> None:
    officer = await visit("privacy", "/worklist")
    others = [await visit(who, "/worklist") for who in ("privacy_tertiary", "rural", "specialist", "admin")]
    await opened(cast, sessions)
    assert (await officer.next("changed"))["what"] == "everything"
    for visitor in others:
        assert await visitor.hears_nothing("changed", within=0.1)


async def test_ones_own_news_reaches_ones_own_pages_alone(
    visit: VisitorMaker, booking: Booking, sessions: Sessions, cast: Cast
) -> None:
    rural = await visit("rural", "/worklist")
    others = [await visit(who, "/worklist") for who in ("colleague", "specialist", "admin")]
    while not await rural.hears_nothing("changed"):
        await rural.next("changed")  # what was told of the booking itself may still be on its way
    for who in others:
        while not await who.hears_nothing("changed"):
            await who.next("changed")
    async with transaction(sessions) as session:
        await tell(session, "NoticeAdded", role=cast.rural.role_id)
        await tell(session, "SessionAwaits", consult=booking.consult, role=cast.rural.role_id)
    heard = [await rural.next("changed"), await rural.next("changed")]
    assert [(hint["what"], hint.get("id")) for hint in heard] == [("notice", None), ("arrival", str(booking.consult))]
    for who in others:
        assert await who.hears_nothing("changed", within=0.1)
