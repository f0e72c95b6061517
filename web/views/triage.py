"""Answering a request and arranging its time: the buttons on a consult's page and on the board."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from teleconsult.consults.answering import accept_consult, decline_consult
from teleconsult.consults.triage import cancel_consult, open_consult
from teleconsult.consults.writing import ask_for_writing
from teleconsult.errors import Invalid
from teleconsult.scheduling.attending import mark_missed
from teleconsult.scheduling.booking import book_appointment, propose_time
from web.bodies import Form, read_form
from web.flash import flash
from web.forms.consults import read_time
from web.i18n import gettext as _
from web.requests import actor_of, begin_again, db, id_in, to_page
from web.views.consults import consult_page


async def accept(request: web.Request) -> web.StreamResponse:
    """The specialist takes the consult."""
    await accept_consult(db(request), actor_of(request), consult_id=id_in(request))
    flash(request, _("You have accepted. The coordinator has been told."))
    return _back(request, await read_form(request))


async def decline(request: web.Request) -> web.StreamResponse:
    """The specialist declines, with a reason; then the consult may no longer be theirs to see."""

    async def act(form: Form) -> object:
        return await decline_consult(
            db(request), actor_of(request), consult_id=id_in(request), reason=form.get("reason", "")
        )

    return await acted(request, act, said=_("You have declined. The coordinator has been told."), home=True)


async def cancel(request: web.Request) -> web.StreamResponse:
    """Either side calls the consult off, with a reason."""

    async def act(form: Form) -> object:
        return await cancel_consult(
            db(request), actor_of(request), consult_id=id_in(request), reason=form.get("reason", "")
        )

    return await acted(request, act, said=_("The consult is cancelled. The other side has been told."))


async def ask_in_writing(request: web.Request) -> web.StreamResponse:
    """The call cannot be held: either side has the specialist answer in a note."""
    await ask_for_writing(db(request), actor_of(request), consult_id=id_in(request))
    flash(request, _("The specialist answers in writing. The other side has been told."))
    return to_page(request, "consults.show", id=id_in(request))


async def miss(request: web.Request) -> web.StreamResponse:
    """The coordinator says that the booked session did not take place."""
    await mark_missed(db(request), actor_of(request), consult_id=id_in(request))
    flash(request, _("Both sides have been told. You can propose another time."))
    return _back(request, await read_form(request))


async def propose(request: web.Request) -> web.StreamResponse:
    """The coordinator proposes a time, typed on their own clock."""
    actor = actor_of(request)

    async def act(form: Form) -> object:
        starts_at, minutes = read_time(form, actor.time_zone)
        return await propose_time(db(request), actor, consult_id=id_in(request), starts_at=starts_at, minutes=minutes)

    return await acted(request, act, said=_("The time is proposed."))


async def book(request: web.Request) -> web.StreamResponse:
    """The coordinator books the proposed time."""

    async def act(form: Form) -> object:
        return await book_appointment(db(request), actor_of(request), consult_id=id_in(request))

    return await acted(request, act, said=_("The time is booked. Both sides can enter the room from now on."))


async def acted(
    request: web.Request, act: Callable[[Form], Awaitable[Any]], *, said: str, home: bool = False
) -> web.StreamResponse:
    """Act on a form; where it cannot be taken, the consult's page again with what is wrong with it."""
    form = await read_form(request)
    try:
        await act(form)
    except Invalid as errors:
        await begin_again(request)
        consult = await open_consult(db(request), actor_of(request), consult_id=id_in(request))
        return await consult_page(request, consult, status=422, errors=errors, values=form)
    flash(request, said)
    return _back(request, form, home=home)


def _back(request: web.Request, form: Form, *, home: bool = False) -> web.StreamResponse:
    """To the consult's page, or to the board where the form stood on it."""
    if home or form.get("return") == "home":
        return to_page(request, "home.show")
    return to_page(request, "consults.show", id=id_in(request))
