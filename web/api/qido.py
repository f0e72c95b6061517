"""QIDO-RS: searching for studies, series and instances (PS3.18 §10.6)."""

import asyncio
import uuid
from functools import partial
from typing import Final

from aiohttp import web

from teleconsult import audit
from teleconsult.fhir.scoping import require_granted
from teleconsult.imaging.asking import MOST, read_wanted
from teleconsult.imaging.keys import Level
from teleconsult.imaging.queries import study_for
from teleconsult.imaging.searching import readable, search
from teleconsult.imaging.telling import tell
from teleconsult.records.models import ResourceType
from web.api.accepting import JSON, chosen
from web.api.dicomweb_address import studies_of
from web.api.looking import Looking, looking
from web.requests import actor_of, own_transactions

SCOPE: Final = (ResourceType.IMAGING_STUDY, "s")
_UNDER: Final = {"uid": "0020000D", "series": "0020000E"}
"""What the parts of an address are."""
_FEW: Final = 50
"""Rows that are told sooner than a thread is found for them."""


@own_transactions
async def studies(request: web.Request) -> web.StreamResponse:
    """Studies of the files that are open to who asks."""
    return await _search(request, Level.STUDY)


@own_transactions
async def series(request: web.Request) -> web.StreamResponse:
    """Series of one study, or of all."""
    return await _search(request, Level.SERIES)


@own_transactions
async def instances(request: web.Request) -> web.StreamResponse:
    """Instances of one series, of one study, or of all."""
    return await _search(request, Level.INSTANCE)


async def _search(request: web.Request, level: Level) -> web.StreamResponse:
    actor = actor_of(request)
    require_granted(actor, SCOPE)
    under = {tag: request.match_info[part] for part, tag in _UNDER.items() if part in request.match_info}
    wanted = read_wanted(level, request.query.items(), under=under)
    async with looking(request, is_planned_anew=True) as look:
        if under:
            await look.at(await study_for(look.session, actor, request.match_info["uid"]))
        within = await look.lately.found((actor, "readable"), partial(readable, look.session, actor))
        found, is_more = await search(look.session, actor, wanted, within=within)
        if not under:
            _note_search(request, look, {row.patient_id for row in found}, len(found))
    content_type = chosen(request, *JSON)
    headers = {"Cache-Control": "no-store"}
    if is_more and wanted.limit == MOST:
        headers["Warning"] = f'299 teleconsult "There are more than {MOST}: ask on with an offset, or for fewer."'
    if not found:
        return web.Response(status=204, headers=headers)
    telling = partial(tell, found, wanted, studies=studies_of(request))
    body = telling() if len(found) <= _FEW else await asyncio.to_thread(telling)
    return web.Response(body=body, content_type=content_type, headers=headers)


def _note_search(request: web.Request, look: Looking, patients: set[str | None], number: int) -> None:
    """The same question with the same outcome within a moment is one event."""
    one = patients.pop() if len(patients) == 1 else None
    patient_id = uuid.UUID(one) if one else None
    if look.is_news(request.path_qs, patient_id, number):
        audit.record(look.session, look.actor, "patients-searched", patient_id=patient_id, by="dicomweb", found=number)
