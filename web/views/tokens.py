"""One's own tokens: made for a machine that acts in the role in force, shown once, taken back."""

from typing import Any

from aiohttp import web

from teleconsult.access import Purpose, purposes_for
from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.accounts.tokens import LONGEST_MINUTES, issue_token, own_tokens, revoke_token
from teleconsult.errors import Invalid, NotFound
from web.bodies import read_form
from web.flash import flash
from web.forms.administration import read_minutes, read_purposes
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, db, id_in, sealer_of, to_page
from web.words import label, options


async def index(request: web.Request) -> web.StreamResponse:
    """Those that are good now, and the form of a new one."""
    return await _page(request)


async def create(request: web.Request) -> web.StreamResponse:
    """Make one: this page is the only time anybody sees it."""
    form, actor = await read_form(request), actor_of(request)
    require_fresh(actor)
    if actor.role_id is None:
        raise NotFound
    try:
        token = await issue_token(
            db(request),
            sealer_of(request),
            actor,
            role_id=actor.role_id,
            purposes=read_purposes(form),
            minutes=read_minutes(form),
            label=form.get("label", ""),
        )
    except Invalid as error:
        return await _page(request, status=422, values=form, errors=error)
    return await _page(request, token=token)


async def revoke(request: web.Request) -> web.StreamResponse:
    """End one of one's own."""
    await revoke_token(db(request), actor_of(request), token_id=id_in(request))
    flash(request, _("The token is worth nothing any more."))
    return to_page(request, "tokens.index")


async def _page(request: web.Request, *, status: int = 200, token: str = "", **context: Any) -> web.StreamResponse:
    return render(
        request,
        "accounts/tokens.html.jinja",
        status=status,
        tokens=await own_tokens(db(request), actor_of(request)),
        token=token,
        purposes=[(code.value, label(code)) for code in purposes_for(actor_of(request).role)],
        purpose_words=dict(options(Purpose)),
        longest=LONGEST_MINUTES,
        **context,
    )
