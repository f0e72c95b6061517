"""Establishments of the network, as its operator looks after them."""

import asyncio
import uuid

import pytest
from sqlalchemy import select

from teleconsult.accounts import Actor
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import Organization, OrganizationKind
from teleconsult.directory.network import (
    Particulars,
    add_establishment,
    change_establishment,
    establishments,
    networks,
    token_keys,
)
from teleconsult.errors import Invalid, NotFound, StepUpNeeded
from tests.people import Cast
from tests.teleconsult.directory.steps import audited, reload

NEW = Particulars("  Maternité   du Nord ", OrganizationKind.CLINIC, "Europe/Paris", "fr", "")


async def test_an_establishment_is_added_and_changed(sessions: Sessions, operator: Actor, cast: Cast) -> None:
    async with transaction(sessions, operator) as session:
        added = await add_establishment(session, operator, particulars=NEW)
    assert (added.name, added.sharing_network) == ("Maternité du Nord", None)
    changed = Particulars("Maternité", OrganizationKind.HEALTH_CENTRE, "Asia/Ho_Chi_Minh", "vi", "delta")
    async with transaction(sessions, operator) as session:
        await change_establishment(session, operator, organization_id=added.id, particulars=changed)
    kept = await reload(sessions, Organization, added.id)
    assert (kept.name, kept.time_zone, kept.locale, kept.sharing_network) == (
        "Maternité",
        "Asia/Ho_Chi_Minh",
        "vi",
        "delta",
    )
    async with transaction(sessions, operator) as session:
        listed = {one.organization.name: one for one in await establishments(session, operator)}
        assert await networks(session, operator) == ["côte", "delta"]
    assert (listed["Maternité"].people, listed["Maternité"].administrators) == (0, 0)
    assert listed["CHU de la Capitale"].administrators == 1
    (event,) = await audited(sessions, "establishment-changed")
    assert (event.detail["network_before"], event.detail["network"]) == (None, "delta")
    assert len(await audited(sessions, "establishment-added")) == 1


async def test_two_at_once_have_two_names(sessions: Sessions, operator: Actor) -> None:
    async def add() -> None:
        async with transaction(sessions, operator) as session:
            await add_establishment(session, operator, particulars=NEW)

    failed = [one for one in await asyncio.gather(add(), add(), return_exceptions=True) if one is not None]
    assert [type(one) for one in failed] == [Invalid]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("name", "x" * 121),
        ("name", "chu DE la capitale"),
        ("name", "a\x00b"),
        ("time_zone", "../../etc/passwd"),
        ("time_zone", ""),
        ("locale", "de"),
        ("phone", "call me"),
        ("sharing_network", "-"),
        ("sharing_network", "a b"),
        ("sharing_network", "x" * 65),
    ],
)
async def test_what_cannot_be_is_said_beside_its_field(
    sessions: Sessions, operator: Actor, cast: Cast, field: str, value: str
) -> None:
    words = {name: getattr(NEW, name) for name in ("name", "kind", "time_zone", "locale", "sharing_network")}
    with pytest.raises(Invalid) as refused:
        async with transaction(sessions, operator) as session:
            await add_establishment(session, operator, particulars=Particulars(**{**words, field: value}))
    assert list(refused.value.fields) == [field]


async def test_operators_alone_and_having_proved_who_they_are(
    sessions: Sessions, cast: Cast, admin: Actor, operator: Actor
) -> None:
    for actor, error in ((admin, NotFound), (cast.rural, NotFound), (cast.operator, StepUpNeeded)):
        with pytest.raises(error):
            async with transaction(sessions, actor) as session:
                await add_establishment(session, actor, particulars=NEW)
    for query in (establishments, networks, token_keys):
        with pytest.raises(NotFound):
            async with transaction(sessions, admin) as session:
                await query(session, admin)
    with pytest.raises(NotFound):
        async with transaction(sessions, operator) as session:
            await change_establishment(session, operator, organization_id=uuid.uuid4(), particulars=NEW)
    async with transaction(sessions) as session:
        assert len((await session.scalars(select(Organization))).all()) == 4
