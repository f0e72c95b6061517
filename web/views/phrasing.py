"""Templates and phrases on one page: what is at hand, and keeping more."""

from typing import Any

from aiohttp import web

from teleconsult.directory.models import Specialty
from teleconsult.errors import Invalid
from teleconsult.notes import phrasing
from web.bodies import read_form
from web.flash import flash
from web.forms.phrasing import read_is_shared, read_phrase, read_template
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, begin_again, db, id_in, to_page
from web.words import options


async def index(request: web.Request) -> web.StreamResponse:
    """What one has at hand, and forms for more."""
    return await _page(request)


async def add_template(request: web.Request) -> web.StreamResponse:
    """Keep a new template."""
    form = await read_form(request)
    try:
        await phrasing.add_template(
            db(request), actor_of(request), written=read_template(form), is_shared=read_is_shared(form)
        )
    except Invalid as errors:
        return await _page(request, status=422, asked="template", values=form, errors=errors)
    flash(request, _("The template is kept."))
    return to_page(request, "phrasing.index")


async def show_template(request: web.Request) -> web.StreamResponse:
    """One template, to change."""
    return await _template(request)


async def change_template(request: web.Request) -> web.StreamResponse:
    """Let it say something else."""
    form = await read_form(request)
    template = await phrasing.template_for(db(request), actor_of(request), id_in(request))
    try:
        await phrasing.change_template(
            db(request), actor_of(request), template_id=template.id, written=read_template(form)
        )
    except Invalid as errors:
        return await _template(request, status=422, values=form, errors=errors)
    flash(request, _("The template is kept."))
    return to_page(request, "phrasing.index")


async def remove_template(request: web.Request) -> web.StreamResponse:
    """Throw it away."""
    await phrasing.remove_template(db(request), actor_of(request), template_id=id_in(request))
    flash(request, _("The template is removed. Notes that were begun with it stay as they are."))
    return to_page(request, "phrasing.index")


async def add_phrase(request: web.Request) -> web.StreamResponse:
    """Keep a new phrase."""
    form = await read_form(request)
    try:
        await phrasing.add_phrase(
            db(request), actor_of(request), written=read_phrase(form), is_shared=read_is_shared(form)
        )
    except Invalid as errors:
        return await _page(request, status=422, asked="phrase", values=form, errors=errors)
    flash(request, _("The phrase is kept."))
    return to_page(request, "phrasing.index")


async def change_phrase(request: web.Request) -> web.StreamResponse:
    """Let it say something else."""
    form = await read_form(request)
    phrase = await phrasing.phrase_for(db(request), actor_of(request), id_in(request))
    try:
        await phrasing.change_phrase(db(request), actor_of(request), phrase_id=phrase.id, written=read_phrase(form))
    except Invalid as errors:
        return await _page(request, status=422, asked=str(phrase.id), values=form, errors=errors)
    flash(request, _("The phrase is kept."))
    return to_page(request, "phrasing.index")


async def remove_phrase(request: web.Request) -> web.StreamResponse:
    """Throw it away."""
    await phrasing.remove_phrase(db(request), actor_of(request), phrase_id=id_in(request))
    flash(request, _("The phrase is removed. Notes it was written in stay as they are."))
    return to_page(request, "phrasing.index")


async def _page(request: web.Request, *, status: int = 200, asked: str = "", **context: Any) -> web.Response:
    """`asked` says which form the `values` and `errors` are of: `template`, `phrase`, or a phrase's id."""
    if status != 200:
        await begin_again(request)
    session, actor = db(request), actor_of(request)
    return render(
        request,
        "phrasing/index.html.jinja",
        status=status,
        templates=await phrasing.templates_at_hand(session, actor),
        phrases=await phrasing.phrases_at_hand(session, actor),
        specialties=options(Specialty),
        asked=asked,
        **{"values": {}, "errors": {}, **context},
    )


async def _template(request: web.Request, *, status: int = 200, **context: Any) -> web.Response:
    if status != 200:
        await begin_again(request)
    template = await phrasing.template_for(db(request), actor_of(request), id_in(request))
    said = {"name": template.name, "specialty": template.specialty or "", **template.sections}
    return render(
        request,
        "phrasing/template.html.jinja",
        status=status,
        template=template,
        specialties=options(Specialty),
        **{"values": said, "errors": {}, **context},
    )
