"""Inviting and letting in: in what state, how often, and which of two devices at once."""

import asyncio
import uuid

import pytest

from teleconsult.accounts import Actor
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.actions import arrive_encounter, finish_encounter, say
from teleconsult.encounters.guest_room import knock
from teleconsult.encounters.guests import (
    GuestState,
    actor_for_device,
    admit_guest,
    guests_of,
    invitation_behind,
    invite_guest,
    open_pass,
    revoke_guest,
)
from teleconsult.encounters.models import GuestKind, GuestPass
from teleconsult.errors import NotFound, Refused
from tests import consult_steps
from tests.kept_rows import KeptRows
from tests.people import Cast


@pytest.fixture
async def consult(cast: Cast, sessions: Sessions, kept_rows: KeptRows) -> ServiceRequest:
    """A booked consult."""
    return await consult_steps.booked_lately(cast, sessions, kept_rows)


async def invited(sessions: Sessions, actor: Actor, consult: ServiceRequest) -> tuple[GuestPass, str]:
    """A pass and the token of its link."""
    async with transaction(sessions, actor) as session:
        return await invite_guest(session, actor, consult_id=consult.id, kind=GuestKind.PATIENT, name="Rose")


async def opened(sessions: Sessions, token: str) -> Actor:
    """The guest, on a device of their own."""
    async with transaction(sessions) as session:
        invitation = await invitation_behind(session, token)
        assert invitation
        found = await actor_for_device(session, await open_pass(session, invitation, cookie=""))
    assert found
    return found[0]


async def state(sessions: Sessions, actor: Actor, consult: ServiceRequest) -> GuestState:
    """How far the one guest has come."""
    async with transaction(sessions, actor) as session:
        (guest,) = await guests_of(session, actor, consult.id)
    return guest.state


async def test_how_far_a_guest_has_come(sessions: Sessions, cast: Cast, consult: ServiceRequest) -> None:
    kept, token = await invited(sessions, cast.rural, consult)
    assert await state(sessions, cast.specialist, consult) is GuestState.INVITED
    guest = await opened(sessions, token)
    assert await state(sessions, cast.rural, consult) is GuestState.OPENED
    for _ in range(2):
        async with transaction(sessions, guest) as session:
            assert not await knock(session, guest, consult_id=consult.id)
    assert await state(sessions, cast.rural, consult) is GuestState.WAITING
    with pytest.raises(NotFound):
        async with transaction(sessions, guest) as session:
            await arrive_encounter(session, guest, consult_id=consult.id)
    async with transaction(sessions, cast.specialist) as session:
        await admit_guest(session, cast.specialist, consult_id=consult.id, pass_id=kept.id)
    async with transaction(sessions, guest) as session:
        assert await knock(session, guest, consult_id=consult.id)
        await arrive_encounter(session, guest, consult_id=consult.id)
        await say(session, guest, consult_id=consult.id, message_id=uuid.uuid4(), text="hello")
    assert await state(sessions, cast.rural, consult) is GuestState.IN_ROOM
    async with transaction(sessions, cast.rural) as session:
        await revoke_guest(session, cast.rural, consult_id=consult.id, pass_id=kept.id)
    assert await state(sessions, cast.rural, consult) is GuestState.REVOKED
    with pytest.raises(NotFound):
        async with transaction(sessions, guest) as session:
            await say(session, guest, consult_id=consult.id, message_id=uuid.uuid4(), text="still here")


async def test_of_two_devices_at_once_one_keeps_the_link(
    sessions: Sessions, cast: Cast, consult: ServiceRequest
) -> None:
    _kept, token = await invited(sessions, cast.rural, consult)

    async def open_it() -> str:
        async with transaction(sessions) as session:
            invitation = await invitation_behind(session, token)
            assert invitation
            return await open_pass(session, invitation, cookie="")

    results = await asyncio.gather(open_it(), open_it(), return_exceptions=True)
    assert {type(result) for result in results} == {str, Refused}


async def test_a_closed_room_has_no_guests(sessions: Sessions, cast: Cast, consult: ServiceRequest) -> None:
    _kept, token = await invited(sessions, cast.rural, consult)
    async with transaction(sessions) as session:
        await finish_encounter(session, cast.specialist, consult_id=consult.id)
    with pytest.raises(Refused):
        await invited(sessions, cast.rural, consult)
    async with transaction(sessions) as session:
        assert await invitation_behind(session, token) is None


async def test_a_guest_is_in_no_other_session(sessions: Sessions, cast: Cast, consult: ServiceRequest) -> None:
    _kept, token = await invited(sessions, cast.rural, consult)
    guest = await opened(sessions, token)
    other = await consult_steps.booked(cast, sessions, in_minutes=200)
    for consult_id in (other.id, uuid.uuid4()):
        with pytest.raises(NotFound):
            async with transaction(sessions, guest) as session:
                await knock(session, guest, consult_id=consult_id)
