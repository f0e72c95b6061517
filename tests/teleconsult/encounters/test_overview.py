"""All sessions of an establishment in numbers: who may see them, and what they say."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.call_models import CallSummary
from teleconsult.encounters.link_models import LinkCheck, LinkVerdict
from teleconsult.encounters.models import Encounter, EncounterParticipant
from teleconsult.encounters.overview import Foretold, overview
from teleconsult.errors import NotFound
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from tests import consult_steps
from tests.people import Cast


async def was(
    sessions: Sessions,
    cast: Cast,
    status: AppointmentStatus,
    *,
    reason: str = "",
    seconds: int = 1200,
    days_ago: float = 3,
) -> None:
    """A session of some days ago; the rural side was on pictures for half of it, and its link weak for a quarter."""
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions) as session:
        found = select(Appointment, Encounter).join(Encounter, Encounter.appointment_id == Appointment.id)
        appointment, encounter = (await session.execute(found.where(Encounter.service_request_id == consult.id))).one()
        began = now() - timedelta(days=days_ago)
        appointment.starts_at, appointment.ends_at = began, began + timedelta(minutes=30)
        appointment.specialist_key = None
        appointment.status, appointment.status_reason = status, reason
        if status is not AppointmentStatus.FULFILLED:
            return
        encounter.started_at, encounter.ended_at = began, began + timedelta(seconds=seconds)
        seats = await session.scalars(
            select(EncounterParticipant).where(EncounterParticipant.encounter_id == encounter.id)
        )
        for seat in seats.all():
            is_rural = seat.practitioner_role_id == cast.rural.role_id
            session.add(
                CallSummary(
                    encounter_id=encounter.id,
                    participant_id=seat.id,
                    ended_at=encounter.ended_at,
                    seconds=seconds,
                    video_seconds=0 if is_rural else seconds,
                    picture_seconds=seconds if is_rural else 0,
                    sound_seconds=0,
                    weak_seconds=seconds // 4 if is_rural else 0,
                    interruptions=1 if is_rural else 0,
                    interrupted_seconds=10 if is_rural else 0,
                    round_trip=300 if is_rural else 40,
                    loss=30 if is_rural else 2,
                )
            )
            if is_rural:
                for hours, verdict in ((2, LinkVerdict.VIDEO), (1, LinkVerdict.SOUND), (-1, LinkVerdict.WRITE)):
                    session.add(
                        LinkCheck(
                            participant_id=seat.id,
                            checked_at=began - timedelta(hours=hours),
                            verdict=verdict,
                            has_camera=True,
                            has_microphone=True,
                        )
                    )


async def test_what_it_says(cast: Cast, sessions: Sessions) -> None:
    await was(sessions, cast, AppointmentStatus.FULFILLED, seconds=1200)
    await was(sessions, cast, AppointmentStatus.FULFILLED, seconds=600)
    await was(sessions, cast, AppointmentStatus.NOSHOW, reason="no-specialist")
    await consult_steps.booked(cast, sessions)
    for who in (cast.coordinator, cast.admin):
        async with transaction(sessions, who) as session:
            found = await overview(session, who, days=30)
            hidden = await session.scalar(text("select count(*) from call_summary"))
        totals = found.totals
        assert (totals.held, totals.missed, totals.no_specialist, totals.no_requester) == (2, 1, 1, 0)
        assert (totals.summed, totals.median_seconds) == (2, 900)
        assert (totals.video, totals.pictures, totals.sound) == (0.5, 0.5, 0)
        assert totals.interruptions_an_hour == 2
        worst, best = found.sites
        assert (worst.name, worst.sessions, worst.weak) == (cast.organizations["rural"].name, 2, 0.25)
        assert (worst.interruptions_an_hour, worst.loss, worst.round_trip) == (4, 0.03, 300)
        assert (best.name, best.weak) == (cast.organizations["tertiary"].name, 0)
        assert found.foretold == [Foretold(LinkVerdict.SOUND, 0, 2, 0)], "by the last check before it began"
        assert [name for _, name in found.partners] == [cast.organizations["rural"].name]
        assert hidden == 0, "after it the act is theirs again"


async def test_one_partner_and_a_short_while(cast: Cast, sessions: Sessions) -> None:
    await was(sessions, cast, AppointmentStatus.FULFILLED)
    async with transaction(sessions, cast.coordinator) as session:
        rural = cast.organizations["rural"].id
        assert (await overview(session, cast.coordinator, days=7, partner_id=rural)).totals.held == 1
        assert (await overview(session, cast.coordinator, days=7, partner_id=uuid.uuid4())).totals.held == 0
        nothing = await overview(session, cast.coordinator, days=1)
    assert (nothing.totals.held, nothing.totals.median_seconds, nothing.sites) == (0, None, [])


async def test_one_that_was_held_before_its_time_counts(cast: Cast, sessions: Sessions) -> None:
    await was(sessions, cast, AppointmentStatus.FULFILLED, days_ago=-1)
    await was(sessions, cast, AppointmentStatus.BOOKED, days_ago=-1)
    async with transaction(sessions, cast.coordinator) as session:
        assert (await overview(session, cast.coordinator, days=7)).totals.held == 1


@pytest.mark.parametrize("who", ["rural", "specialist", "secretary", "privacy", "operator", "stranger", "nurse"])
async def test_who_has_no_part_in_it(cast: Cast, sessions: Sessions, who: str) -> None:
    actor = getattr(cast, who)
    with pytest.raises(NotFound):
        async with transaction(sessions, actor) as session:
            await overview(session, actor, days=30)
