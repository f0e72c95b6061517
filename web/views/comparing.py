"""Two studies of a patient beside each other: which there are to choose from."""

from aiohttp import web

from teleconsult.imaging.comparing import comparable_studies
from teleconsult.imaging.queries import study_for
from web.rendering import render
from web.requests import actor_of, db
from web.views.studies import study_id_in


async def choices(request: web.Request) -> web.StreamResponse:
    """The part of the viewer's page that offers other studies; empty where there is none."""
    actor = actor_of(request)
    study = await study_for(db(request), actor, request.match_info["uid"], study_id=study_id_in(request))
    others = await comparable_studies(db(request), actor, study)
    return render(request, "studies/_choices.html.jinja", others=others)
