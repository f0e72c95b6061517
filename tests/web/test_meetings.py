"""The pages of team meetings: planned by the coordinator, run by the chair, out of sight for everybody else."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncEngine

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.meetings.listing import MOST_CASES
from teleconsult.meetings.models import CaseStatus, Meeting, MeetingCase, MeetingMember
from tests import meeting_steps
from tests.conftest import Post, SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]


def asked(cast: Cast, **changes: str) -> dict[str, str]:
    """What the form of a new meeting holds."""
    time = (now() + timedelta(days=2)).astimezone(ZoneInfo("America/Toronto")).strftime("%Y-%m-%dT10:00")
    return {
        "title": "Stroke board",
        "service": str(cast.neurology.id),
        "time": time,
        "minutes": "60",
        "chair": str(cast.specialist.role_id),
        "members": str(cast.oncall.role_id),
        "quorum": "2",
        "times": "3",
        "every": "1",
        **changes,
    }


async def test_a_coordinator_plans_a_series_and_fills_a_list(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    consult = await meeting_steps.for_a_meeting(cast, sessions)
    await signed_in("coordinator")
    assert (await client.get("/meetings/new")).status == 200
    elsewhere = str(cast.rural.role_id)  # members are specialists of the house
    for wrong, field in (
        ("quorum", "9"),
        ("title", " "),
        ("minutes", "7"),
        ("chair", elsewhere),
        ("members", elsewhere),
    ):
        answer = await post("/meetings", **asked(cast, **{wrong: field}))
        assert answer.status == 422, wrong
        assert "Stroke board" in await answer.text() or wrong == "title"
    answer = await post("/meetings", **asked(cast))
    assert answer.status == 303
    place = answer.headers["Location"]
    page = await (await client.get("/meetings")).text()
    assert page.count('data-testid="meeting-row"') == 3
    assert (await post("/meetings", **asked(cast, title="Another"))).status == 422  # everybody is taken then
    assert 'data-testid="put-on-list"' in await (await client.get(place)).text()
    assert (await post(f"{place}/cases", consult=str(consult.id), minutes="0")).status == 422
    assert (await post(f"{place}/cases", consult=str(consult.id), minutes="15")).status == 303
    page = await (await client.get(place)).text()
    assert 'data-testid="case-missing"' in page
    assert cast.patient.family not in page
    assert (await post(f"{place}/cancellation", reason="")).status == 422
    assert (await post(f"{place}/cancellation", reason="The chair is ill.")).status == 303
    async with transaction(sessions) as session:
        assert (await session.scalars(select(MeetingCase.status))).one() is CaseStatus.POSTPONED


async def test_the_chair_goes_from_case_to_case_in_one_call(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    meeting = await meeting_steps.planned(cast, sessions)
    first = await meeting_steps.listed(cast, sessions, meeting.id)
    second = await meeting_steps.listed(cast, sessions, meeting.id)
    place = f"/meetings/{meeting.id}"
    room, in_bar = f"{place}/room", {"Turbo-Frame": "meeting-bar"}
    await signed_in("oncall")
    assert "Stroke board" in await (await client.get("/")).text()
    assert "Stroke board" in await (await client.get("/agenda")).text()
    page = await (await client.get(place)).text()
    assert page.count('data-testid="meeting-case"') == 2
    assert room in page
    assert (await post(f"{place}/next")).status == 403
    assert await (await client.get(f"{place}/now")).json() == {"open": True, "quorum": ""}
    page = await (await client.get(room)).text()  # before the first case
    assert 'data-testid="discussed"' not in page
    assert 'data-testid="next-case"' not in page
    await signed_in("specialist")
    assert (await post(f"{place}/next")).headers["Location"] == room
    page = await (await client.get(room)).text()
    assert 'data-testid="next-case"' in page
    await signed_in("oncall")
    assert (await (await client.get(f"{place}/now")).json())["quorum"]
    page = await (await client.get(room)).text()
    assert cast.patient.family.upper() in page
    assert f"/consults/{first.service_request_id}/chat/uploads" in page
    assert (await client.get(f"/consults/{first.service_request_id}/room", allow_redirects=False)).headers[
        "Location"
    ] == room
    assert (await client.get(f"/consults/{second.service_request_id}/room")).status == 404
    await signed_in("rural")  # who asked has her own room, and no list
    page = await (await client.get(f"/consults/{first.service_request_id}/room")).text()
    assert 'data-testid="meeting-bar"' not in page
    async with transaction(sessions) as session:
        chair = select(MeetingMember.id).where(MeetingMember.practitioner_role_id == cast.specialist.role_id)
        assert f'data-room-main-value="{(await session.scalars(chair)).one()}"' in page
    for path in (place, f"{place}/now", f"{place}/bar", room, f"{place}/discussed"):
        assert (await client.get(path)).status == 404
    await signed_in("specialist")
    assert (await post(f"{place}/presence", members=str(cast.oncall.role_id))).status == 303
    for _time in range(2):  # pressed twice it goes on once
        assert (await post(f"{place}/next", after=str(first.id))).headers["Location"] == room
    page = await (await client.get(f"{place}/discussed", headers=in_bar)).text()
    assert f"/consults/{second.service_request_id}/note" in page
    assert str(first.service_request_id) not in page
    assert (await post(f"{place}/next", after="x")).status == 422
    answer = await post(f"{place}/cases/{second.id}/removal", then="writing", reason="")
    assert answer.status == 422
    assert (await post(f"{place}/cases/{second.id}/removal", then="writing", reason="Late.")).status == 303
    assert 'data-testid="discussed"' not in await (await client.get(f"{place}/discussed")).text()
    assert (await post(f"{place}/end")).status == 303
    assert (await client.get(room, allow_redirects=False)).headers["Location"] == place
    assert (await post(f"{place}/next")).status == 409
    page = await (await client.get(place)).text()
    assert 'data-testid="write-conclusion"' in page


async def test_forty_cases_are_no_more_queries_than_two(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post, engine: AsyncEngine
) -> None:
    asked: list[str] = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *seen: asked.append(seen[2]))
    meeting = await meeting_steps.planned(cast, sessions)
    place = f"/meetings/{meeting.id}"
    for _case in range(2):
        await meeting_steps.listed(cast, sessions, meeting.id, minutes=1)
    counts: list[dict[str, int]] = []
    for cases in (2, MOST_CASES):
        await meeting_steps.many_listed(cast, sessions, meeting.id, after=2, count=cases - 2)
        async with transaction(sessions) as session:
            listed = select(MeetingCase.id).where(MeetingCase.meeting_id == meeting.id).order_by(MeetingCase.position)
            *_others, last = (await session.scalars(listed)).all()
        counted: dict[str, int] = {}
        for who, paths in (("coordinator", (place, "/meetings")), ("specialist", (place, f"{place}/room", "/agenda"))):
            await signed_in(who)
            for path in paths:
                await client.get(path)  # what is remembered of who asks is remembered now
                asked.clear()
                page = await (await client.get(path)).text()
                counted[f"{who} {path}"] = len(asked)
                if path == place:
                    assert page.count('data-testid="meeting-case"') == cases
        asked.clear()
        assert (await post(f"{place}/cases/{last}/place", to="1")).status == 303
        counted["to the top"] = len(asked)
        counts.append(counted)
    assert counts[0] == counts[1]
    await signed_in("coordinator")
    refused = await post(f"{place}/cases", consult=str((await meeting_steps.for_a_meeting(cast, sessions)).id))
    assert refused.status == 422, "so many and no more"


@pytest.mark.parametrize("who", ["stranger", "rural", "secretary"])
async def test_out_of_sight_for_who_is_no_member(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post, who: str
) -> None:
    meeting = await meeting_steps.planned(cast, sessions)
    case = await meeting_steps.listed(cast, sessions, meeting.id)
    await signed_in(who)
    assert (await client.get(f"/meetings/{meeting.id}")).status == 404
    for path in ("next", "end", "presence", "plan", "cancellation", "cases", f"cases/{case.id}/call"):
        assert (await post(f"/meetings/{meeting.id}/{path}")).status == 404
    async with transaction(sessions) as session:
        kept = await session.get_one(Meeting, meeting.id)
        assert kept.started_at is None
