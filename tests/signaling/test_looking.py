"""Looking together over real sockets: who comes, who shows, and what the others see."""

import asyncio

import pytest
from sqlalchemy import select

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingStudy
from tests.people import Cast
from tests.signaling.booking import Booking
from tests.signaling.table import Table, looking, mark, names, spot
from tests.signaling.visitors import VisitorMaker
from tests.teleconsult.imaging.shared import shared_study


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


async def test_coming_to_another_study_leaves_the_first(table: Table, sessions: Sessions, booking: Booking) -> None:
    rural, specialist, me = await table.both()
    second = await shared_study(sessions, booking.consult, uid="1.2.9")
    assert "me" in await rural.ask("join", table.place | {"study": str(second.id)})
    while (told := await specialist.next("together")).get("presenter") == me:
        pass
    assert len(told["people"]) == 1


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
