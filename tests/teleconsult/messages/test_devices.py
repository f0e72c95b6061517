"""A browser that takes a push: added once, of a real push service alone, and nobody else's to see or remove."""

import uuid
from typing import Any

import pytest
from sqlalchemy import select

from teleconsult.accounts.actor import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.db import ACTING, Sessions, transaction
from teleconsult.errors import Invalid, NotFound
from teleconsult.messages.choices import own_choice
from teleconsult.messages.devices import MOST_DEVICES, add_device, own_devices, remove_device
from teleconsult.messages.models import PushDevice
from teleconsult.settings import Settings
from tests.fake_gateways import Browser
from tests.people import Cast

ENDPOINT = "https://updates.push.services.mozilla.com/wpush/v2/abc"


async def add(sessions: Sessions, settings: Settings, actor: Actor, **changes: Any) -> None:
    browser = Browser()
    told = {"endpoint": ENDPOINT, "p256dh": browser.public, "auth": browser.auth, "name": "Firefox", **changes}
    async with transaction(sessions, actor) as session:
        await add_device(session, settings, actor, **told)


async def devices(sessions: Sessions, actor: Actor) -> list[PushDevice]:
    async with transaction(sessions, actor) as session:
        return list(await own_devices(session, actor))


async def test_once_and_push_is_a_channel_then(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    for _time in range(2):
        await add(sessions, settings, cast.rural)
    [device] = await devices(sessions, cast.rural)
    assert device.endpoint == ENDPOINT
    async with transaction(sessions, cast.rural) as session:
        assert (await own_choice(session, cast.rural)).channels == ["email", "push"]
    async with transaction(sessions) as session:
        actions = select(AuditEvent.id).where(AuditEvent.action == "device-added")
        assert len((await session.scalars(actions)).all()) == 2
    assert await devices(sessions, cast.colleague) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"endpoint": "https://169.254.169.254/latest"},
        {"endpoint": "http://fcm.googleapis.com/x"},
        {"endpoint": ENDPOINT + "x" * 1000},
        {"endpoint": ""},
        {"p256dh": b"\x04" + b"\x01" * 64},
        {"p256dh": b""},
        {"auth": b"short"},
    ],
)
async def test_what_is_no_subscription(
    cast: Cast, sessions: Sessions, settings: Settings, changes: dict[str, object]
) -> None:
    with pytest.raises(Invalid):
        await add(sessions, settings, cast.rural, **changes)
    assert await devices(sessions, cast.rural) == []


async def test_so_many_and_no_more(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    for number in range(MOST_DEVICES):
        await add(sessions, settings, cast.rural, endpoint=f"{ENDPOINT}{number}")
    with pytest.raises(Invalid):
        await add(sessions, settings, cast.rural, endpoint=f"{ENDPOINT}more")
    await add(sessions, settings, cast.rural, endpoint=f"{ENDPOINT}0")


async def test_who_removes_it_gives_it_back_to_nobody(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    for actor in (cast.rural, cast.colleague):
        await add(sessions, settings, actor)
    await add(sessions, settings, cast.rural, endpoint=f"{ENDPOINT}other")
    [shared] = await devices(sessions, cast.colleague)
    async with transaction(sessions, cast.colleague) as session:
        await remove_device(session, cast.colleague, device_id=shared.id)
        assert session.info[ACTING] == cast.colleague.acting
    assert [device.endpoint for device in await devices(sessions, cast.rural)] == [f"{ENDPOINT}other"]
    assert await devices(sessions, cast.colleague) == []


async def test_only_its_owner_removes_it_and_once(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    await add(sessions, settings, cast.rural)
    [device] = await devices(sessions, cast.rural)
    for actor, device_id in ((cast.colleague, device.id), (cast.admin, device.id), (cast.rural, uuid.uuid4())):
        with pytest.raises(NotFound):
            async with transaction(sessions, actor) as session:
                await remove_device(session, actor, device_id=device_id)
    async with transaction(sessions, cast.rural) as session:
        await remove_device(session, cast.rural, device_id=device.id)
    with pytest.raises(NotFound):
        async with transaction(sessions, cast.rural) as session:
            await remove_device(session, cast.rural, device_id=device.id)
