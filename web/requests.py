"""What a view may ask of its request, typed: the open transaction, who acts, the parts of the application."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Final, TypeVar

from aiohttp import web
from multidict import MultiDictProxy
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import Permission
from teleconsult.accounts import Actor
from teleconsult.accounts.bearer_door import BearerDoor
from teleconsult.accounts.oidc import Provider
from teleconsult.db import Sessions, act_as, transaction
from teleconsult.documents.press import Press
from teleconsult.documents.printer import Printer
from teleconsult.errors import NotFound, Unauthenticated
from teleconsult.imaging.receiving import Receiver
from teleconsult.imaging.renditions import Renditions
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.notes.verifying_apart import Checker
from teleconsult.objects import Objects
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings, networks_in
from web.api.kept_answers import KeptAnswers
from web.kept_uploads import KeptUploads
from web.lately import Lately
from web.looks import Looks

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
View = TypeVar("View", bound=Callable[..., Awaitable[web.StreamResponse]])
"""A handler, or a method that becomes one."""
Need = Permission | None
ANYONE: Final = None
"""What a route needs that answers before sign-in. A house test holds the list of them."""

ACTOR: Final = web.RequestKey("actor", object)
"""Who acts, or None; use `actor_of`."""
SESSION: Final = web.RequestKey("session", AsyncSession)
BEGUN_AGAIN: Final = web.RequestKey("begun_again", bool)
BODY: Final = web.RequestKey("body", bytes)
FORM: Final = web.RequestKey("form", MultiDictProxy[str])
CSRF_TOKEN: Final = web.RequestKey("csrf_token", str)
CSRF_PENDING: Final = web.RequestKey("csrf_pending", object)
"""The cookie whose token a multipart view still has to find in its body."""
BY_BEARER: Final = web.RequestKey("by_bearer", bool)

SETTINGS: Final = web.AppKey("settings", Settings)
NEEDS: Final = web.AppKey("needs", dict[web.AbstractRoute, Need])
"""What each route needs (`web/routes.py`)."""
SESSIONS: Final = web.AppKey("sessions", Sessions)
OBJECTS: Final = web.AppKey("objects", Objects)
SEALER: Final = web.AppKey("sealer", Sealer)
BEARERS: Final = web.AppKey("bearers", BearerDoor)
PROVIDER: Final = web.AppKey[Provider | None]("provider")
"""The OpenID Provider of the settings, if they name one."""
SANDBOX: Final = web.AppKey("sandbox", Sandbox)
RECEIVER: Final = web.AppKey("receiver", Receiver)
RENDITIONS: Final = web.AppKey("renditions", Renditions)
PRESSES: Final = web.AppKey("presses", asyncio.Semaphore)
"""Who is rung at once, by a press or a refusal: some of the database's connections are left to those who are rung."""
LATELY: Final = web.AppKey("lately", Lately)
LOOKS: Final = web.AppKey("looks", Looks)
KEPT_ANSWERS: Final = web.AppKey("kept_answers", KeptAnswers)
PRESS: Final = web.AppKey("press", Press)
PRINTER: Final = web.AppKey("printer", Printer)
CHECKER: Final = web.AppKey("checker", Checker)
KEPT_UPLOADS: Final = web.AppKey("kept_uploads", KeptUploads)


def db(request: web.Request) -> AsyncSession:
    """The request's one transaction: committed after the view returned a success or a redirect."""
    return request[SESSION]


@asynccontextmanager
async def opened_transaction(request: web.Request) -> AsyncIterator[AsyncSession]:
    """For a view that opens its own (`own_transactions`): what `db` gives while the block runs."""
    async with transaction(sessions_of(request), actor_of(request)) as session:
        request[SESSION] = session
        yield session


async def begin_again(request: web.Request) -> None:
    """Undo what a refused form had begun. The page shown in its place is an act of its own, kept like any other:
    what it lets somebody read of a file stands in the log. Look up anew what it shows.
    """
    session = db(request)
    await session.rollback()
    session.expunge_all()
    await act_as(session, actor_of(request))
    request[BEGUN_AGAIN] = True


def actor_of(request: web.Request) -> Actor:
    """Who acts. Raises Unauthenticated where nobody is signed in (only views for anyone can see that)."""
    actor = visitor_of(request)
    if actor is None:
        raise Unauthenticated("Please sign in.")
    return actor


def visitor_of(request: web.Request) -> Actor | None:
    """Who acts, or None before sign-in."""
    actor = request.get(ACTOR)
    return actor if isinstance(actor, Actor) else None


def see_other(location: object) -> web.Response:
    """A redirect after a form (RFC 9110 §15.4.4): returned, never raised, so that the transaction commits."""
    return web.Response(status=303, headers={"Location": str(location)})


def to_page(request: web.Request, name: str, **parts: object) -> web.Response:
    """The same, to a route of `web/routes.py` by its name."""
    return see_other(request.app.router[name].url_for(**{key: str(value) for key, value in parts.items()}))


def frame_of(request: web.Request) -> str:
    """The `<turbo-frame>` that asks for its own part of a page; empty where a whole page is wanted."""
    return request.headers.get("Turbo-Frame", "")


def settings_of(request: web.Request) -> Settings:
    """The installation's settings."""
    return request.app[SETTINGS]


def sessions_of(request: web.Request) -> Sessions:
    """For views marked `own_transactions`, and for what must be kept whatever becomes of the request."""
    return request.app[SESSIONS]


def objects_of(request: web.Request) -> Objects:
    """The object store."""
    return request.app[OBJECTS]


def sandbox_of(request: web.Request) -> Sandbox:
    """The worker processes that read strangers' files."""
    return request.app[SANDBOX]


def receiver_of(request: web.Request) -> Receiver:
    """The one way in for DICOM files."""
    return request.app[RECEIVER]


def renditions_of(request: web.Request) -> Renditions:
    """Frames of images, ready for the screen."""
    return request.app[RENDITIONS]


def press_of(request: web.Request) -> Press:
    """Where notes are printed."""
    return request.app[PRESS]


def printer_of(request: web.Request) -> Printer:
    """Where files and consults are printed: apart from the notes."""
    return request.app[PRINTER]


def checker_of(request: web.Request) -> Checker:
    """Where strangers' signed files are checked."""
    return request.app[CHECKER]


def sealer_of(request: web.Request) -> Sealer:
    """Opens and seals stored keys."""
    return request.app[SEALER]


def address_of(request: web.Request) -> str:
    """The client's address: the socket's, or what our own proxies say of it (the last hop that is not one of them)."""
    trusted = settings_of(request).trusted_proxies
    address = request.remote or ""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    while hops and is_within(address, trusted):
        address = hops.pop()
    return address[:64]


def is_within(address: str, networks: str) -> bool:
    """Whether the address lies in one of these addresses and networks, as the settings list them."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks_in(networks))


def id_in(request: web.Request, name: str = "id") -> uuid.UUID:
    """A UUID from the path. What is none names nothing: NotFound, exactly like an unknown id."""
    try:
        return uuid.UUID(request.match_info[name])
    except ValueError as error:
        raise NotFound from error


def is_for_anyone(request: web.Request) -> bool:
    """Whether the route about to answer does so before sign-in; that there is no such route is said to anyone, too."""
    needs, found = request.app[NEEDS], request.match_info
    return found.http_exception is not None or (found.route in needs and needs[found.route] is ANYONE)


def need_of(request: web.Request) -> Permission:
    """What the route about to answer needs. Raises NotFound where `web/routes.py` does not say."""
    need = request.app[NEEDS].get(request.match_info.route)
    if need is None:
        raise NotFound
    return need


def own_transactions(view: View) -> View:
    """Mark a view that opens its own short transactions, because its body takes long to arrive."""
    view.has_own_transactions = True  # type: ignore[attr-defined]  # a mark on the function, read by the middleware
    return view


def asks_no_database(view: View) -> View:
    """Mark a view that answers also while the database does not."""
    view.asks_no_database = True  # type: ignore[attr-defined]  # a mark on the function, read by the middleware
    return view


def takes_files(view: View) -> View:
    """Mark a view that reads a multipart body itself, and checks the token in it (`csrf.check_field`)."""
    view.takes_files = True  # type: ignore[attr-defined]  # a mark on the function, read by `csrf.check`
    return view


def is_marked(request: web.Request, mark: str) -> bool:
    """Whether the view about to answer carries `mark`."""
    return bool(getattr(request.match_info.handler, mark, False))
