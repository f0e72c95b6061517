"""A study taken out for teaching, without who it is of (PS3.15 §E.2)."""

import asyncio
import errno
from pathlib import Path
from typing import Final

from aiohttp import web

from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.clock import now
from teleconsult.db import transaction
from teleconsult.errors import Invalid, Unavailable
from teleconsult.imaging.models import ImagingInstance, ImagingStudy
from teleconsult.imaging.queries import study_for
from teleconsult.imaging.teaching import Lesson, images_to_take, let_lesson_leave, make_lesson, read_purpose
from web.bodies import read_form
from web.kept_forms import kept_fields
from web.rendering import render
from web.requests import actor_of, db, own_transactions, renditions_of, sessions_of, settings_of
from web.uploads import temporary_folder
from web.views.exports import POLICY, while_asked
from web.views.studies import study_id_in

_CHUNK: Final = 256 * 1024


async def form(request: web.Request) -> web.StreamResponse:
    """What it is for, and whether it is allowed. Two minutes begin in which it may be taken."""
    actor = actor_of(request)
    study = await study_for(db(request), actor, request.match_info["uid"], study_id=study_id_in(request))
    require_fresh(actor)
    return _page(request, study, kept_fields(request).get("words", ""))


@own_transactions
async def take(request: web.Request) -> web.StreamResponse:
    """Make it and hand it out; whoever stops waiting ends the work, too."""
    actor, fields = actor_of(request), await read_form(request)
    async with transaction(sessions_of(request), actor) as session:
        study = await study_for(session, actor, request.match_info["uid"], study_id=study_id_in(request))
        require_fresh(actor)
        try:
            words = read_purpose(words=fields.get("words", ""), is_allowed=fields.get("allowed") == "yes")
            images = await images_to_take(session, actor, study)
        except Invalid as error:
            return _page(request, study, fields.get("words", ""), error)
    async with temporary_folder(settings_of(request)) as folder:
        path = folder / "study.zip"
        lesson = await _made(request, images, path)
        if not lesson.taken:
            refused = Invalid({"": "No image of this study can be made safe: words may stand in each of them."})
            return _page(request, study, words, refused)
        async with transaction(sessions_of(request), actor) as session:
            await let_lesson_leave(session, actor, study, lesson, words=words, path=path)
        return await _sent(request, path)


async def _made(request: web.Request, images: list[ImagingInstance], path: Path) -> Lesson:
    try:
        return await while_asked(request, make_lesson(renditions_of(request), images, path))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise Unavailable("There is no room left for files. Tell the administrator.") from error
        raise


async def _sent(request: web.Request, path: Path) -> web.StreamResponse:
    size = (await asyncio.to_thread(path.stat)).st_size
    answer = web.StreamResponse(
        headers={
            "Content-Type": "application/zip",
            "Content-Length": str(size),
            "Content-Disposition": f'attachment; filename="teaching-{now():%Y-%m-%d}.zip"',
            "Content-Security-Policy": POLICY,
            "Cache-Control": "no-store",
        }
    )
    await answer.prepare(request)
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, _CHUNK):
            await answer.write(piece)
    await answer.write_eof()
    return answer


def _page(request: web.Request, study: ImagingStudy, words: str, error: Invalid | None = None) -> web.Response:
    return render(
        request,
        "studies/teaching.html.jinja",
        status=error.status if error else 200,
        errors=error or {},
        study=study,
        words=words,
    )
