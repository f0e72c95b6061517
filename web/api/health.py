"""Whether we live, whether we are ready, and what we measure."""

import asyncio
from typing import Final

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

from teleconsult.db import is_answering
from teleconsult.delivery.measuring import deliveries_waiting
from teleconsult.errors import NotFound
from teleconsult.imaging.jobs import images_waiting
from teleconsult.stored.scrubbing import read_round
from web.pulse import PULSE
from web.requests import (
    address_of,
    asks_no_database,
    is_within,
    own_transactions,
    sessions_of,
    settings_of,
)

IMAGES_WAITING: Final = Gauge(
    "teleconsult_images_waiting", "Instances that are not made ready for thin links yet, counted to 10,000."
)

DELIVERIES: Final = Gauge(
    "teleconsult_deliveries", "Signed notes that have not arrived yet, by way and state.", ["channel", "status"]
)
DELIVERY_OLDEST: Final = Gauge(
    "teleconsult_delivery_oldest_seconds", "How long the oldest of those that still go by themselves has been owed."
)

DAMAGED: Final = Gauge(
    "teleconsult_objects_damaged", "Stored objects that were found missing or changed when they were read last."
)

log = structlog.get_logger(__name__)


@asks_no_database
@own_transactions
async def alive(_request: web.Request) -> web.StreamResponse:
    """200 while the process answers at all."""
    return web.Response(text="ok\n")


@asks_no_database
@own_transactions
async def ready(request: web.Request) -> web.StreamResponse:
    """200 while every needed part answers, else 503."""
    try:
        request.app[PULSE].require()
        async with asyncio.timeout(3):
            await request.app[PULSE].within(is_answering(sessions_of(request)))
    except Exception as error:  # whatever the reason, we are not ready
        log.warning("readiness.database", error=type(error).__name__)
        return web.json_response({"database": "down"}, status=503)
    return web.json_response({"database": "up"})


@own_transactions
async def metrics(request: web.Request) -> web.StreamResponse:
    """Prometheus text, for the allowed addresses; others learn nothing (404)."""
    if not is_within(address_of(request), settings_of(request).metrics_addresses):
        raise NotFound
    IMAGES_WAITING.set(await images_waiting(sessions_of(request)))
    waiting = await deliveries_waiting(sessions_of(request))
    DELIVERIES.clear()
    for (channel, status), count in waiting.counts.items():
        DELIVERIES.labels(channel.value, status.value).set(count)
    DELIVERY_OLDEST.set(waiting.oldest_seconds)
    DAMAGED.set(len((await asyncio.to_thread(read_round, settings_of(request).data)).standing))
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
