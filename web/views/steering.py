"""Where a consult goes and in which way, and what both sides write to each other: the forms on its page."""

from aiohttp import web

from teleconsult.consults.conversing import send_message
from teleconsult.consults.following_up import record_follow_up
from teleconsult.consults.informing import ask_for_information, give_information
from teleconsult.consults.modes import change_mode
from teleconsult.consults.redirecting import assign_consult, redirect_consult
from web.bodies import Form, read_form
from web.forms.consults import read_choice, read_follow_up, read_mode
from web.i18n import gettext as _
from web.requests import actor_of, db, id_in
from web.views.triage import acted


async def ask(request: web.Request) -> web.StreamResponse:
    """The answering side wants to know more first."""

    async def act(form: Form) -> object:
        return await ask_for_information(
            db(request), actor_of(request), consult_id=id_in(request), text=form.get("text", "")
        )

    return await acted(request, act, said=_("The referring doctor has been asked. The clock stands until they answer."))


async def give(request: web.Request) -> web.StreamResponse:
    """The requester answers what was wanted."""

    async def act(form: Form) -> object:
        return await give_information(
            db(request), actor_of(request), consult_id=id_in(request), text=form.get("text", "")
        )

    return await acted(request, act, said=_("Your answer was sent. The consult goes on where it was."))


async def redirect(request: web.Request) -> web.StreamResponse:
    """The request goes to another service, with a reason; then it may no longer be the actor's to see."""

    async def act(form: Form) -> object:
        return await redirect_consult(
            db(request),
            actor_of(request),
            consult_id=id_in(request),
            service_id=read_choice(form, "service"),
            reason=form.get("reason", ""),
        )

    return await acted(request, act, said=_("The request went on. Both sides have been told."), home=True)


async def assign(request: web.Request) -> web.StreamResponse:
    """The coordinator says which specialist is thought of."""

    async def act(form: Form) -> object:
        return await assign_consult(
            db(request), actor_of(request), consult_id=id_in(request), role_id=read_choice(form, "specialist")
        )

    is_somebody = (await read_form(request)).get("specialist")
    somebody = _("It is noted whom you thought of; they have been told.")
    return await acted(request, act, said=somebody if is_somebody else _("Nobody in particular is thought of now."))


async def set_mode(request: web.Request) -> web.StreamResponse:
    """By video or in writing, from now on."""

    async def act(form: Form) -> object:
        return await change_mode(db(request), actor_of(request), consult_id=id_in(request), mode=read_mode(form))

    return await acted(request, act, said=_("Changed. The other side has been told."))


async def write(request: web.Request) -> web.StreamResponse:
    """A message to the other side."""

    async def act(form: Form) -> object:
        return await send_message(
            db(request),
            actor_of(request),
            consult_id=id_in(request),
            text=form.get("text", ""),
            key=read_choice(form, "key"),
        )

    return await acted(request, act, said=_("Your message was sent."))


async def follow_up(request: web.Request) -> web.StreamResponse:
    """What became of it."""

    async def act(form: Form) -> object:
        plan_followed, journey_avoided, course = read_follow_up(form)
        return await record_follow_up(
            db(request),
            actor_of(request),
            consult_id=id_in(request),
            plan_followed=plan_followed,
            journey_avoided=journey_avoided,
            patient_course=course,
        )

    return await acted(request, act, said=_("Thank you. This helps to see what consults are good for."))
