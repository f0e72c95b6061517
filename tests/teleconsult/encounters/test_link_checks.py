"""Keeping a check of the link: whose, when, how often; and who is shown it."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from teleconsult.accounts import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.actions import finish_encounter
from teleconsult.encounters.guests import actor_for_device, invitation_behind, invite_guest, open_pass, revoke_guest
from teleconsult.encounters.link_checks import (
    GOOD_FOR,
    MOST,
    Checked,
    check_in_force,
    checks_of,
    keep_link_check,
    newest_check,
    own_seat,
)
from teleconsult.encounters.link_figures import Devices, Figures
from teleconsult.encounters.link_models import LinkCheck, LinkVerdict, Way
from teleconsult.encounters.models import GuestKind
from teleconsult.errors import NotFound, Refused, TooMany
from tests import consult_steps
from tests.kept_rows import KeptRows
from tests.people import Cast

FAIR = Figures(
    round_trip=182.4,
    jitter=12,
    loss=0.01,
    uplink=410_000,
    downlink=900_000,
    ways=(Way.DIRECT, Way.RELAY_TLS),
    blocked_ways=(Way.RELAY_UDP,),
)
THIN = Figures(loss=0.02, uplink=90_000, downlink=120_000, ways=(Way.RELAY_TCP,))
ALL = Devices(camera=True, microphone=True, speaker=True)


@pytest.fixture
async def consult(cast: Cast, sessions: Sessions, kept_rows: KeptRows) -> ServiceRequest:
    """A booked consult."""
    return await consult_steps.booked_lately(cast, sessions, kept_rows)


async def kept(sessions: Sessions, actor: Actor, consult: ServiceRequest, figures: Figures = FAIR) -> LinkCheck:
    """A check that was kept."""
    async with transaction(sessions, actor) as session:
        return await keep_link_check(
            session,
            actor,
            consult_id=consult.id,
            figures=figures,
            devices=ALL,
            verdict=LinkVerdict.PICTURES if figures is THIN else LinkVerdict.VIDEO,
        )


async def guest_of(sessions: Sessions, cast: Cast, consult: ServiceRequest) -> Actor:
    """A guest who opened their link and was not let in yet."""
    async with transaction(sessions, cast.rural) as session:
        _kept, token = await invite_guest(
            session, cast.rural, consult_id=consult.id, kind=GuestKind.PATIENT, name="Rose"
        )
    async with transaction(sessions) as session:
        invitation = await invitation_behind(session, token)
        assert invitation
        found = await actor_for_device(session, await open_pass(session, invitation, cookie=""))
    assert found
    return found[0]


async def sides(sessions: Sessions, actor: Actor, consult: ServiceRequest) -> list[Checked]:
    """What the actor is shown of it."""
    async with transaction(sessions, actor) as session:
        return (await checks_of(session, actor, [consult.id])).get(consult.id, [])


async def test_what_was_found_is_kept_and_told(sessions: Sessions, cast: Cast, consult: ServiceRequest) -> None:
    check = await kept(sessions, cast.rural, consult)
    assert (check.verdict, check.round_trip, check.uplink) == (LinkVerdict.VIDEO, 182, 410_000)
    assert (check.ways, check.blocked_ways) == (["direct", "relay-tls"], ["relay-udp"])
    for actor in (cast.rural, cast.specialist, cast.coordinator):
        asking, answering = await sides(sessions, actor, consult)
        assert asking.check and asking.check.verdict is LinkVerdict.VIDEO
        assert (asking.role_id, answering.role_id) == (cast.rural.role_id, cast.specialist.role_id)
        assert answering.is_specialist and answering.check is None
    async with transaction(sessions) as session:
        events = select(AuditEvent).where(AuditEvent.action == "link-checked", AuditEvent.entity_id == check.id)
        event = (await session.scalars(events)).one()
    assert (event.account_id, event.patient_id) == (cast.rural.account_id, consult.patient_id)
    assert event.detail["verdict"] == "video"


async def test_the_newest_check_counts_for_a_day(sessions: Sessions, cast: Cast, consult: ServiceRequest) -> None:
    async with transaction(sessions, cast.rural) as session:
        seat = (await own_seat(session, cast.rural, consult.id)).participant_id
        assert await check_in_force(session, seat) is None
    await kept(sessions, cast.rural, consult)
    thin = await kept(sessions, cast.rural, consult, THIN)
    async with transaction(sessions, cast.rural) as session:
        found = await check_in_force(session, seat)
        assert found and found.id == thin.id
        assert (await sides(sessions, cast.coordinator, consult))[0].check.id == thin.id  # type: ignore[union-attr]
    async with transaction(sessions, cast.specialist) as session:
        other = (await own_seat(session, cast.specialist, consult.id)).participant_id
        session.add(_check(other, ago=GOOD_FOR))
        await session.flush()
        assert await newest_check(session, other)
        assert await check_in_force(session, other) is None


async def test_a_guest_keeps_their_own_and_sees_no_other(
    sessions: Sessions, cast: Cast, consult: ServiceRequest
) -> None:
    guest = await guest_of(sessions, cast, consult)
    await kept(sessions, cast.rural, consult)
    own = await kept(sessions, guest, consult, THIN)
    async with transaction(sessions, guest) as session:
        assert list(await session.scalars(select(LinkCheck.id))) == [own.id]
    async with transaction(sessions, cast.rural) as session:
        passes = (await session.scalars(select(LinkCheck.participant_id))).all()
        assert len(passes) == 2
        await revoke_guest(session, cast.rural, consult_id=consult.id, pass_id=guest.guest_pass_id or consult.id)
    with pytest.raises(NotFound):
        await kept(sessions, guest, consult)


@pytest.mark.parametrize("who", ["colleague", "coordinator", "stranger", "oncall"])
async def test_who_takes_no_part_checks_nothing(
    sessions: Sessions, cast: Cast, consult: ServiceRequest, who: str
) -> None:
    with pytest.raises(NotFound):
        await kept(sessions, getattr(cast, who), consult)


async def test_strangers_are_shown_nothing(sessions: Sessions, cast: Cast, consult: ServiceRequest) -> None:
    await kept(sessions, cast.rural, consult)
    assert await sides(sessions, cast.stranger, consult) == []
    assert await sides(sessions, cast.oncall, consult) == []
    async with transaction(sessions, cast.coordinator) as session:
        assert await checks_of(session, cast.coordinator, []) == {}


async def test_before_the_booking_and_after_the_end_there_is_nothing_to_check(
    sessions: Sessions, cast: Cast, consult: ServiceRequest
) -> None:
    waiting = await consult_steps.accepted(cast, sessions)
    with pytest.raises(NotFound):
        await kept(sessions, cast.rural, waiting)
    async with transaction(sessions) as session:
        await finish_encounter(session, cast.specialist, consult_id=consult.id)
    with pytest.raises(Refused):
        await kept(sessions, cast.rural, consult)
    assert await sides(sessions, cast.coordinator, consult) == []


async def test_twenty_an_hour_and_no_more(sessions: Sessions, cast: Cast, consult: ServiceRequest) -> None:
    check = await kept(sessions, cast.rural, consult)
    async with transaction(sessions) as session:
        session.add_all(_check(check.participant_id, ago=timedelta(minutes=1)) for _ in range(MOST - 1))
    with pytest.raises(TooMany):
        await kept(sessions, cast.rural, consult)


def _check(participant_id: uuid.UUID, *, ago: timedelta) -> LinkCheck:
    return LinkCheck(
        participant_id=participant_id,
        checked_at=now() - ago,
        verdict=LinkVerdict.VIDEO,
        has_camera=True,
        has_microphone=True,
    )
