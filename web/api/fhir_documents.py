"""The signed FHIR document of a note: the exact bytes that were signed, and the signature over them."""

from typing import Final

from aiohttp import web

from teleconsult.db import transaction
from teleconsult.notes.queries import read_bundle
from web.api.fhir import FHIR_JSON
from web.requests import actor_of, id_in, objects_of, own_transactions, sessions_of

_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@own_transactions
async def read(request: web.Request) -> web.StreamResponse:
    """`GET /Bundle/{id}`: as it was signed, byte for byte; never pretty-printed, never shortened."""
    async with transaction(sessions_of(request), actor_of(request)) as session:
        key, _jws = await read_bundle(session, actor_of(request), id_in(request))
    link = {"Link": f'<{request.path}/signature>; rel="describedby"; type="application/jose"'}
    return web.Response(
        body=await objects_of(request).get(key), content_type=FHIR_JSON, charset="utf-8", headers=_HEADERS | link
    )


@own_transactions
async def signature(request: web.Request) -> web.StreamResponse:
    """`GET /Bundle/{id}/signature`: the detached JWS in compact form (RFC 7515 appendix F, RFC 7797)."""
    async with transaction(sessions_of(request), actor_of(request)) as session:
        _key, jws = await read_bundle(session, actor_of(request), id_in(request))
    return web.Response(text=jws, content_type="application/jose", headers=_HEADERS)
