"""Services added, switched off and on."""

import uuid

import pytest

from teleconsult.accounts import Actor
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import HealthcareService, Specialty
from teleconsult.directory.queries import services_offered
from teleconsult.directory.services import add_service, services_here, specialists_here, switch_service
from teleconsult.errors import Conflict, NotFound
from tests.people import Cast
from tests.teleconsult.directory.steps import audited, reload


async def test_a_service_is_added_once(sessions: Sessions, admin: Actor) -> None:
    async with transaction(sessions, admin) as session:
        await add_service(session, admin, specialty=Specialty.CARDIOLOGY)
    with pytest.raises(Conflict):
        async with transaction(sessions, admin) as session:
            await add_service(session, admin, specialty=Specialty.CARDIOLOGY)
    async with transaction(sessions, admin) as session:
        here = [service.specialty for service in await services_here(session, admin)]
        assert here == [Specialty.CARDIOLOGY, Specialty.NEUROLOGY, Specialty.TRAUMA]
        assert await specialists_here(session, admin) == {Specialty.NEUROLOGY: 1, Specialty.TRAUMA: 1}
    assert len(await audited(sessions, "service-added")) == 1


async def test_a_service_that_is_off_is_offered_to_nobody(sessions: Sessions, cast: Cast, admin: Actor) -> None:
    for _twice in range(2):
        async with transaction(sessions, admin) as session:
            await switch_service(session, admin, service_id=cast.neurology.id, is_active=False)
    async with transaction(sessions, cast.rural) as session:
        assert [service.specialty for service in await services_offered(session)] == [Specialty.TRAUMA]
    async with transaction(sessions, admin) as session:
        await switch_service(session, admin, service_id=cast.neurology.id, is_active=True)
    assert len(await audited(sessions, "service-closed")) == len(await audited(sessions, "service-opened")) == 1


async def test_only_ones_own_and_only_administrators(
    sessions: Sessions, cast: Cast, admin: Actor, admin_elsewhere: Actor
) -> None:
    for actor in (admin_elsewhere, cast.coordinator, cast.rural, cast.operator):
        with pytest.raises(NotFound):
            async with transaction(sessions, actor) as session:
                await switch_service(session, actor, service_id=cast.neurology.id, is_active=False)
    with pytest.raises(NotFound):
        async with transaction(sessions, admin) as session:
            await switch_service(session, admin, service_id=uuid.uuid4(), is_active=False)
    assert (await reload(sessions, HealthcareService, cast.neurology.id)).active
