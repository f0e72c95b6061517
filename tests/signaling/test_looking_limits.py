"""Looking together over real sockets: what must not work, what is too much, and who must go."""

import asyncio
import uuid
from typing import Any

import pytest
from sqlalchemy import func, select

from signaling import gathering
from signaling.gathering import MOVES_AT_ONCE, UNSEEN
from teleconsult.access import Purpose
from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.excerpts.models import Excerpt
from teleconsult.imaging.models import ImagingStudy
from tests import consult_steps
from tests.people import Cast, bearer_of
from tests.signaling.booking import Booking
from tests.signaling.changes import Change, consult_is_cancelled, consult_is_reassigned, session_ends
from tests.signaling.conftest import Changer, LiveSite
from tests.signaling.table import MOVES, VIEW, Table, looking, spot
from tests.signaling.visitors import Visitor, VisitorMaker
from tests.teleconsult.imaging.shared import shared_study
from tests.waiting import PATIENCE


async def test_nothing_works_before_coming(table: Table, visit: VisitorMaker) -> None:
    rural = await visit("rural", "/looking")
    for event, message in MOVES.items():
        assert await rural.ask(event, message) == {"error": "not-joined"}, event


@pytest.mark.parametrize("who", ["colleague", "coordinator", "oncall", "admin", "stranger", "nurse"])
async def test_others_find_nothing_and_are_noted(table: Table, sessions: Sessions, who: str) -> None:
    _rural, specialist, _ = await table.both()
    outsider, answer = await table.come(who)
    assert answer == {"error": "not-found"}
    assert await outsider.ask("join", {"consult": str(uuid.uuid4()), "study": str(uuid.uuid4())}) == answer
    for event, message in MOVES.items():
        assert (await outsider.ask(event, message))["error"] in {"not-joined", "not-found"}
    assert await specialist.hears_nothing("look", within=0.1)
    async with transaction(sessions) as session:
        refused = AuditEvent.action.in_(("looking-refused", "message-refused"))
        assert await session.scalar(select(func.count()).where(refused, AuditEvent.outcome == "denied"))


async def test_a_study_is_looked_at_in_its_own_consult_alone(
    table: Table, sessions: Sessions, cast: Cast, study: ImagingStudy
) -> None:
    rural, _specialist, _ = await table.both()
    other = await consult_steps.accepted(cast, sessions)
    elsewhere = await shared_study(sessions, other.id, uid="1.2.9")
    _, answer = await table.come("rural", study=str(elsewhere.id))
    assert answer == {"error": "not-found"}
    visitor, answer = await table.come("specialist", study=str(elsewhere.id), consult=str(other.id))
    assert [person["name"] for person in answer["together"]["people"]] == [cast.specialist.name]
    await rural.ask("look", {"looking": looking(2)})
    assert await visitor.hears_nothing("look", within=0.1)
    assert await visitor.ask("present", {"looking": looking()}) == {"error": "invalid"}, "of another study"


NOT_LOOKED_AT: tuple[object, ...] = (
    {"looking": looking(4)},
    {"looking": looking(1, frame=2)},
    {"looking": looking(series="1.2.3.2")},
    {"looking": looking(frame=0)},
    {"looking": looking(sop="1" * 65)},
    {"looking": looking(view=VIEW | {"zoom": 0})},
    {"looking": looking(view=VIEW | {"zoom": 1e308})},
    {"looking": looking(view=VIEW | {"turn": 4})},
    {"looking": looking(view=VIEW | {"x": "1"})},
    {"looking": looking(view=VIEW | {"x": True})},
    {"looking": looking(level={"center": 0, "width": -1})},
    {"looking": looking(level={"center": 1e10, "width": 1})},
    {"looking": looking(pixels="AAAA")},
    {"looking": []},
    [],
)
NOT_POINTED_AT: tuple[object, ...] = (
    {"spot": spot(4)},
    {"spot": spot(x=1e7)},
    {"spot": spot(x=None)},
    {"spot": {}},
    {"spot": "here"},
)


async def test_what_is_not_in_the_study_or_too_large_is_refused(table: Table) -> None:
    rural, specialist, _ = await table.both()
    for message in NOT_LOOKED_AT:
        for event in ("present", "look"):
            assert await rural.ask(event, message) == {"error": "invalid"}, (event, message)
    assert await rural.ask("look", {}) == {"error": "invalid"}
    for where in NOT_POINTED_AT:
        assert await rural.ask("point", where) == {"error": "invalid"}, where
    assert await specialist.hears_nothing("look", within=0.05)
    assert await specialist.hears_nothing("point", within=0.05)


async def test_no_number_is_none(table: Table) -> None:
    """NaN and infinity are no JSON (RFC 8259 §6): the connection ends."""
    rural, specialist, _ = await table.both()
    await rural.send_raw('2/looking,["point",{"spot":{"series":"1","sop":"1","frame":1,"x":NaN,"y":1}}]')
    await asyncio.wait_for(rural.gone.wait(), PATIENCE)
    assert await specialist.hears_nothing("point", within=0.05)


async def test_who_is_too_fast_is_refused_and_not_passed_on(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MOVES_A_SECOND", 0)
    rural, specialist, _ = await table.both()
    answers = await asyncio.gather(*(rural.ask("point", {"spot": spot(x=at)}) for at in range(100)))
    taken = answers.count({"ok": "yes"})
    assert taken == MOVES_AT_ONCE - 1, "the first look is one of them"
    assert answers.count({"error": "too-many"}) == 100 - taken
    heard = await points(specialist)
    assert heard == list(range(len(heard))), "in order"


async def test_a_gathering_has_an_end(table: Table, site: LiveSite) -> None:
    answers = [(await table.come(who))[1] for who in ("rural", "specialist") for _ in range(6)]
    assert all("me" in answer for answer in answers)
    assert (await table.come("rural"))[1] == {"error": "too-many"}


async def revoke(session: Any, _cast: Cast, booking: Booking) -> dict[str, uuid.UUID | None]:
    excerpt = await session.scalar(select(Excerpt).where(Excerpt.service_request_id == booking.consult))
    excerpt.revoked_at = excerpt.frozen_at
    return {"consult": booking.consult}


@pytest.mark.usefixtures("resting_watch")
@pytest.mark.parametrize(
    ("how", "reasons", "told"),
    [
        (session_ends, {"specialist": "signed-out"}, True),
        (consult_is_reassigned, {"specialist": "ended"}, True),
        (consult_is_cancelled, {"specialist": "ended", "rural": "ended"}, True),
        (revoke, {"specialist": "ended", "rural": "ended"}, True),
        (revoke, {"specialist": "ended", "rural": "ended"}, False),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
async def test_who_may_no_longer_look_is_out(
    table: Table, change: Changer, how: Change, reasons: dict[str, str], told: bool
) -> None:
    rural, specialist, _ = await table.both()
    await change(how, told=told)
    assert (await specialist.next("bye"))["reason"] == reasons["specialist"]
    if "rural" in reasons:
        assert (await rural.next("bye"))["reason"] == reasons["rural"]
    else:
        while len((await rural.next("together"))["people"]) > 1:
            pass
        assert await rural.hears_nothing("bye", within=0.1)


async def test_a_token_for_images_looks_and_one_for_calls_does_not(
    site: LiveSite, sessions: Sessions, cast: Cast, table: Table
) -> None:
    answers = {}
    for purpose in (Purpose.IMAGES, Purpose.LIVE):
        async with transaction(sessions) as session:
            token = await bearer_of(session, cast.specialist, purpose)
        machine = Visitor(site.url, namespace="/looking", headers={}, auth={"token": token})
        await machine.connect()
        answers[purpose] = await machine.ask("join", table.place)
        await machine.close()
    assert "me" in answers[Purpose.IMAGES]
    assert answers[Purpose.LIVE] == {"error": "not-found"}


async def test_who_lags_behind_is_sent_the_newest_and_nothing_old(table: Table) -> None:
    rural, specialist, _ = await table.both()
    for at in range(30):
        assert await rural.ask("point", {"spot": spot(x=at)}) == {"ok": "yes"}
    await rural.ask("look", {"looking": looking(2)})
    first = await points(specialist)
    assert len(first) == UNSEEN - 1, "the first look is one of them"
    assert await specialist.ask("seen", {"count": 1}) == {"ok": "yes"}
    assert await points(specialist) == [29]
    assert await specialist.ask("seen", {"count": UNSEEN}) == {"ok": "yes"}
    assert await specialist.next("look") == {"looking": looking(2)}
    for wrong in (1, UNSEEN + 3, -1):
        assert await specialist.ask("seen", {"count": wrong}) == {"error": "invalid"}


async def test_what_waits_for_who_lags_goes_with_its_presenter(table: Table) -> None:
    rural, specialist, _ = await table.both()
    for at in range(30):
        await rural.ask("point", {"spot": spot(x=at)})
    await points(specialist)
    await rural.ask("present", {})
    assert await specialist.ask("seen", {"count": UNSEEN}) == {"ok": "yes"}
    assert await points(specialist) == []


async def points(visitor: Visitor) -> list[float]:
    """Where the other side pointed; what was sent before an answer is here before it."""
    await visitor.ask("seen", {"count": 0})
    heard = [visitor.heard.get_nowait() for _ in range(visitor.heard.qsize())]
    return [message["spot"]["x"] for event, message in heard if event == "point"]
