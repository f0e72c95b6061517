"""Who hears of what: both sides, never who acted, never who may not see the consult, each occurrence once."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text, update

from teleconsult.accounts.models import Account
from teleconsult.clock import now
from teleconsult.consults.answering import accept_consult
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.triage import cancel_consult
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import DutyShift, PractitionerRole, RoleCode
from teleconsult.messages.channels import reach
from teleconsult.messages.occasions import OCCASIONS, Side
from teleconsult.settings import Settings
from tests import consult_steps
from tests.news_steps import notices_of, told
from tests.people import Cast, another_neurologist


async def happens(cast: Cast, sessions: Sessions, name: str, consult: ServiceRequest, *, by: str = "rural") -> None:
    """An event of a consult, by somebody of the cast."""
    async with transaction(sessions, getattr(cast, by)) as session:
        await tell_consult(session, name, await consult_for(session, cast.rural, consult.id))


SIDES = {Side.REQUESTER: "rural", Side.SPECIALIST: "specialist", Side.COORDINATORS: "coordinator"}


@pytest.mark.parametrize("name", [name for name in OCCASIONS if name.startswith("Consult")])
async def test_everybody_it_says_but_who_acted(cast: Cast, sessions: Sessions, settings: Settings, name: str) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions) as session:
        await session.execute(text("delete from procrastinate_jobs"))
    expected = {who for side, who in SIDES.items() if side in OCCASIONS[name].told}
    for by in ("rural", "specialist"):
        async with transaction(sessions) as session:
            await session.execute(text("delete from notice"))
        await happens(cast, sessions, name, consult, by=by)
        assert await told(settings, sessions, name) == {getattr(cast, who).role_id for who in expected - {by}}, by


async def test_a_request_goes_to_the_desk_and_who_is_on_duty(
    cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    async with transaction(sessions) as session:
        on_duty = await another_neurologist(session, cast)
        moment = now()
        hours = {"starts_at": moment - timedelta(hours=1), "ends_at": moment + timedelta(hours=1), "created_at": moment}
        session.add(DutyShift(service_id=cast.neurology.id, practitioner_role_id=on_duty.role_id, **hours))
        past = {**hours, "ends_at": moment - timedelta(minutes=1)}
        session.add(DutyShift(service_id=cast.neurology.id, practitioner_role_id=cast.specialist.role_id, **past))
    consult = await consult_steps.submitted(cast, sessions)
    await happens(cast, sessions, "ConsultSubmitted", consult)
    assert await told(settings, sessions, "ConsultSubmitted") >= {cast.coordinator.role_id, on_duty.role_id}
    assert not await notices_of(sessions, cast.specialist)


async def test_where_there_is_no_desk_the_specialists_hear(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    async with transaction(sessions) as session:
        await session.execute(
            update(PractitionerRole).where(PractitionerRole.code == RoleCode.COORDINATOR).values(ended_at=now())
        )
    await consult_steps.submitted(cast, sessions)
    assert cast.specialist.role_id in await told(settings, sessions, "ConsultSubmitted")
    assert not await notices_of(sessions, cast.oncall), "another specialty"


async def test_who_cannot_sign_in_is_not_told(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions) as session:
        await session.execute(
            update(Account).where(Account.id == cast.coordinator.account_id).values(disabled_at=now())
        )
    await happens(cast, sessions, "ConsultCancelled", consult)
    assert await told(settings, sessions, "ConsultCancelled") == {cast.specialist.role_id}


async def test_who_gave_it_back_is_not_told(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    """The look is as of now: whoever may not open the consult any more hears nothing of it."""
    consult = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions) as session:
        await session.execute(text("update task set status = 'rejected'"))
    async with transaction(sessions, cast.rural) as session:
        told_of = await consult_for(session, cast.rural, consult.id)
        await tell_consult(session, "ConsultImagesAdded", told_of)
    assert await told(settings, sessions, "ConsultImagesAdded") == set()


async def test_the_act_itself_says_who_acted(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions, cast.specialist) as session:
        await accept_consult(session, cast.specialist, consult_id=consult.id)
    assert await told(settings, sessions, "ConsultAccepted") == {cast.rural.role_id, cast.coordinator.role_id}
    async with transaction(sessions, cast.rural) as session:
        await cancel_consult(session, cast.rural, consult_id=consult.id, reason="The patient was transferred.")
    assert await told(settings, sessions, "ConsultCancelled") == {cast.specialist.role_id, cast.coordinator.role_id}


async def test_what_is_rolled_back_is_told_to_nobody(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    with pytest.raises(RuntimeError):
        async with transaction(sessions, cast.rural) as session:
            await cancel_consult(session, cast.rural, consult_id=consult.id, reason="The patient was transferred.")
            raise RuntimeError
    assert await told(settings, sessions, "ConsultCancelled") == set()


async def test_the_same_again_within_minutes_is_said_once(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    for _time in range(3):
        await happens(cast, sessions, "ConsultImagesAdded", consult)
    await told(settings, sessions, "ConsultImagesAdded")
    assert [notice.occasion for notice in await notices_of(sessions, cast.specialist)] == ["ConsultImagesAdded"]


async def test_what_is_urgent_reaches_once_and_nobody_who_may_not_see(cast: Cast, sessions: Sessions) -> None:
    consult, occurrence = await consult_steps.accepted(cast, sessions), uuid.uuid4()

    async def reached(role_id: uuid.UUID | None, occurrence: uuid.UUID) -> bool:
        assert role_id is not None
        async with transaction(sessions) as session:
            return await reach(session, role_id, "ConsultMissed", consult_id=consult.id, occurrence=occurrence)

    assert await reached(cast.specialist.role_id, occurrence)
    assert not await reached(cast.specialist.role_id, occurrence)
    for nobody in (cast.stranger, cast.oncall, cast.admin):
        assert not await reached(nobody.role_id, uuid.uuid4())
