"""What the viewer measures with, and tells sides by: spacing and place of each slice of a series."""

import asyncio
from collections.abc import Sequence

from aiohttp import web

from teleconsult.db import transaction
from teleconsult.errors import NotFound
from teleconsult.imaging.queries import study_for
from teleconsult.imaging.refusals import Unreadable
from teleconsult.imaging.retrieving import Kept, descriptions_of, instances_of_series, tag_of
from teleconsult.imaging.slice_geometry import MOST_SLICES, SeriesGeometry
from teleconsult.imaging.volumes import lacks_slice
from web.requests import actor_of, own_transactions, renditions_of, sessions_of
from web.views.studies import is_known, note_look, study_id_in

HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Cookie"}
"""A series may grow: kept by one session's browser, which asks each time whether it still holds."""
AT_ONCE = 200
"""Descriptions that are in memory together."""


@own_transactions
async def show(request: web.Request) -> web.StreamResponse:
    """The geometry of a series as JSON, one entry a slice in the viewer's order."""
    series = await _instances(request)
    tag = tag_of((kept for kept, _frames in series), "geometry 3")
    if is_known(request, tag):
        return web.Response(status=304, headers={**HEADERS, "ETag": tag})
    geometry = SeriesGeometry()
    for first in range(0, min(len(series), MOST_SLICES), AT_ONCE):
        some = series[first : first + AT_ONCE]
        told = await descriptions(request, [kept for kept, _frames in some])
        pairs = [(one, frames) for one, (_kept, frames) in zip(told, some, strict=True)]
        await asyncio.to_thread(geometry.add, pairs)
    body = await asyncio.to_thread(_body, geometry)
    answer = web.Response(body=body, content_type="application/json", headers={**HEADERS, "ETag": tag})
    answer.enable_compression()
    return answer


def _body(geometry: SeriesGeometry) -> bytes:
    return geometry.as_json(lacks_slice=lacks_slice(geometry.slices))


async def _instances(request: web.Request) -> list[tuple[Kept, int]]:
    """The instances of the series in the viewer's order, and how many frames each has. Raises NotFound."""
    actor, parts = actor_of(request), request.match_info
    async with transaction(sessions_of(request), actor) as session:
        study = await study_for(session, actor, parts["uid"], study_id=study_id_in(request))
        series = await instances_of_series(session, study, series_uid=parts["series"])
        if not series:
            raise NotFound
        await note_look(request, session)
    return series


async def descriptions(request: web.Request, kept: Sequence[Kept]) -> list[bytes]:
    """What the headers of these say, as it is kept (`imaging.describing`): of a few hundred at a time. Those that
    cannot be read any more say nothing."""
    async with transaction(sessions_of(request), actor_of(request)) as session:
        told = await descriptions_of(session, kept)
    return [found or await _read_anew(request, one) for one, found in zip(kept, told, strict=True)]


async def _read_anew(request: web.Request, kept: Kept) -> bytes:
    """Of what came in before descriptions were kept; nothing of what cannot be read any more."""
    try:
        return (await renditions_of(request).description(kept)).dicom_json
    except Unreadable:
        return b""
