"""The cookie a session is held by, and where one goes after it was given."""

from aiohttp import web

from teleconsult.settings import Settings


def session_cookie(*, secure: bool) -> str:
    """The cookie's name: `__Host-` binds it to this host and to https (RFC 6265bis §4.1.3.2)."""
    return "__Host-session" if secure else "session"


def guest_cookie(*, secure: bool) -> str:
    """The same for the device of a guest (`encounters.guests`)."""
    return "__Host-guest" if secure else "guest"


def set_session(response: web.Response, settings: Settings, token: str) -> web.Response:
    """Give the browser its new session's token; returns the response."""
    response.set_cookie(
        session_cookie(secure=settings.is_secure),
        token,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=settings.is_secure,
        max_age=settings.session_hours * 3600,
    )
    return response


def own_path(target: str) -> str:
    """A path of ours, or home: never another site (open redirect)."""
    is_ours = target.startswith("/") and not target.startswith("//") and "\\" not in target
    return target if is_ours and target.isprintable() else "/"
