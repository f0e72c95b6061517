"""Where the link of an invitation leads: begin in this browser, then choose a password."""

from aiohttp import web

from teleconsult.accounts.invitations import accept_invitation, begin_invitation, is_begun
from teleconsult.accounts.models import SecretPurpose
from teleconsult.accounts.one_time import Link
from teleconsult.errors import Invalid, Refused
from web.bodies import read_form
from web.entrance import bind, bound, let_in, visit_of
from web.flash import flash
from web.i18n import gettext as _
from web.rendering import render
from web.requests import own_transactions, sessions_of, settings_of, to_page

PAGE = "accounts/invitation.html.jinja"
REFUSAL = "accounts/invitation_refused.html.jinja"


@own_transactions
async def show(request: web.Request) -> web.StreamResponse:
    """A welcome, and the password once this browser has begun. Looking binds nothing."""
    try:
        begun = await is_begun(sessions_of(request), link=_link(request))
    except Refused as error:
        return render(request, REFUSAL, status=error.status, errors=error)
    return render(request, PAGE, is_begun=begun, token=_link(request).token)


@own_transactions
async def begin(request: web.Request) -> web.StreamResponse:
    """Bind the invitation to this browser."""
    token = _link(request).token
    try:
        browser = await begin_invitation(sessions_of(request), token=token)
    except Refused as error:
        return render(request, REFUSAL, status=error.status, errors=error)
    return bind(request, to_page(request, "invitation.show", token=token), SecretPurpose.INVITATION, browser)


@own_transactions
async def accept(request: web.Request) -> web.StreamResponse:
    """Keep the password, and in."""
    fields = await read_form(request)
    try:
        entry = await accept_invitation(
            sessions_of(request),
            settings_of(request),
            link=_link(request),
            new=fields.get("new", ""),
            visit=visit_of(request),
        )
    except Invalid as error:
        return render(request, PAGE, status=422, errors=error, is_begun=True, token=_link(request).token)
    except Refused as error:
        return render(request, REFUSAL, status=error.status, errors=error)
    flash(request, _("Welcome. Your account is ready."))
    return let_in(request, entry, target="/", after=SecretPurpose.INVITATION)


def _link(request: web.Request) -> Link:
    return Link(token=request.match_info["token"], browser=bound(request, SecretPurpose.INVITATION))
