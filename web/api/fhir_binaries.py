"""Documents through the FHIR door: their bytes out, and in with a DocumentReference."""

from dataclasses import replace
from typing import Final

from aiohttp import web

from teleconsult.db import transaction
from teleconsult.errors import TeleconsultError
from teleconsult.fhir.asking import Asked
from teleconsult.fhir.attachments import KIND, detached
from teleconsult.fhir.batches import Entry
from teleconsult.fhir.binaries import as_binary
from teleconsult.fhir.door import Interaction, act_for, interact, interaction_of
from teleconsult.fhir.incoming import resource_in
from teleconsult.fhir.reading import entry_for
from teleconsult.records.documents import LARGEST
from web.api.fhir import FHIR_JSON
from web.api.fhir_door import check_format, read_asked, respond
from web.requests import actor_of, objects_of, own_transactions, sandbox_of, sessions_of, settings_of
from web.views.documents import document_answer

ROOM: Final = LARGEST * 4 // 3 + 512 * 1024
"""Bytes of a body that brings a document in base64."""
_FHIR: Final = ("application/fhir+json", "json", "application/json")


@own_transactions
async def read(request: web.Request) -> web.StreamResponse:
    """`GET /Binary/{id}`: the bytes as what they are, or as a Binary for who asks for FHIR (R4 §2.6.3)."""
    asked = await read_asked(request)
    asked = replace(asked, segments=(asked.segments[0], "/".join(asked.segments[1:])))
    async with transaction(sessions_of(request), actor_of(request)) as session:
        answered = await interact(session, actor_of(request), asked)
    if answered.content is None or answered.resource is None:
        return respond(asked, answered)
    document = await answered.content(objects_of(request))
    if _wants_fhir(request):
        return respond(asked, replace(answered, resource=as_binary(answered.resource, document)))
    response = document_answer(document, request.match_info["id"], way="attachment")
    response.headers["ETag"] = f'W/"{answered.version}"'
    return response


@own_transactions
async def write(request: web.Request) -> web.StreamResponse:
    """`POST` or `PUT` of a DocumentReference: with the document inside, where there is one."""
    check_format(request)
    actor = actor_of(request)
    asked = await read_asked(request, limit=ROOM)
    act_for(actor, asked)
    if len(asked.segments) > 1:  # nothing is looked at for what is not there
        async with transaction(sessions_of(request), actor) as session:
            await entry_for(session, actor, asked)
    asked = await taken_out(request, asked)
    async with transaction(sessions_of(request), actor) as session:
        return respond(asked, await interact(session, actor, asked))


async def taken_out(request: web.Request, asked: Asked) -> Asked:
    """The same, its document read and taken out of it: for who may write one. Raises as `act_for`, `detached` and
    `resource_in` do.
    """
    if asked.segments[:1] != (KIND,) or interaction_of(asked) not in (Interaction.CREATE, Interaction.UPDATE):
        return asked
    act_for(actor_of(request), asked)
    folder = settings_of(request).data / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    body, attached = await detached(
        resource_in(asked), objects=objects_of(request), sandbox=sandbox_of(request), folder=folder
    )
    return replace(asked, body=body, attached=attached)


async def entry_taken_out(request: web.Request, entry: Entry) -> Entry:
    """The same of an entry of a Bundle; what is wrong with it stands there for when its turn comes."""
    try:
        return replace(entry, asked=await taken_out(request, entry.asked))
    except TeleconsultError as error:
        return replace(entry, refused=error)


def _wants_fhir(request: web.Request) -> bool:
    """Whether a resource is wanted and not the bytes: only FHIR's own type says so, or `_format`."""
    wanted = request.query.get("_format", "").replace(" ", "+")
    return wanted in _FHIR if wanted else FHIR_JSON in request.headers.get("Accept", "")
