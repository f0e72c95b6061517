"""Measurements on the images of a study: those that are kept, and keeping more."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from teleconsult.db import transaction
from teleconsult.directory.models import Organization
from teleconsult.imaging.marks.keeping import Keeping, keep_marks, report_uid
from teleconsult.imaging.marks.queries import PlacedMark, kept_marks
from teleconsult.imaging.queries import study_for
from web.forms.marks import read_marks
from web.requests import actor_of, own_transactions, receiver_of, sessions_of
from web.views.studies import note_look, study_id_in

HEADERS = {"Cache-Control": "no-store"}


@own_transactions
async def index(request: web.Request) -> web.StreamResponse:
    """The kept marks as JSON: where each lies, what it says, by whom and when."""
    async with transaction(sessions_of(request), actor_of(request)) as session:
        study = await study_for(session, actor_of(request), request.match_info["uid"], study_id=study_id_in(request))
        kept = await kept_marks(session, study)
        house = await session.get(Organization, study.organization_id)
        await note_look(request, session)
    zone = ZoneInfo(house.time_zone if house else "UTC")
    marks = [_told(number, placed, zone) for number, placed in enumerate(kept)]
    return web.json_response({"marks": marks}, headers=HEADERS)


@own_transactions
async def create(request: web.Request) -> web.StreamResponse:
    """Keep marks in a report of their own; the same `key` again keeps nothing twice."""
    actor, uid = actor_of(request), request.match_info["uid"]
    async with transaction(sessions_of(request), actor) as session:
        study = await study_for(session, actor, uid, study_id=study_id_in(request))
    key, marks = await read_marks(request)
    count = await keep_marks(
        Keeping(sessions_of(request), receiver_of(request)),
        actor,
        study_uid=uid,
        study_id=study.id,
        key=key,
        marks=marks,
    )
    told = {"kept": count, "report": report_uid(actor, key)}
    return web.json_response(told, status=201 if count else 200, headers=HEADERS)


def _told(number: int, placed: PlacedMark, zone: ZoneInfo) -> dict[str, Any]:
    mark, report = placed.mark, placed.report
    return {
        "id": f"kept-{number}",
        "series": placed.series_instance_uid,
        "sop": mark.sop_instance_uid,
        "frame": mark.frame,
        "kind": mark.kind,
        "graphic": [{"x": column, "y": row} for column, row in mark.graphic],
        "values": [{"quantity": one.quantity, "value": one.value, "unit": one.unit} for one in mark.values],
        "atDetector": mark.at_detector,
        "by": report.by,
        "at": _moment(report.at, zone),
        "report": report.sop_instance_uid,
    }


def _moment(text: str, zone: ZoneInfo) -> str:
    """With its distance from UTC: a report says the time of where it was made. Empty for one that is none."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone).isoformat() if text else ""
    except ValueError:
        return ""
