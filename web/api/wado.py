"""WADO-RS: stored instances, their description and long values (PS3.18 §10.4)."""

import asyncio
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from teleconsult.db import transaction
from teleconsult.errors import NotFound
from teleconsult.fhir.scoping import require_granted
from teleconsult.imaging.refusals import Unreadable
from teleconsult.imaging.retrieving import Kept, descriptions_of, instances_for, joined, tag_of
from teleconsult.records.models import ResourceType
from web.api.accepting import DICOM, JSON, OtherForm, accepted, chosen
from web.api.decoding import in_explicit
from web.api.dicomweb_address import studies_of
from web.api.kept_answers import LARGEST
from web.api.looking import looking
from web.api.parts import HEADERS, known, part_of_object, send_one, send_parts
from web.errors import DICOMWEB
from web.requests import KEPT_ANSWERS, actor_of, objects_of, own_transactions, renditions_of, sessions_of

EXPLICIT: Final = "1.2.840.10008.1.2.1"
SCOPE: Final = (ResourceType.IMAGING_STUDY, "r")
_AT_ONCE: Final = 200
"""Descriptions that are in memory together."""
_EFFORT: Final = 6
"""gzip's level: of a series whose descriptions are nearly the same it leaves half of what the lowest does, as soon."""


@dataclass(frozen=True, slots=True)
class _Form:
    """How instances go out: in a multipart or alone, as they are stored or in Explicit VR Little Endian."""

    is_multipart: bool
    is_stored: bool


@own_transactions
async def instances(request: web.Request) -> web.StreamResponse:
    """All instances of a study, a series, or one, byte for byte as they came (§10.4.1.1.1); one alone also decoded."""
    kept = await retrieved(request)
    form = _form_of(request, kept)
    tag = tag_of(kept, f"dicom {form}")
    if (answer := known(request, tag)) is not None:
        return answer
    objects = objects_of(request)
    if form.is_stored:
        parts = [
            part_of_object(
                objects, one.object_key, f"{DICOM}; transfer-syntax={one.transfer_syntax_uid}", start=0, length=one.size
            )
            for one in kept
        ]
    else:
        parts = [await in_explicit(renditions_of(request), kept[0])]
    if form.is_multipart:
        return await send_parts(request, parts, media=DICOM, tag=tag)
    return await send_one(request, parts[0], tag=tag, name=f"{kept[0].sop_instance_uid}.dcm")


@own_transactions
async def metadata(request: web.Request) -> web.StreamResponse:
    """Their descriptions as one JSON array, a few hundred at a time (§10.4.1.1.2)."""
    kept = await retrieved(request)
    content_type = chosen(request, *JSON)
    server = studies_of(request).removesuffix(f"{DICOMWEB}/studies")
    tag = tag_of(kept, f"metadata {content_type} {server}")
    if (answer := known(request, tag)) is not None:
        return answer
    headers = {**HEADERS, "ETag": tag, "Content-Type": content_type}
    packer = None
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        packer = zlib.compressobj(_EFFORT, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    answers, name = request.app[KEPT_ANSWERS], f"{tag} {packer is not None}"
    if (made := answers.get(name)) is not None:
        return web.Response(body=made, headers=headers)
    response = web.StreamResponse(headers=headers)
    whole = bytearray()
    for first in range(0, len(kept), _AT_ONCE):
        told = await _descriptions(request, kept[first : first + _AT_ONCE])
        begin, end = b"," if first else b"[", b"]" if first + _AT_ONCE >= len(kept) else b""
        piece = await asyncio.to_thread(_packed, packer, told, server, (begin, end))
        if not response.prepared:
            await response.prepare(request)
        await response.write(piece)
        if len(whole) <= LARGEST:
            whole += piece
    await response.write_eof()
    answers.keep(name, bytes(whole))
    return response


async def retrieved(request: web.Request) -> list[Kept]:
    """The instances that an address names, for who now looks at them; that is in the log before anything goes out."""
    require_granted(actor_of(request), SCOPE)
    parts = request.match_info
    async with looking(request) as look:
        study, kept = await instances_for(
            look.session, look.actor, study_uid=parts["uid"], series_uid=parts.get("series"), sop_uid=parts.get("sop")
        )
        await look.at(study)
    return kept


def _form_of(request: web.Request, kept: Sequence[Kept]) -> _Form:
    """The form that is liked best of those that can be had. Raises OtherForm.

    A transfer syntax that is asked for by its name in a multipart is one of several that do.
    """
    syntaxes: set[str] = set()
    decoded = None
    for form in accepted(request):
        if not form.takes(DICOM):
            continue
        if form.is_multipart:
            syntaxes.add(form.syntax or "*")
        elif len(kept) == 1 and form.syntax in ("", "*", kept[0].transfer_syntax_uid):
            return _Form(is_multipart=False, is_stored=True)
        if len(kept) == 1 and form.syntax == EXPLICIT:
            decoded = decoded or _Form(form.is_multipart, is_stored=False)
    if "*" in syntaxes or (syntaxes and all(one.transfer_syntax_uid in syntaxes for one in kept)):
        return _Form(is_multipart=True, is_stored=True)
    if decoded is not None:
        return decoded
    raise OtherForm("Images go out as they are kept: ask for %(media)s with transfer-syntax=*.", media=DICOM)


async def _descriptions(request: web.Request, kept: Sequence[Kept]) -> list[bytes]:
    async with transaction(sessions_of(request), actor_of(request)) as session:
        told = await descriptions_of(session, kept)
    return [found or await _read_anew(request, one) for one, found in zip(kept, told, strict=True)]


async def _read_anew(request: web.Request, kept: Kept) -> bytes:
    """Of what came in before descriptions were kept."""
    try:
        return (await renditions_of(request).description(kept)).dicom_json
    except Unreadable as error:
        raise NotFound from error


def _packed(packer: "zlib._Compress | None", told: Sequence[bytes], server: str, ends: tuple[bytes, bytes]) -> bytes:
    piece = ends[0] + joined(told, server=server) + ends[1]
    if packer is None:
        return piece
    return packer.compress(piece) + (packer.flush() if ends[1] else packer.flush(zlib.Z_SYNC_FLUSH))
