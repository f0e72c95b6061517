"""Hints reach those an event concerns, say nothing clinical, and reach nobody else."""

import uuid
from datetime import datetime

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
