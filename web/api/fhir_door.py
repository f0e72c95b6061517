"""The FHIR R4 door over HTTP. What it offers stands in `teleconsult/fhir/door.py`."""

import importlib.metadata
from email.utils import format_datetime
from typing import Final

from aiohttp import web
from multidict import MultiMapping

from teleconsult.clock import now
from teleconsult.fhir.asking import Answered, Asked
from teleconsult.fhir.capabilities import capability_statement
from teleconsult.fhir.door import interact
from teleconsult.fhir.outcomes import success
from teleconsult.records.models import ResourceType
from teleconsult.systems.offering import PATH
from web.api.fhir import FHIR_JSON, answer
from web.api.fhir_address import ROOT, naming_of, server_of
from web.bodies import FORM_LIMIT, hold_body, read_form
from web.requests import BODY, actor_of, db, settings_of

ENTRIES: Final = "|".join(kind.value for kind in ResourceType)
"""The types of a file's entries, as a place in an address takes them."""
STARTED: Final = now()
"""Since when this process offers what it does."""
_JSON: Final = ("json", "*/*", "application/*", "text/html")
"""Words in an Accept header that JSON satisfies; a browser that asks for a page is shown it, too."""


async def act(request: web.Request) -> web.StreamResponse:
    """Any interaction with a type or an instance (R4 §3.1.0), in the request's own transaction."""
    check_format(request)
    asked = await read_asked(request)
    return respond(asked, await interact(db(request), actor_of(request), asked))


async def metadata(request: web.Request) -> web.StreamResponse:
    """`GET /fhir/metadata`: what is offered here, before sign-in (R4 §3.1.0.9)."""
    check_format(request)
    version = importlib.metadata.version("teleconsult")
    token_url = f"{settings_of(request).base_url}{PATH}"
    return answer(capability_statement(server=server_of(request), token_url=token_url, version=version, moment=STARTED))


async def read_asked(request: web.Request, *, limit: int = FORM_LIMIT) -> Asked:
    """The request as an interaction, its body of `limit` bytes at most; a search may be a form (R4 §3.1.1.1)."""
    parameters = list(request.query.items())
    body: bytes = b""
    if request.path.endswith("/_search"):
        parameters += (await read_form(request)).items()
    elif request.method != "GET":
        await hold_body(request, limit=limit)
        body = request[BODY]
    return Asked(
        method=request.method,
        segments=tuple(request.path.removeprefix(ROOT).strip("/").split("/")),
        server=server_of(request),
        naming=naming_of(request),
        parameters=parameters,
        body=body,
        media=request.content_type,
        if_match=request.headers.get("If-Match", ""),
        if_none_match=request.headers.get("If-None-Match", ""),
        if_none_exist=request.headers.get("If-None-Exist", ""),
        prefer=", ".join(request.headers.getall("Prefer", [])),
    )


def respond(asked: Asked, answered: Answered) -> web.Response:
    """The answer on the wire, as much of it as is wanted (R4 §3.1.0.1.11)."""
    resource = answered.resource
    if asked.method in ("POST", "PUT") and answered.version:
        if asked.wanted == "minimal":
            resource = None
        elif asked.wanted == "OperationOutcome":
            resource = success("It is kept.")
    if resource is None:
        response = web.Response(status=answered.status, headers={"Cache-Control": "no-store"})
    else:
        response = answer(resource, status=answered.status)
    if answered.version:
        response.headers["ETag"] = f'W/"{answered.version}"'
    if answered.modified is not None:
        response.headers["Last-Modified"] = format_datetime(answered.modified, usegmt=True)
    if answered.location:
        response.headers["Location"] = answered.location
    return response


def check_format(request: web.Request) -> None:
    """Raise 406 where something else than JSON is wanted: there is nothing else (R4 §3.1.0.1.9)."""
    if not _is_json(request.query) or not _accepts_json(request.headers.get("Accept", "")):
        raise web.HTTPNotAcceptable


def _is_json(query: MultiMapping[str]) -> bool:
    return all("json" in wanted or wanted in ("", FHIR_JSON) for wanted in query.getall("_format", []))


def _accepts_json(accepted: str) -> bool:
    return not accepted or any(word in accepted for word in _JSON)
