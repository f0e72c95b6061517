"""To an OpenID Provider and back: to sign in, to link it to one's account, to prove once more who one is."""

from collections.abc import Mapping

from aiohttp import web

from teleconsult.accounts import federation
from teleconsult.accounts.federation import LIFETIME, Errand, Login, NotKnownHere
from teleconsult.accounts.identities import Person
from teleconsult.accounts.linking import unlink_identity
from teleconsult.accounts.oidc import Provider, ProviderAway
from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.errors import Invalid, NotFound
from web.cookies import own_path, set_session
from web.entrance import let_in, visit_of
from web.flash import flash
from web.i18n import gettext as _
from web.rendering import render
from web.requests import (
    PROVIDER,
    actor_of,
    address_of,
    db,
    id_in,
    own_transactions,
    see_other,
    sessions_of,
    settings_of,
    to_page,
    visitor_of,
)


@own_transactions
async def start(request: web.Request) -> web.StreamResponse:
    """Send the browser to the provider; who is signed in already goes on."""
    target = own_path(request.query.get("next", ""))
    if visitor_of(request):
        return see_other(target)
    login = Login.begin(Errand.SIGN_IN, target=target)
    try:
        return _remember(request, see_other(await _address(request, login)), login)
    except ProviderAway as error:
        return render(request, "accounts/sign_in.html.jinja", status=error.status, next=target, errors=error)


@own_transactions
async def step_up(request: web.Request) -> web.StreamResponse:
    """Send the browser to the provider, where the person proves themselves anew."""
    login = Login.begin(Errand.STEP_UP, target=own_path(request.query.get("next", "")), actor=actor_of(request))
    return _remember(request, see_other(await _address(request, login)), login)


@own_transactions
async def link(request: web.Request) -> web.StreamResponse:
    """Begin to link a sign-in at the provider to one's account: a page that leads there.

    A page and no redirect: the policy lets a form lead to this site alone (CSP3 `form-action`).
    """
    require_fresh(actor_of(request))
    login = Login.begin(Errand.LINK, target="/account", actor=actor_of(request))
    address = await _address(request, login)
    return _remember(request, render(request, "accounts/link_identity.html.jinja", address=address), login)


@own_transactions
async def not_known_here(request: web.Request) -> web.StreamResponse:
    """What to do when the provider knows somebody we do not: a page of its own, without the code in its address."""
    _provider(request)
    return render(request, "accounts/not_known_here.html.jinja", status=NotKnownHere.status)


async def unlink(request: web.Request) -> web.StreamResponse:
    """Take that way in away again."""
    await unlink_identity(db(request), actor_of(request), identity_id=id_in(request))
    flash(request, _("This sign-in is no longer linked to your account."))
    return to_page(request, "own_account.show")


@own_transactions
async def come_back(request: web.Request) -> web.StreamResponse:
    """Take the provider's answer to the browser that asked for it."""
    settings, name = settings_of(request), _cookie(request)
    login = Login.opened(settings, request.cookies.get(name, ""))
    try:
        person = await federation.come_back(
            sessions_of(request), settings, _provider(request), login, _answer(request), visit=visit_of(request)
        )
        assert login is not None
        response = await _finish(request, login, person)
    except (Invalid, ProviderAway) as error:
        if visitor_of(request):
            raise
        target = login.next if login else "/"
        return render(request, "accounts/sign_in.html.jinja", status=error.status, next=target, errors=error)
    except NotKnownHere:
        response = to_page(request, "federation.not_known_here")
    response.del_cookie(name, path="/", secure=settings.is_secure)
    return response


async def _finish(request: web.Request, login: Login, person: Person) -> web.Response:
    sessions, settings, actor = sessions_of(request), settings_of(request), visitor_of(request)
    match login.errand:
        case Errand.SIGN_IN:
            entry = await federation.sign_in_as(sessions, settings, person, visit=visit_of(request))
            return let_in(request, entry, target=login.next)
        case Errand.LINK:
            await federation.link_to(sessions, settings, actor, login, person)
            flash(request, _("You can now sign in with %(name)s.", name=settings.oidc_name))
            return see_other(login.next)
        case Errand.STEP_UP:
            token = await federation.step_up_as(sessions, settings, actor, login, person, address=address_of(request))
            return set_session(see_other(login.next), settings, token)


def _answer(request: web.Request) -> Mapping[str, str]:
    """What the provider had the browser bring; nothing counts where a name comes twice (RFC 6749 §3.1)."""
    query = request.query
    return dict(query) if len(set(query)) == len(query) else {}


async def _address(request: web.Request, login: Login) -> str:
    return await _provider(request).authorization_url(login.challenge, is_fresh=login.is_fresh)


def _remember(request: web.Request, response: web.Response, login: Login) -> web.Response:
    settings = settings_of(request)
    response.set_cookie(
        _cookie(request),
        login.sealed(settings),
        path="/",
        httponly=True,
        samesite="Lax",
        secure=settings.is_secure,
        max_age=int(LIFETIME.total_seconds()),
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _cookie(request: web.Request) -> str:
    return "__Host-federated" if settings_of(request).is_secure else "federated"


def _provider(request: web.Request) -> Provider:
    """Raises NotFound where the settings name none."""
    provider = request.app[PROVIDER]
    if provider is None:
        raise NotFound
    return provider
