"""Many interactions in one request: FHIR R4 batch and transaction."""

from dataclasses import replace
from typing import Final

from aiohttp import web

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.db import transaction
from teleconsult.errors import Forbidden, NotFound
from teleconsult.fhir.asking import Asked
from teleconsult.fhir.batches import FailedEntry, process_bundle, read_bundle
from web.api.fhir_address import naming_of, server_of
from web.api.fhir_binaries import entry_taken_out
from web.api.fhir_door import check_format, respond
from web.bodies import hold_body
from web.requests import BODY, actor_of, own_transactions, sessions_of

LARGEST: Final = 8 * 1024 * 1024


@own_transactions
async def process(request: web.Request) -> web.StreamResponse:
    """`POST /fhir`: the whole Bundle is read before the one transaction it is done in."""
    check_format(request)
    actor = actor_of(request)
    require(actor, Permission.PATIENTS_FIND)
    await hold_body(request, limit=LARGEST)
    asked = Asked(
        method="POST",
        segments=(),
        server=server_of(request),
        naming=naming_of(request),
        body=request[BODY],
        media=request.content_type,
        prefer=", ".join(request.headers.getall("Prefer", [])),
    )
    work = read_bundle(asked)
    work = replace(work, entries=[await entry_taken_out(request, entry) for entry in work.entries])
    try:
        async with transaction(sessions_of(request), actor) as session:
            return respond(asked, await process_bundle(session, actor, work))
    except FailedEntry as error:
        if isinstance(error.cause, NotFound | Forbidden):
            await audit.record_denied(sessions_of(request), actor, "access-denied", method="POST", path=request.path)
        raise
