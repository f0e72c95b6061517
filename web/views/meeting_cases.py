"""The list of a meeting's cases: the forms on its page."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from teleconsult.errors import Invalid
from teleconsult.meetings.listing import move_case, pass_to_writing, postpone_case, put_on_list, set_case, take_off
from teleconsult.meetings.queries import case_in, meeting_for
from web.bodies import Form, read_form
from web.flash import flash
from web.forms.administration import read_id
from web.forms.consults import read_choice
from web.forms.meetings import read_minutes, read_place
from web.i18n import gettext as _
from web.requests import actor_of, begin_again, db, id_in, to_page
from web.views.meetings import meeting_page


async def put_on(request: web.Request) -> web.StreamResponse:
    """Put a consult last on the list."""

    async def act(form: Form) -> object:
        return await put_on_list(
            db(request),
            actor_of(request),
            meeting_id=id_in(request),
            consult_id=read_id(form, "consult"),
            minutes=read_minutes(form),
            presenter_id=read_choice(form, "presenter"),
        )

    await meeting_for(db(request), actor_of(request), id_in(request))
    return await _acted(request, act, said=_("The case is on the list. Both sides are told."))


async def change(request: web.Request) -> web.StreamResponse:
    """How long a case takes, and who presents it."""

    async def act(form: Form) -> object:
        return await set_case(
            db(request),
            actor_of(request),
            meeting_id=id_in(request),
            case_id=id_in(request, "case"),
            minutes=read_minutes(form),
            presenter_id=read_choice(form, "presenter"),
        )

    await _known(request)
    return await _acted(request, act, said=_("The case is changed."))


async def move(request: web.Request) -> web.StreamResponse:
    """Another place on the list."""

    async def act(form: Form) -> None:
        await move_case(
            db(request),
            actor_of(request),
            meeting_id=id_in(request),
            case_id=id_in(request, "case"),
            to=read_place(form),
        )

    await _known(request)
    return await _acted(request, act, said="")


async def remove(request: web.Request) -> web.StreamResponse:
    """Off the list: to the next meeting, into writing, or to wait; with a reason."""
    await _known(request)
    form = await read_form(request)
    ways = {"postpone": postpone_case, "writing": pass_to_writing, "remove": take_off}

    async def act(form: Form) -> object:
        if form.get("then") not in ways:
            raise Invalid({"then": "Choose from the list."})
        return await ways[form["then"]](
            db(request),
            actor_of(request),
            meeting_id=id_in(request),
            case_id=id_in(request, "case"),
            reason=form.get("reason", ""),
        )

    words = {
        "postpone": _("The case goes to the next meeting. Both sides are told."),
        "writing": _("The case is answered in writing. Both sides are told."),
    }
    return await _acted(
        request, act, said=words.get(form.get("then", ""), _("The case is off the list. Both sides are told."))
    )


async def _known(request: web.Request) -> None:
    """Who may not see the meeting or the case hears nothing of what is wrong with their form."""
    meeting = await meeting_for(db(request), actor_of(request), id_in(request))
    await case_in(db(request), meeting, id_in(request, "case"))


async def _acted(request: web.Request, act: Callable[[Form], Awaitable[object]], *, said: str) -> web.StreamResponse:
    form = await read_form(request)
    try:
        await act(form)
    except Invalid as errors:
        await begin_again(request)
        return await meeting_page(request, status=422, errors=errors, values=form)
    if said:
        flash(request, said)
    return to_page(request, "meetings.show", id=id_in(request))
