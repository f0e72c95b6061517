"""One call for all cases of a meeting: its members stay, who belongs to one case comes and goes with it."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import select

from teleconsult.clock import now
from teleconsult.consents.withdrawing import withdraw_consent
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.attendance import stays_of
from teleconsult.encounters.call_models import Departure
from teleconsult.encounters.guests import admit_guest, invitation_behind, invite_guest, open_pass
from teleconsult.encounters.models import Encounter, GuestKind
from teleconsult.encounters.queries import chat_of, encounter_for
from teleconsult.meetings.models import Meeting, MeetingCase
from teleconsult.meetings.queries import standing_case
from teleconsult.meetings.running import end_meeting, next_case
from teleconsult.patients.models import CareRelation
from tests import meeting_steps
from tests.people import Cast
from tests.signaling.conftest import COOKIES, LiveSite
from tests.signaling.visitors import Visitor, VisitorMaker

CHAIR, MEMBER, RURAL = "Dr Nguyễn Thị Minh", "Dr Paul Girard", "Dr Hélène Tremblay"
Go = Callable[[], Awaitable[MeetingCase | None]]


@dataclass
class Board:
    """A meeting with a case of the rural doctor's and one of her colleague's."""

    meeting: Meeting
    first: MeetingCase
    second: MeetingCase
    go_on: Go

    @property
    def consults(self) -> tuple[uuid.UUID, uuid.UUID]:
        """Of both cases."""
        return self.first.service_request_id, self.second.service_request_id


@pytest.fixture
async def board(cast: Cast, sessions: Sessions) -> Board:
    meeting = await meeting_steps.planned(cast, sessions)
    first = await meeting_steps.listed(cast, sessions, meeting.id)
    async with transaction(sessions) as session:
        session.add(
            CareRelation(
                patient_id=cast.patient.id,
                practitioner_role_id=cast.colleague.role_id,
                reason="treats",
                started_at=now(),
            )
        )
    theirs = await meeting_steps.for_a_meeting(replace(cast, rural=cast.colleague), sessions)
    second = await meeting_steps.listed(cast, sessions, meeting.id, theirs)
    called: list[uuid.UUID | None] = [None]

    async def go_on() -> MeetingCase | None:
        async with transaction(sessions, cast.specialist) as session:
            case = await next_case(session, cast.specialist, meeting_id=meeting.id, after=called[-1])
        called.append(case.id if case else None)
        return case

    return Board(meeting, first, second, go_on)


async def come(visitor: Visitor, board: Board, **changes: Any) -> dict[str, Any]:
    """A member comes into the meeting's call."""
    message = {"meeting": str(board.meeting.id), "page": str(visitor.page), "audio": True, "video": True}
    return await visitor.ask("join", message | changes)


async def moved(visitor: Visitor, board: Board) -> dict[str, Any]:
    """They are told that the meeting went on, and join again as their page does."""
    await visitor.next("moved")
    return await come(visitor, board)


def there(joined: dict[str, Any]) -> set[str]:
    """Who is in the call besides."""
    return {peer["name"] for peer in joined["peers"] if peer["present"]}


async def test_members_stay_in_one_call_while_each_case_brings_its_own_doctor(
    visit: VisitorMaker, board: Board, cast: Cast, sessions: Sessions
) -> None:
    one, two = board.consults
    chair, member = await visit("specialist"), await visit("oncall")
    rural, colleague = await visit("rural"), await visit("colleague")
    before, seated = await come(chair, board), await come(member, board)
    assert before["room"] == seated["room"] == str(board.meeting.id)  # there is a call before the first case
    assert "consult" not in before
    assert there(seated) == {CHAIR}
    waits = await rural.join(one)
    assert waits["room"] == str(one)
    assert there(waits) == set()
    assert (await colleague.join(two))["room"] == str(two)
    assert (await chair.ask("chat", {"id": str(uuid.uuid4()), "text": "x"})) == {"error": "not-open"}

    await board.go_on()
    first = await moved(chair, board)
    assert (first["consult"], first["pid"]) == (str(one), before["pid"])
    assert (await moved(member, board))["pid"] == seated["pid"]
    assert (await rural.next("moved"))["consult"] == str(one)
    joined = await rural.join(one)
    assert joined["room"] == str(board.meeting.id)
    assert there(joined) == {CHAIR, MEMBER}
    assert {peer["pid"] for peer in joined["peers"]} == {before["pid"], seated["pid"]}
    assert joined["state"] == "live"
    while (told := await member.next("peer"))["peer"]["pid"] != joined["pid"]:
        assert told["peer"]["pid"] == before["pid"]
    await rural.ask("chat", {"id": str(uuid.uuid4()), "text": "Of the first"})
    assert (await member.next("chat"))["text"] == "Of the first"
    assert await colleague.hears_nothing("chat", within=0)

    await board.go_on()
    assert (await rural.next("moved"))["consult"] == str(one)
    second = await moved(chair, board)
    assert (second["consult"], second["pid"]) == (str(two), before["pid"])
    assert second["chat"] == []
    assert RURAL not in {peer["name"] for peer in second["peers"]}
    assert await rural.ask("media", {"audio": True, "video": True}) == {"error": "not-joined"}
    await moved(member, board)
    await colleague.next("moved")
    assert there(await colleague.join(two)) == {CHAIR, MEMBER}
    back = await rural.join(one)  # in the room of her own case
    assert (back["room"], back["state"], there(back)) == (str(one), "ended", set())
    await chair.ask("chat", {"id": str(uuid.uuid4()), "text": "Of the second"})
    assert (await colleague.next("chat"))["text"] == "Of the second"
    assert await rural.hears_nothing("chat")
    async with transaction(sessions, cast.specialist) as session:
        texts = [
            [line.text for line, _ in await chat_of(session, await encounter_for(session, cast.specialist, consult))]
            for consult in board.consults
        ]
    assert texts == [["Of the first"], ["Of the second"]]


async def test_each_case_has_its_own_attendance_and_the_quorum_counts_who_is_in_the_call(
    visit: VisitorMaker, board: Board, cast: Cast, sessions: Sessions
) -> None:
    chair, member = await visit("specialist"), await visit("oncall")
    await come(chair, board)
    await board.go_on()
    await moved(chair, board)
    late = await come(member, board)  # while the first case is discussed
    assert late["consult"] == str(board.consults[0])
    await board.go_on()
    await moved(chair, board)
    await member.close()
    await board.go_on()
    last = await moved(chair, board)
    assert "consult" not in last
    async with transaction(sessions, cast.specialist) as session:
        for consult in board.consults:
            case = await standing_case(session, consult)
            assert case is not None
            assert case.has_quorum is (consult == board.consults[0])
    async with transaction(sessions) as session:
        found = await session.scalars(select(Encounter).where(Encounter.service_request_id == board.consults[0]))
        stays = await stays_of(session, found.one().id)
        assert [stay.how for stay in stays] == [Departure.LEFT, Departure.LEFT]


async def test_only_members_come_in_and_all_are_out_when_it_is_over(
    visit: VisitorMaker, board: Board, cast: Cast, sessions: Sessions
) -> None:
    for who in ("rural", "stranger", "colleague"):
        assert await come(await visit(who), board) == {"error": "not-found"}
    chair, member, rural = await visit("specialist"), await visit("oncall"), await visit("rural")
    await come(chair, board)
    await come(member, board)
    await board.go_on()
    await moved(chair, board)
    joined = await rural.join(board.consults[0])
    await chair.ask("leave", {})  # the chair drops out: the case goes on
    assert (await moved(member, board))["consult"] == str(board.consults[0])
    assert joined["room"] == str(board.meeting.id)
    assert (await come(chair, board))["state"] == "live"
    async with transaction(sessions, cast.specialist) as session:
        await end_meeting(session, cast.specialist, meeting_id=board.meeting.id)
    for visitor in (chair, member):
        assert (await visitor.next("bye"))["reason"] == "ended"
    await rural.next("moved")
    assert (await rural.join(board.consults[0]))["room"] == str(board.consults[0])
    assert await come(await visit("oncall"), board) == {"error": "not-open"}


async def test_a_member_stays_where_the_patient_of_the_case_agrees_no_longer(
    visit: VisitorMaker, board: Board, cast: Cast, sessions: Sessions
) -> None:
    chair, rural = await visit("specialist"), await visit("rural")
    await come(chair, board)
    await board.go_on()
    mine = await moved(chair, board)
    await rural.join(board.consults[0])
    async with transaction(sessions, cast.rural) as session:
        await withdraw_consent(session, cast.rural, consult_id=board.consults[0], reason="She said no.")
    assert (await rural.next("bye"))["reason"] == "ended"
    without = await moved(chair, board)
    assert (without["pid"], without["room"]) == (mine["pid"], mine["room"])
    assert "consult" not in without


async def test_a_guest_of_one_case_is_out_when_it_is_over(
    visit: VisitorMaker, board: Board, site: LiveSite, cast: Cast, sessions: Sessions
) -> None:
    chair, rural = await visit("specialist"), await visit("rural")
    await come(chair, board)
    await rural.join(board.consults[0])
    async with transaction(sessions, cast.rural) as session:
        kept, token = await invite_guest(
            session, cast.rural, consult_id=board.consults[0], kind=GuestKind.PATIENT, name="Rose"
        )
    async with transaction(sessions) as session:
        invitation = await invitation_behind(session, token)
        assert invitation
        cookie = await open_pass(session, invitation, cookie="")
    headers = {"Cookie": f"{COOKIES.guest}={cookie}", "Origin": site.url}
    rose = Visitor(site.url, namespace="/room", headers=headers, auth={"as": "guest"})
    await rose.connect()
    assert await rose.join(board.consults[0]) == {"error": "not-admitted"}
    async with transaction(sessions, cast.rural) as session:
        await admit_guest(session, cast.rural, consult_id=board.consults[0], pass_id=kept.id)
    await rose.next("admitted")
    assert there(await rose.join(board.consults[0])) == {RURAL}  # in the room of that case, with its doctor alone
    assert await come(rose, board) == {"error": "not-found"}
    await board.go_on()
    await moved(chair, board)
    await rural.next("moved")
    await rural.join(board.consults[0])
    await rose.next("moved")
    assert there(await rose.join(board.consults[0])) == {CHAIR, RURAL}
    await board.go_on()
    await asyncio.wait_for(rose.gone.wait(), 10)
    while (told := await chair.next("peer"))["change"] != "left" or told["peer"]["name"] != "Rose":
        pass
    assert there(await moved(chair, board)) == set()


async def test_who_was_cut_off_when_the_case_ended_is_out_of_the_call_at_once(
    visit: VisitorMaker, board: Board, site: LiveSite
) -> None:
    chair, rural = await visit("specialist"), await visit("rural")
    await come(chair, board)
    await board.go_on()
    await moved(chair, board)
    pid = (await rural.join(board.consults[0]))["pid"]
    await rural.close()
    while (told := await chair.next("peer"))["change"] != "lost":
        assert told["peer"]["pid"] == pid
    await board.go_on()
    while (told := await chair.next("peer"))["change"] != "left":
        assert told["peer"]["pid"] == pid
    assert not site.live.room.lost


async def test_the_next_case_never_begins_with_the_doctor_of_the_last_in_the_room(
    visit: VisitorMaker, board: Board
) -> None:
    """However both fall together: who comes in and the meeting that goes on take turns."""
    chair, rural = await visit("specialist"), await visit("rural")
    await come(chair, board)
    await board.go_on()
    await moved(chair, board)
    _, joined = await asyncio.gather(board.go_on(), rural.join(board.consults[0]))
    if joined["room"] == str(board.meeting.id):
        await rural.next("moved")
        joined = await rural.join(board.consults[0])
    assert joined["room"] == str(board.consults[0])
    assert there(await come(chair, board)) == set()
    assert await chair.ask("signal", {"to": joined["pid"], "candidate": {"candidate": ""}}) == {"error": "gone"}


async def test_who_looks_before_we_were_told_does_not_meet_who_was_there_before(
    visit: VisitorMaker, board: Board, site: LiveSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The news that a meeting went on travels; pages may be faster, the chair's own first of all."""
    chair, member, rural = await visit("specialist"), await visit("oncall"), await visit("rural")
    colleague = await visit("colleague")
    await come(chair, board)
    await board.go_on()
    await moved(chair, board)
    assert (await rural.join(board.consults[0]))["room"] == str(board.meeting.id)

    async def not_yet(_meeting_id: uuid.UUID) -> None:
        """The news is still on its way."""

    monkeypatch.setattr(site.live.room.meetings, "go_on", not_yet)
    await board.go_on()
    assert there(await colleague.join(board.consults[1])) == {CHAIR}
    assert (await rural.next("moved"))["consult"] == str(board.consults[0])
    assert await rural.ask("media", {"audio": True, "video": True}) == {"error": "not-joined"}
    assert RURAL not in there(await come(member, board))


async def test_a_path_of_another_call_counts_for_nothing(visit: VisitorMaker, board: Board) -> None:
    chair, rural = await visit("specialist"), await visit("rural")
    path = (await come(chair, board))["path"]
    await rural.join(board.consults[0], path={"number": 7, "way": "server"})
    await board.go_on()
    await moved(chair, board)
    await rural.next("moved")
    again = {"path": {"number": 7, "way": "server"}, "room": str(board.consults[0])}
    assert (await rural.join(board.consults[0], **again))["path"]["number"] == path["number"]
