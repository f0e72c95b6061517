"""Numbers to call when nothing else works."""

import pytest

from teleconsult.accounts import Actor
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import HealthcareService, Organization
from teleconsult.directory.telephones import dialled, is_telephone, set_service_phone
from teleconsult.errors import Invalid, NotFound
from teleconsult.fhir.people import organization_resource
from tests.people import Cast
from tests.teleconsult.directory.steps import audited, reload


@pytest.mark.parametrize(
    "number", ["112", "+33 1 99 00 12 34", "01.99.00.12.34", "(024) 3869-3731", "+84 24 3869 3731"]
)
def test_what_one_can_dial(number: str) -> None:
    assert is_telephone(number)
    assert dialled(number).removeprefix("tel:").lstrip("+").isdigit()


@pytest.mark.parametrize(
    "number", ["12", "+", "1" * 16, "1" * 33, "call me", "112\n113", "11+2", "１１２", "javascript:1"]
)
def test_what_one_cannot(number: str) -> None:
    assert not is_telephone(number)


async def test_a_service_tells_its_number(sessions: Sessions, cast: Cast, admin: Actor) -> None:
    for _twice in range(2):
        async with transaction(sessions, admin) as session:
            await set_service_phone(session, admin, service_id=cast.neurology.id, phone=" +33 1 99  00 12 34 ")
    kept = await reload(sessions, HealthcareService, cast.neurology.id)
    assert kept.phone == "+33 1 99 00 12 34"
    assert len(await audited(sessions, "service-phone-changed")) == 1
    house = await reload(sessions, Organization, kept.organization_id)
    assert "telecom" not in organization_resource(house)
    house.phone = kept.phone
    assert organization_resource(house)["telecom"] == [{"system": "phone", "value": "+33 1 99 00 12 34"}]
    async with transaction(sessions, admin) as session:
        await set_service_phone(session, admin, service_id=cast.neurology.id, phone="")
    assert (await reload(sessions, HealthcareService, cast.neurology.id)).phone == ""


async def test_only_ones_own_and_only_a_number(
    sessions: Sessions, cast: Cast, admin: Actor, admin_elsewhere: Actor
) -> None:
    with pytest.raises(Invalid):
        async with transaction(sessions, admin) as session:
            await set_service_phone(session, admin, service_id=cast.neurology.id, phone="ask")
    for actor in (admin_elsewhere, cast.coordinator, cast.rural):
        with pytest.raises(NotFound):
            async with transaction(sessions, actor) as session:
                await set_service_phone(session, actor, service_id=cast.neurology.id, phone="112")
