"""Looking together over real sockets: who comes, who shows, what the others see, and what must not work."""

import asyncio
import uuid
from typing import Any

import pytest
from sqlalchemy import func, select

from signaling.gathering import UNSEEN
from teleconsult.access import Purpose
from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.excerpts.models import Excerpt
from teleconsult.imaging.models import ImagingStudy
from tests import consult_steps
from tests.people import Cast, bearer_of
from tests.signaling.booking import Booking
from tests.signaling.changes import Change, consult_is_cancelled, consult_is_reassigned, session_ends
from tests.signaling.conftest import LiveSite, VisitorMaker
from tests.signaling.test_revocation import change
from tests.signaling.visitors import Visitor
from tests.teleconsult.imaging.shared import SERIES, shared_study

VIEW = {"zoom": 2.5, "x": 100.25, "y": 40, "turn": 1}


def looking(sop: int | str = 1, frame: int = 1, **changes: Any) -> dict[str, Any]:
    """What somebody looks at."""
    whole = {"series": SERIES, "sop": f"{SERIES}.{sop}", "frame": frame, "view": VIEW, "inverted": False}
    return whole | changes


def spot(sop: int = 1, **changes: Any) -> dict[str, Any]:
    """Where somebody points."""
    return {"series": SERIES, "sop": f"{SERIES}.{sop}", "frame": 1, "x": 12.5, "y": -3} | changes


class Table:
    """A shared study, and people who come to look at it."""

    def __init__(self, visit: VisitorMaker, consult: uuid.UUID, study: uuid.UUID) -> None:
        self._visit = visit
        self.place = {"consult": str(consult), "study": str(study)}

    async def come(self, who: str, **changes: str) -> tuple[Visitor, dict[str, Any]]:
        """Connect and come to look; the visitor, and the answer."""
        visitor = await self._visit(who, "/looking")
        return visitor, await visitor.ask("join", self.place | changes)

    async def both(self) -> tuple[Visitor, Visitor, str]:
        """The rural doctor, who presents, the specialist, and the presenter's id."""
        rural, mine = await self.come("rural")
        specialist, _ = await self.come("specialist")
        assert await rural.ask("present", {"looking": looking()}) == {"ok": "yes"}
        await specialist.next("look")
        return rural, specialist, mine["me"]


@pytest.fixture
async def study(sessions: Sessions, booking: Booking) -> ImagingStudy:
    """Shared by the booked consult."""
    return await shared_study(sessions, booking.consult)


@pytest.fixture
async def table(visit: VisitorMaker, booking: Booking, study: ImagingStudy) -> Table:
    """Where the two look at it."""
    return Table(visit, booking.consult, study.id)


def names(together: dict[str, Any]) -> list[tuple[str, bool]]:
    """Who is there, and who of them follows."""
    return [(person["name"], person["follows"]) for person in together["people"]]


async def test_who_presents_moves_the_other_side(table: Table, cast: Cast) -> None:
    rural, mine = await table.come("rural")
    assert names(mine["together"]) == [(cast.rural.name, True)]
    assert "presenter" not in mine["together"]
    specialist, theirs = await table.come("specialist")
    assert names(theirs["together"]) == [(cast.rural.name, True), (cast.specialist.name, True)]
    assert names(await rural.next("together")) == names(theirs["together"])
    first = looking(2, level={"center": 40, "width": 80})
    assert await rural.ask("present", {"looking": first}) == {"ok": "yes"}
    assert (await specialist.next("together"))["presenter"] == mine["me"]
    assert await specialist.next("look") == {"looking": first}
    second = looking(3, frame=3, inverted=True)
    assert await rural.ask("look", {"looking": second}) == {"ok": "yes"}
    assert await specialist.next("look") == {"looking": second}
    assert await rural.ask("point", {"spot": spot(3)}) == {"ok": "yes"}
    assert await specialist.next("point") == {"spot": spot(3)}
    await rural.ask("point", {})
    assert await specialist.next("point") == {}
    assert await rural.hears_nothing("look", within=0.1), "nobody hears themselves"


async def test_who_comes_late_sees_what_is_seen(table: Table) -> None:
    rural, mine = await table.come("rural")
    await rural.ask("present", {"looking": looking()})
    await rural.ask("look", {"looking": looking(2)})
    _, theirs = await table.come("specialist")
    assert theirs["looking"] == looking(2)
    assert theirs["together"]["presenter"] == mine["me"]
    assert all(person["follows"] for person in theirs["together"]["people"])


async def test_what_is_measured_travels_and_goes_with_its_presenter(table: Table) -> None:
    rural, specialist, _ = await table.both()
    marks = {"marks": [mark(), mark(kind="angle", points=[{"x": 1, "y": 2}] * 3)]}
    assert await rural.ask("marks", marks) == {"ok": "yes"}
    assert await specialist.next("marks") == marks
    assert (await table.come("specialist"))[1]["marks"] == marks["marks"]
    assert await specialist.ask("marks", marks) == {"error": "not-presenting"}
    for wrong in (
        mark(4),
        mark(kind="circle"),
        mark(points=[]),
        mark(points=[{"x": 1, "y": 2}] * 4),
        mark(points={"x": 1}),
        mark(points=[{"x": 1e9, "y": 2}] * 2),
    ):
        assert await rural.ask("marks", {"marks": [wrong]}) == {"error": "invalid"}, wrong
    assert await rural.ask("marks", {"marks": [mark()] * 101}) == {"error": "invalid"}
    await specialist.ask("present", {"looking": looking()})
    assert (await table.come("rural"))[1]["marks"] == []


def mark(sop: int = 1, **changes: Any) -> dict[str, Any]:
    """A length on a slice."""
    place = {"series": SERIES, "sop": f"{SERIES}.{sop}", "frame": 1}
    return place | {"kind": "length", "points": [{"x": 1, "y": 2}, {"x": 30.5, "y": 2}]} | changes


async def test_letting_go_and_following_again_is_told(table: Table, cast: Cast) -> None:
    rural, specialist, _ = await table.both()
    assert await specialist.ask("follow", {"on": False}) == {"ok": "yes"}
    while (cast.specialist.name, False) not in names(told := await rural.next("together")):
        assert told
    await specialist.ask("follow", {"on": True})
    assert (cast.specialist.name, True) in names(await rural.next("together"))


async def test_taking_over_asks_nobody_and_is_told_to_all(table: Table, cast: Cast) -> None:
    rural, specialist, _ = await table.both()
    await specialist.ask("follow", {"on": False})
    assert await specialist.ask("present", {"looking": looking(2)}) == {"ok": "yes"}
    assert await rural.next("look") == {"looking": looking(2)}
    assert await rural.ask("look", {"looking": looking()}) == {"error": "not-presenting"}
    assert await rural.ask("point", {"spot": spot()}) == {"error": "not-presenting"}
    assert await rural.ask("present", {}) == {"ok": "yes"}, "who does not present has nothing to give up"
    assert await specialist.ask("look", {"looking": looking(3)}) == {"ok": "yes"}
    assert all(follows for _, follows in names((await table.come("rural"))[1]["together"]))


async def test_of_two_who_take_over_at_once_the_last_is_not_moved(table: Table) -> None:
    """Whoever was first is still telling the others then."""
    rural, mine = await table.come("rural")
    specialist, theirs = await table.come("specialist")
    for _round in range(3):
        await asyncio.gather(*(one.ask("present", {"looking": looking()}) for one in (rural, specialist)))
        await asyncio.sleep(0.05)
        for visitor, me in ((rural, mine["me"]), (specialist, theirs["me"])):
            presenter = ""
            while not visitor.heard.empty():
                event, message = visitor.heard.get_nowait()
                presenter = message.get("presenter", "") if event == "together" else presenter
                assert event != "look" or presenter != me


@pytest.mark.parametrize("how", ["gives up", "leaves", "goes"])
async def test_a_presenter_who_is_gone_leaves_nothing_behind(table: Table, cast: Cast, how: str) -> None:
    rural, specialist, me = await table.both()
    if how == "goes":
        await rural.close()
    else:
        assert await rural.ask(*{"gives up": ("present", {}), "leaves": ("leave", {})}[how]) == {"ok": "yes"}
    while (told := await specialist.next("together")).get("presenter") == me:
        pass
    assert "presenter" not in told
    assert ((cast.rural.name, True) in names(told)) is (how == "gives up")
    _, late = await table.come("specialist")
    assert "looking" not in late


async def test_nothing_works_before_coming(table: Table, visit: VisitorMaker) -> None:
    rural = await visit("rural", "/looking")
    for event, message in MOVES.items():
        assert await rural.ask(event, message) == {"error": "not-joined"}, event


MOVES: dict[str, dict[str, Any]] = {
    "present": {"looking": looking()},
    "follow": {"on": True},
    "look": {"looking": looking()},
    "point": {"spot": spot()},
    "marks": {"marks": []},
    "seen": {"count": 0},
    "leave": {},
}


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


async def test_coming_to_another_study_leaves_the_first(table: Table, sessions: Sessions, booking: Booking) -> None:
    rural, specialist, me = await table.both()
    second = await shared_study(sessions, booking.consult, uid="1.2.9")
    assert "me" in await rural.ask("join", table.place | {"study": str(second.id)})
    while (told := await specialist.next("together")).get("presenter") == me:
        pass
    assert len(told["people"]) == 1


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
    await asyncio.wait_for(rural.gone.wait(), 10)
    assert await specialist.hears_nothing("point", within=0.05)


async def test_who_is_too_fast_is_refused_and_not_passed_on(table: Table) -> None:
    rural, specialist, _ = await table.both()
    answers = await asyncio.gather(*(rural.ask("point", {"spot": spot(x=at)}) for at in range(100)))
    taken = answers.count({"ok": "yes"})
    assert 50 <= taken < 80
    assert answers.count({"error": "too-many"}) == 100 - taken
    heard = await points(specialist)
    assert heard == list(range(len(heard))), "in order"


async def points(visitor: Visitor) -> list[float]:
    """Where the other side pointed, as far as it is here."""
    await asyncio.sleep(0.1)
    heard = [visitor.heard.get_nowait() for _ in range(visitor.heard.qsize())]
    return [message["spot"]["x"] for event, message in heard if event == "point"]


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


async def test_a_gathering_has_an_end(table: Table, site: LiveSite) -> None:
    answers = [(await table.come(who))[1] for who in ("rural", "specialist") for _ in range(6)]
    assert all("me" in answer for answer in answers)
    assert (await table.come("rural"))[1] == {"error": "too-many"}


async def test_coming_is_in_the_log_and_moving_is_not(
    table: Table, sessions: Sessions, study: ImagingStudy, cast: Cast
) -> None:
    rural, _specialist, _ = await table.both()
    await rural.ask("join", table.place)
    for sop in (1, 2, 3):
        await rural.ask("look", {"looking": looking(sop)})
    async with transaction(sessions) as session:
        of_study = select(AuditEvent).where(AuditEvent.entity_id == study.id).order_by(AuditEvent.recorded_at)
        kept = (await session.scalars(of_study)).all()
    assert [(one.action, one.practitioner_role_id) for one in kept] == [
        ("looking-joined", cast.rural.role_id),
        ("looking-joined", cast.specialist.role_id),
    ]


async def revoke(session: Any, _cast: Cast, booking: Booking) -> dict[str, uuid.UUID | None]:
    excerpt = await session.scalar(select(Excerpt).where(Excerpt.service_request_id == booking.consult))
    excerpt.revoked_at = excerpt.frozen_at
    return {"consult": booking.consult}


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
async def test_who_may_no_longer_look_is_out_within_seconds(
    table: Table, sessions: Sessions, cast: Cast, booking: Booking, how: Change, reasons: dict[str, str], told: bool
) -> None:
    rural, specialist, _ = await table.both()
    await change(sessions, how, cast, booking, told=told)
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


async def test_the_call_is_told_what_is_shown(table: Table, visit: VisitorMaker, booking: Booking, cast: Cast) -> None:
    called = await visit("specialist")
    assert "showing" not in await called.join(booking.consult)
    rural, _ = await table.come("rural")
    await rural.ask("present", {"looking": looking()})
    showing = {"study": table.place["study"], "uid": "1.2.3", "name": cast.rural.name}
    assert await called.next("showing") == {"showing": showing}
    back = await visit("specialist")
    assert (await back.join(booking.consult))["showing"] == showing
    own = await visit("rural")
    assert "showing" not in await own.join(booking.consult), "nobody is invited to their own images"
    await rural.ask("present", {})
    assert await back.next("showing") == {}
