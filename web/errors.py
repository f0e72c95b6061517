"""The one place where a failure becomes a status and words: a page for people, JSON for programs."""

from typing import Any, Final

from aiohttp import web

from teleconsult.errors import Invalid, StepUpNeeded, TeleconsultError, TooMany
from teleconsult.fhir.door import methods_on
from teleconsult.fhir.outcomes import code_of, expressions_of, operation_outcome
from web.api import fhir
from web.csrf import came_from
from web.i18n import gettext as _
from web.i18n import lazy_gettext as _lazy
from web.kept_forms import keep_form
from web.rendering import render
from web.requests import frame_of, see_other

FHIR: Final = "/fhir"
"""Under it programs are answered, in the standard's own words for failures."""
DICOMWEB: Final = "/dicomweb"
"""Under it, too; of failures PS3.18 wants the status alone, so they are JSON."""
WORDS: Final = {
    400: _lazy("The request could not be understood."),
    401: _lazy("Please sign in."),
    404: _lazy("There is nothing at this address, or it is not shared with you."),
    405: _lazy("This cannot be done here."),
    413: _lazy("This is more than we can take."),
    422: _lazy("Some answers need another look."),
    500: _lazy("Something went wrong on our side. It has been noted; try again in a moment."),
}


def error_response(request: web.Request, error: TeleconsultError | web.HTTPException) -> web.Response:
    """A page, or JSON `{"error", "fields"}` where the client asked for it. Never a stack trace, never an id."""
    if isinstance(error, StepUpNeeded) and not wants_json(request) and not request.path.startswith(FHIR):
        return _to_step_up(request)
    if isinstance(error, TeleconsultError):
        words = _(error.message, **error.values)
    else:
        words = str(WORDS.get(error.status, WORDS[400 if error.status < 500 else 500]))
    if request.path.startswith(FHIR):
        response = fhir.answer(_outcome(error, words), status=error.status)
    elif wants_json(request):
        content: dict[str, object] = {"error": words}
        if isinstance(error, Invalid):
            content["fields"] = {name: _(text) for name, text in error.fields.items()}
        response = web.json_response(content, status=error.status)
    else:
        response = render(
            request,
            "errors/error.html.jinja",
            status=error.status,
            code=error.status,
            sentence=words,
            came_from=came_from(request),
        )
    tell_when(response, error)
    if error.status == 405:
        response.headers["Allow"] = ", ".join(_methods(request, error))
    if error.status == 401 and request.headers.get("Authorization"):
        response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    return response


def tell_when(response: web.StreamResponse, error: Exception | None) -> None:
    """For programs: after how many seconds to ask again, where that is why it was refused (RFC 9110 §10.2.3)."""
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)


def _methods(request: web.Request, error: TeleconsultError | web.HTTPException) -> list[str]:
    """What may be done at this address. FHIR's own table knows it better than that of the routes."""
    path = request.path.removeprefix(FHIR).strip("/")
    if request.path.startswith(FHIR) and (known := methods_on(path.split("/"))):
        return known
    return sorted(error.allowed_methods) if isinstance(error, web.HTTPMethodNotAllowed) else []


def _outcome(error: TeleconsultError | web.HTTPException, words: str) -> dict[str, Any]:
    """The failure as FHIR says it: what went wrong, and in which element or parameter."""
    if not isinstance(error, TeleconsultError):
        return operation_outcome(error.status, words)
    expressions = {name: _(text) for name, text in expressions_of(error).items()}
    fields = {name: _(text) for name, text in error.fields.items()} if isinstance(error, Invalid) else None
    return operation_outcome(error.status, words, fields=fields, expressions=expressions, code=code_of(error))


def _to_step_up(request: web.Request) -> web.Response:
    """The page where one proves who one is, which leads back; what was sent cannot go twice, so back to its form."""
    is_page = request.method == "GET" and not frame_of(request)
    back = request.path_qs if is_page else came_from(request) or "/"
    response = see_other(request.app.router["step_up.show"].url_for().with_query(next=back))
    keep_form(request, response, page=back)
    return response


def is_for_programs(path: str) -> bool:
    """Whether systems come there by themselves, with tokens of their own."""
    return any(path == door or path.startswith(f"{door}/") for door in (FHIR, DICOMWEB))


def wants_json(request: web.Request) -> bool:
    """True for our own scripts' fetches and for machines."""
    accepted = request.headers.get("Accept", "")
    if is_for_programs(request.path):
        return True
    return "json" in accepted or ("json" in request.content_type and "text/html" not in accepted)
