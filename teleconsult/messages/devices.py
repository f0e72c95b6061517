"""A person's browsers that take a push: added by each itself, removed by the person or once it takes none any more."""

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import rows
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.db import act_as
from teleconsult.errors import Invalid, NotFound
from teleconsult.messages import push
from teleconsult.messages.choices import own_choice
from teleconsult.messages.models import Channel, PushDevice
from teleconsult.settings import Settings

MOST_DEVICES: Final = 10
LONGEST_ENDPOINT: Final = 1000
POINT_BYTES: Final = 65
AUTH_BYTES: Final = 16


async def own_devices(session: AsyncSession, actor: Actor) -> Sequence[PushDevice]:
    """The actor's, oldest first."""
    found = await session.scalars(
        select(PushDevice).where(rows.push_devices(actor)).order_by(PushDevice.created_at, PushDevice.id)
    )
    return found.all()


async def add_device(
    session: AsyncSession, settings: Settings, actor: Actor, *, endpoint: str, p256dh: bytes, auth: bytes, name: str
) -> None:
    """Take up a browser's subscription (W3C Push API), and push as one of the actor's channels; twice is once.

    Raises Invalid for what is no subscription of a push service we speak to, and for one device too many.
    """
    wrong = Invalid({"endpoint": "This browser’s way of receiving messages is not known here."})
    if len(endpoint) > LONGEST_ENDPOINT or not push.is_push_service(settings, endpoint) or len(auth) != AUTH_BYTES:
        raise wrong
    try:
        push.encrypt(b"", public=p256dh, auth=auth)
    except ValueError as error:
        raise wrong from error
    held = select(func.count()).where(rows.push_devices(actor), PushDevice.endpoint != endpoint)
    if (await session.scalar(held) or 0) >= MOST_DEVICES:
        raise Invalid({"endpoint": "Remove a device first: you have as many as there may be."})
    keys = {"p256dh": p256dh, "auth": auth, "name": name[:200], "created_at": now()}
    await session.execute(
        insert(PushDevice)
        .values(id=uuid.uuid4(), account_id=actor.account_id, endpoint=endpoint, **keys)
        .on_conflict_do_update(index_elements=["account_id", "endpoint"], set_=keys)
    )
    choice = await own_choice(session, actor)
    if Channel.PUSH not in choice.channels:
        choice.channels = [*choice.channels, Channel.PUSH.value]
        choice.updated_at = now()
        session.add(choice)
    audit.record(session, actor, "device-added")
    await session.flush()


async def remove_device(session: AsyncSession, actor: Actor, *, device_id: uuid.UUID) -> None:
    """Send nothing there any more, to nobody who used the same browser before. Raises NotFound unless it is theirs."""
    endpoint = await session.scalar(
        select(PushDevice.endpoint).where(PushDevice.id == device_id, rows.push_devices(actor)).with_for_update()
    )
    if endpoint is None:
        raise NotFound
    audit.record(session, actor, "device-removed")
    await session.flush()
    await act_as(session, SYSTEM)  # of others' devices nobody else knows
    await session.execute(delete(PushDevice).where(PushDevice.endpoint == endpoint))
    await act_as(session, actor)
