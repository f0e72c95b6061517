"""Proving once more who one is, and back to the page that asked for it."""

from aiohttp import web

from teleconsult.accounts.stepping_up import Proof, step_up, ways_of
from teleconsult.db import transaction
from teleconsult.errors import Invalid
from web.bodies import Form, read_form
from web.cookies import own_path, set_session
from web.csrf import came_from
from web.rendering import render
from web.requests import actor_of, address_of, own_transactions, see_other, sessions_of, settings_of


@own_transactions
async def show(request: web.Request) -> web.StreamResponse:
    """Ask for a proof; `next` says where it leads, and where one came from is where "Cancel" does."""
    return await _page(request, request.query.get("next", ""), came_from(request) or "/")


@own_transactions
async def confirm(request: web.Request) -> web.StreamResponse:
    """Take the proof: the session goes on under a new cookie."""
    form = await read_form(request)
    back = form.get("next", "")
    try:
        _actor, token = await step_up(
            sessions_of(request),
            settings_of(request),
            actor_of(request),
            proof=read_proof(form),
            address=address_of(request),
        )
    except Invalid as error:
        return await _page(request, back, form.get("left", ""), error)
    return set_session(see_other(own_path(back)), settings_of(request), token)


def read_proof(form: Form) -> Proof:
    """What was shown in a form."""
    return Proof(passkey=form.get("passkey", ""), code=form.get("code", ""), password=form.get("password", ""))


async def _page(request: web.Request, back: str, left: str, error: Invalid | None = None) -> web.Response:
    async with transaction(sessions_of(request), actor_of(request)) as session:
        ways = await ways_of(session, settings_of(request), actor_of(request))
    return render(
        request,
        "accounts/step_up.html.jinja",
        status=error.status if error else 200,
        ways=ways,
        next=own_path(back),
        left=own_path(left),
        errors=error or {},
    )
