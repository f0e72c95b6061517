"""One's own news: of consults one may see, marked by looking, kept for a while, and never somebody else's."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import HealthcareService, Specialty
from teleconsult.messages.models import Notice
from teleconsult.messages.pruning import KEPT, prune
from teleconsult.messages.queries import COUNTED, SHOWN, count_unread, mark_read, own_notices
from teleconsult.settings import Settings
from tests import consult_steps
from tests.mailbox import work
from tests.people import Cast


@pytest.fixture
async def consult(cast: Cast, sessions: Sessions, settings: Settings) -> ServiceRequest:
    """Accepted: both sides have news of it."""
    consult = await consult_steps.accepted(cast, sessions)
    await work(settings, sessions)
    return consult


async def unread(sessions: Sessions, actor: Actor) -> int:
    async with transaction(sessions, actor) as session:
        return await count_unread(session, actor)


async def listed(sessions: Sessions, actor: Actor) -> list[str]:
    async with transaction(sessions, actor) as session:
        return [notice.occasion for notice in await own_notices(session, actor)]


@pytest.mark.usefixtures("consult")
async def test_ones_own_and_nobody_elses(cast: Cast, sessions: Sessions) -> None:
    assert await listed(sessions, cast.rural) == ["ConsultAccepted", "ConsultSubmitted"]
    assert await unread(sessions, cast.coordinator) == 2
    for nobody in (cast.colleague, cast.oncall, cast.stranger, cast.admin, cast.operator):
        assert await listed(sessions, nobody) == []
        assert await unread(sessions, nobody) == 0


async def test_looking_at_the_consult_is_reading(cast: Cast, sessions: Sessions, consult: ServiceRequest) -> None:
    async with transaction(sessions, cast.coordinator) as session:
        assert await mark_read(session, cast.coordinator, consult_id=consult.id) == 2
    assert (await unread(sessions, cast.coordinator), await unread(sessions, cast.rural)) == (0, 2)
    async with transaction(sessions, cast.rural) as session:
        assert await mark_read(session, cast.rural, consult_id=cast.patient.id) == 0, "another consult"
        assert await mark_read(session, cast.rural) == 2
        assert await mark_read(session, cast.rural) == 0
    assert len(await listed(sessions, cast.rural)) == 2, "it stays on the list"


@pytest.mark.usefixtures("consult")
async def test_of_a_consult_one_may_not_see_any_more_nothing(cast: Cast, sessions: Sessions) -> None:
    """Redirected to another establishment, say: its old coordinator has no part in it."""
    house = cast.organizations["provincial"]
    async with transaction(sessions) as session:
        elsewhere = HealthcareService(organization_id=house.id, specialty=Specialty.NEUROLOGY)
        session.add(elsewhere)
        await session.flush()
        await session.execute(update(ServiceRequest).values(service_id=elsewhere.id))
    assert await listed(sessions, cast.coordinator) == []
    assert await unread(sessions, cast.coordinator) == 0
    assert len(await listed(sessions, cast.rural)) == 2


async def test_the_list_and_the_number_have_an_end(cast: Cast, sessions: Sessions, consult: ServiceRequest) -> None:
    async with transaction(sessions) as session:
        await session.execute(
            text(
                "insert into notice (id, practitioner_role_id, service_request_id, occasion, occurrence, happened_at)"
                " select gen_random_uuid(), :role, :consult, 'ConsultImagesAdded', gen_random_uuid(), now()"
                " from generate_series(1, 150)"
            ),
            {"role": cast.rural.role_id, "consult": consult.id},
        )
    assert (await unread(sessions, cast.rural), len(await listed(sessions, cast.rural))) == (COUNTED, SHOWN)


@pytest.mark.usefixtures("consult")
async def test_old_news_goes(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        kept = (await session.scalars(select(Notice.id).limit(1))).one()
        await session.execute(
            update(Notice).where(Notice.id != kept).values(happened_at=now() - KEPT - timedelta(minutes=1))
        )
        assert await prune(session) == 3
    async with transaction(sessions) as session:
        assert (await session.scalars(select(Notice.id))).all() == [kept]
