"""A signed note on its way out: systems that take notes, and one round of the outbox."""

import json
import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select, update

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.models import Channel, Delivery, DeliveryStatus
from teleconsult.delivery.outbox import Outbox
from teleconsult.delivery.parcel import Means
from teleconsult.directory.models import ConnectionType, Endpoint
from teleconsult.notes.signing import Signing
from teleconsult.objects import Objects, open_store
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings
from tests.people import Cast

NETWORKS = "127.0.0.0/8"


def reaching(settings: Settings) -> Settings:
    """Settings with which systems on this machine may be written to, and no evidence is waited for."""
    return settings.model_copy(update={"delivery_networks": NETWORKS, "delivery_evidence_minutes": 0})


async def endpoint(
    sessions: Sessions,
    cast: Cast,
    kind: ConnectionType,
    address: str,
    *,
    place: str = "rural",
    **other: object,
) -> Endpoint:
    """A system of an establishment's that takes notes."""
    made = Endpoint(
        id=uuid.uuid4(),
        organization_id=cast.organizations[place].id,
        connection_type=kind,
        name=f"DPI {place}",
        address=address,
        updated_at=now(),
        receives_notes=True,
        **other,
    )
    async with transaction(sessions) as session:
        session.add(made)
    return made


def outbox(signing: Signing, *, settings: Settings | None = None) -> Outbox:
    """One as a worker has it."""
    settings = settings or reaching(signing.settings)
    objects = Objects(open_store(None, signing.settings.data))
    return Outbox(signing.sessions, objects, Means(settings, Sealer(settings.secret_key)))


async def send(signing: Signing, *, settings: Settings | None = None) -> timedelta | None:
    """One round, with whatever waits due now."""
    async with transaction(signing.sessions) as session:
        await session.execute(update(Delivery).values(next_at=now()))
    return await outbox(signing, settings=settings).run()


async def deliveries(sessions: Sessions, channel: Channel | None = None) -> Sequence[Delivery]:
    """All of them, or those of a channel, as they were queued."""
    query = select(Delivery).order_by(Delivery.number)
    async with sessions() as session:
        return list(await session.scalars(query.where(Delivery.channel == channel) if channel else query))


async def only(sessions: Sessions, channel: Channel) -> Delivery:
    """The one of that channel."""
    (found,) = await deliveries(sessions, channel)
    return found


async def states(sessions: Sessions, channel: Channel) -> list[DeliveryStatus]:
    """Where those of a channel stand."""
    return [one.status for one in await deliveries(sessions, channel)]


def described(delivery: Delivery) -> str:
    """For a failing test."""
    return json.dumps({"status": delivery.status, "reason": delivery.reason, "detail": delivery.detail})
