"""A patient's file from other sides than its timeline: visit by visit, and value by value over time."""

from aiohttp import web

from teleconsult.patients.care import open_file
from teleconsult.records.episodes import visits_on
from teleconsult.records.following import followed_values, values_of_code
from teleconsult.records.narrowing import Narrowing
from teleconsult.records.queries import Cursor, timeline
from teleconsult.records.reading import read
from teleconsult.records.sparklines import chart_of
from teleconsult.records.thinning import LATEST
from web.rendering import render
from web.requests import actor_of, db, id_in


async def visits(request: web.Request) -> web.StreamResponse:
    """The visits and stays of a person, each leading to what belongs to it."""
    session, actor, patient_id = db(request), actor_of(request), id_in(request)
    before = Cursor.parse(request.query["before"]) if request.query.get("before") else None
    file = await open_file(session, actor, patient_id=patient_id)
    page = await timeline(session, file, only=Narrowing(visits=True), before=before)
    return render(
        request,
        "records/visits.html.jinja",
        patient=file.patient,
        opening=file.opening,
        page=page,
        sizes=(await visits_on(session, file, entries=page.entries)).sizes,
        read=read,
    )


async def measures(request: web.Request) -> web.StreamResponse:
    """Small charts of what was measured more than once; with `code`, all values of one."""
    session, actor, patient_id = db(request), actor_of(request), id_in(request)
    file = await open_file(session, actor, patient_id=patient_id)
    code = request.query.get("code", "").replace("\0", " ")
    if code:
        chosen = await values_of_code(session, file, code=code)
    else:
        chosen = await followed_values(session, file)
    return render(
        request,
        "records/measures.html.jinja",
        patient=file.patient,
        opening=file.opening,
        charts=[(series, chart_of(series)) for series in chosen],
        code=code,
        most=None if code else LATEST,
    )
