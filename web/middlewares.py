"""Around every view, in this order: errors, transaction, sign-in, forgery, permission, flash.

Socket.IO's requests live as long as their socket, so none of this wraps them but the headers.
"""

import errno
import hashlib
import uuid
from dataclasses import replace
from functools import partial
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from psycopg.errors import DeadlockDetected, UniqueViolation
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import require
from teleconsult.accounts import SYSTEM, Actor, actor_for_cookie
from teleconsult.accounts.actor import NOBODY
from teleconsult.accounts.tokens import actor_for_bearer
from teleconsult.db import act_as, transaction
from teleconsult.errors import Conflict, Forbidden, NotFound, TeleconsultError, Unauthenticated, Unavailable
from teleconsult.systems.admitting import actor_at_fhir
from web import csrf
from web.bodies import hold_body
from web.cookies import session_cookie
from web.errors import DICOMWEB, error_response, is_for_programs
from web.flash import keep_flashes
from web.foreign_viewers import preflights
from web.i18n import LOCALE_COOKIE, choose_locale, using_locale
from web.listening import not_in_the_clear
from web.pulse import PULSE
from web.requests import (
    ACTOR,
    BEARERS,
    BEGUN_AGAIN,
    BY_BEARER,
    CSRF_TOKEN,
    LATELY,
    SESSION,
    SESSIONS,
    SETTINGS,
    actor_of,
    address_of,
    is_for_anyone,
    is_marked,
    need_of,
    see_other,
    visitor_of,
)

log = structlog.get_logger(__name__)

SOCKETS: Final = "/socket.io/"
STATIC: Final = "/static/"
POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
DECODER: Final = f"{STATIC}assets/decoder-"
POLICY_OF_DECODER: Final = "; ".join(
    ("default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "connect-src 'self'", "frame-ancestors 'none'")
)
"""Of the worker that decodes images: it alone may compile WebAssembly, and it can reach nothing but us."""
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=()",
}

MUCH: Final = 16 * 1024 * 1024
"""Bytes that nobody should have to send again because the database was away for a moment."""

OF_DOCUMENTS: Final = frozenset({"Referrer-Policy", "Cross-Origin-Opener-Policy", "Permissions-Policy"})


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """On every answer, whoever made it (a signal of aiohttp, so that refused and streamed ones have them too).

    What only speaks of documents is left out of static files: on a thin line it would be felt. A script keeps the
    policy, because a worker made from it lives under it; but where the browser says that it is a page's own script.
    """
    is_part = request.path.startswith(STATIC)
    is_of_page = request.headers.get("Sec-Fetch-Dest") in ("script", "style", "image")
    for name, value in HEADERS.items():
        if not (is_part and name in OF_DOCUMENTS):
            response.headers.setdefault(name, value)
    if not is_part or (request.path.endswith(".js") and not is_of_page):
        policy = POLICY_OF_DECODER if request.path.startswith(DECODER) else POLICY
        response.headers.setdefault("Content-Security-Policy", policy)
    if request.app[SETTINGS].is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn each failure into its status and a page (or JSON) that says what to do next."""
    if request.path.startswith(SOCKETS):
        _check_readable(request)
        return await handler(request)
    failure: TeleconsultError | web.HTTPException
    try:
        _check_readable(request)
        with using_locale(_locale_of(request)):
            return await handler(request)
    except TeleconsultError as error:
        failure = await _audited(request, error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        failure = error
    except Exception as error:
        failure = _failure(request, error)
    with using_locale(_locale_of(request)):  # by now it is known who asks, and so in which language to answer
        return error_response(request, failure)


def _check_readable(request: web.Request) -> None:
    """Refuse what no client of ours sends and no column can hold, once, before anything looks at it.

    Header values that are no UTF-8 arrive as lone surrogates; a compressed body (RFC 9110 §8.4) may be a bomb.
    """
    if "\0" in request.path or not all(_is_text(value) for value in request.headers.values()):
        raise web.HTTPBadRequest
    if "Content-Encoding" in request.headers:
        raise web.HTTPUnsupportedMediaType


def _is_text(value: str) -> bool:
    return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)


def _locale_of(request: web.Request) -> str:
    """The language chosen in this browser, the person's own, or what the browser asks for. Programs get English."""
    if is_for_programs(request.path):
        return "en"
    actor = visitor_of(request)
    stored = request.cookies.get(LOCALE_COOKIE) or (actor.locale if actor else None)
    return choose_locale(stored, "" if actor else request.headers.get("Accept-Language", ""))


def _failure(request: web.Request, error: Exception) -> TeleconsultError | web.HTTPException:
    """What to say of an exception that is none of ours."""
    if isinstance(error, OperationalError | PoolTimeoutError):
        log.warning("request.database_unavailable", error=type(error).__name__, route=_route(request))
        return Unavailable("The database does not answer. Try again in a moment.")
    if isinstance(error, DataError):  # a value no column can hold (a number too large, a NUL): not our mistake
        return web.HTTPUnprocessableEntity()
    if isinstance(error, IntegrityError) and isinstance(error.orig, UniqueViolation):  # of two at once, the second
        return Conflict("The same was added at this moment. Go back and look.")
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return Unavailable("There is no room left for files. Tell the administrator.")
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return web.HTTPNotFound()  # a static file of that name there cannot be
    log.error("request.failed", route=_route(request), exc_info=error)
    return web.HTTPInternalServerError()


@web.middleware
async def while_answering(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Nobody waits for a database that hangs. Large files that are on their way, in or out, go on."""
    if request.path.startswith((SOCKETS, STATIC)) or is_marked(request, "asks_no_database"):
        return await handler(request)
    pulse = request.app[PULSE]
    pulse.require()
    return await handler(request) if _brings_much(request) else await pulse.within(handler(request), request)


def _brings_much(request: web.Request) -> bool:
    size = request.content_length
    return is_marked(request, "has_own_transactions") and request.body_exists and (size is None or size > MUCH)


@web.middleware
async def in_transaction(request: web.Request, handler: Handler) -> web.StreamResponse:
    """One request, one transaction: success and redirects commit, refusals and exceptions roll back.

    A page that has begun again (`begin_again`) commits what it did since, whatever its status. A look (RFC 9110 §9.2.1)
    that the database ended, for it and a change of tables waited for each other, is done once more.
    """
    if request.path.startswith((SOCKETS, STATIC)) or is_marked(request, "asks_no_database"):
        return await handler(request)
    if is_marked(request, "has_own_transactions"):
        request[ACTOR] = await _actor_of_images(request) if _is_of_images(request) else await _actor_apart(request)
        return await handler(request)
    # Before the transaction: who sends slowly may hold a socket for long, but never a connection to the database.
    await hold_body(request)
    try:
        return await _in_one(request, handler)
    except OperationalError as error:
        if (
            not isinstance(error.orig, DeadlockDetected)
            or request.method not in csrf.SAFE_METHODS
            or BEGUN_AGAIN in request
        ):
            raise
    return await _in_one(request, handler)


async def _in_one(request: web.Request, handler: Handler) -> web.StreamResponse:
    async with request.app[SESSIONS]() as session:
        request[SESSION] = session
        await act_as(session, SYSTEM)
        request[ACTOR] = actor = await _actor(request, session)
        await act_as(session, actor or NOBODY)
        response = await handler(request)
        if response.status < 400 or BEGUN_AGAIN in request:
            await session.commit()
    return response


@web.middleware
async def signed_in(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Nobody passes without a sign-in but to routes for anyone; the rest speak the person's own language."""
    if request.path.startswith((SOCKETS, STATIC)):
        return await handler(request)
    actor = visitor_of(request)
    if actor is None:
        if is_for_anyone(request):
            return await handler(request)
        is_page = request.method == "GET" and not is_for_programs(request.path)
        if is_page and "text/html" in request.headers.get("Accept", ""):
            target = request.app.router["accounts.sign_in"].url_for()
            return see_other(target.with_query(next=request.path_qs) if request.path != "/" else target)
        raise Unauthenticated("Your session is over. Sign in again.")
    with using_locale(_locale_of(request)):
        return await handler(request)


@web.middleware
async def against_forgery(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A token for the pages, and its check on every non-GET that a cookie authenticates.

    Before sign-in there is no cookie to abuse; the Origin header alone keeps other sites' forms out.
    """
    if request.path.startswith((SOCKETS, STATIC)) or request.get(BY_BEARER):
        return await handler(request)
    settings = request.app[SETTINGS]
    cookie = request.cookies.get(session_cookie(secure=settings.is_secure), "") if visitor_of(request) else ""
    request[CSRF_TOKEN] = csrf.token_for(settings, cookie)
    if request.method not in csrf.SAFE_METHODS:
        csrf.check_origin(request, settings)
        if cookie:
            await csrf.check(request, settings, cookie)
    return await handler(request)


@web.middleware
async def permitted(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What somebody's role has no part in is not there for them, whatever its id. Which of the rest, the view asks."""
    if not request.path.startswith((SOCKETS, STATIC)) and not is_for_anyone(request):
        require(actor_of(request), need_of(request))
    return await handler(request)


MIDDLEWARES: Final = (
    not_in_the_clear,
    preflights,
    errors,
    while_answering,
    in_transaction,
    signed_in,
    against_forgery,
    permitted,
    keep_flashes,
)


def _is_of_images(request: web.Request) -> bool:
    """Whether a program asks for images, or brings some: many times a second, one after the other."""
    return request.path.startswith(f"{DICOMWEB}/")


async def _actor_of_images(request: web.Request) -> Actor | None:
    """Who carries the token, as it was found within the last seconds; its bytes are not kept."""
    bearer = _bearer_in(request)
    if bearer is None:
        return await _actor_apart(request)
    request[BY_BEARER] = True
    token = hashlib.sha256(bearer.encode()).digest()
    return await request.app[LATELY].found((token, address_of(request)), partial(_actor_apart, request))


async def _actor_apart(request: web.Request) -> Actor | None:
    async with transaction(request.app[SESSIONS], SYSTEM) as session:
        return await _actor(request, session)


async def _actor(request: web.Request, session: AsyncSession) -> Actor | None:
    actor = await _find_actor(request, session)
    return replace(actor, address=address_of(request)) if actor else None


async def _find_actor(request: web.Request, session: AsyncSession) -> Actor | None:
    settings = request.app[SETTINGS]
    bearer = _bearer_in(request)
    if bearer is not None:
        request[BY_BEARER] = True
        look_up = actor_at_fhir if is_for_programs(request.path) else actor_for_bearer
        return await request.app[BEARERS].admit(session, bearer, address=address_of(request), look_up=look_up)
    token = request.cookies.get(session_cookie(secure=settings.is_secure))
    return await actor_for_cookie(session, settings, token) if token else None


def _bearer_in(request: web.Request) -> str | None:
    """The token of RFC 6750 that comes with the request, if any."""
    scheme, _blank, bearer = request.headers.get("Authorization", "").partition(" ")
    return bearer.strip() if scheme.lower() == "bearer" else None


async def _audited(request: web.Request, error: TeleconsultError) -> TeleconsultError | web.HTTPException:
    """The refusal once it stands in the audit log; where it cannot be written there, what went wrong instead."""
    try:
        await _audit_denial(request, error)
    except Exception as failed:
        return _failure(request, failed)
    return error


async def _audit_denial(request: web.Request, error: TeleconsultError) -> None:
    actor = visitor_of(request)
    if isinstance(error, NotFound | Forbidden) and actor is not None:
        # What is open to anyone may carry a secret in its path (the link of a mail): its pattern says enough.
        path = _route(request) if is_for_anyone(request) else request.path
        await audit.record_denied(
            request.app[SESSIONS],
            actor,
            "access-denied",
            patient_id=_patient_named(request),
            method=request.method,
            path=path[:300],
        )


def _patient_named(request: web.Request) -> uuid.UUID | None:
    """The patient whose page was asked for: who watches over that file reads of the attempt."""
    try:
        is_named = _route(request).startswith(("/patients/{id}", "/fhir/Patient/{id}"))
        return uuid.UUID(request.match_info["id"]) if is_named else None
    except ValueError:
        return None


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unknown"
