"""WADO-RS: frames and long values, cut out of the stored file (PS3.18 §10.4.1.1.5, §10.4.1.1.6)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from aiohttp import web

from teleconsult.db import transaction
from teleconsult.errors import NotFound
from teleconsult.fhir.scoping import require_granted
from teleconsult.imaging.models import ImagingInstance
from teleconsult.imaging.refusals import Unreadable, sentence
from teleconsult.imaging.retrieving import (
    Addressed,
    Kept,
    codestream,
    instance_within,
    pieces_of,
    range_of,
    spans_of,
    tag_of,
)
from web.api.accepting import OCTETS, OtherForm, accepted
from web.api.looking import looking
from web.api.parts import Part, known, part_of_bytes, part_of_object, part_to_come, send_one, send_parts
from web.api.wado import EXPLICIT, SCOPE
from web.requests import LATELY, actor_of, objects_of, own_transactions, renditions_of, sessions_of

NATIVE: Final = {"1.2.840.10008.1.2", EXPLICIT, "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"}
"""Transfer syntaxes whose frames go out as little-endian samples."""
_MEDIA: Final = {
    **dict.fromkeys(("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"), "image/jpeg"),
    **dict.fromkeys(("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"), "image/jpeg"),
    **dict.fromkeys(("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"), "image/jls"),
    **dict.fromkeys(("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"), "image/jp2"),
    **dict.fromkeys(("1.2.840.10008.1.2.4.92", "1.2.840.10008.1.2.4.93"), "image/jpx"),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.11{last}" for last in (0, 1, 2)), "image/jxl"),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.20{last}" for last in (1, 2, 3)), "image/jphc"),
    "1.2.840.10008.1.2.5": "image/dicom-rle",
}
"""Of encapsulated frames, by their transfer syntax (PS3.18 table 8.7.3-2)."""
_HTJ2K: Final = "image/jphc"
_WITHOUT_LOSS: Final = ("1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.201")
"""HTJ2K, lossless: what any frame can be coded to. Ours are RPCL, so each is of both."""
_MOST: Final = 1000
"""Frames of one request."""


@dataclass(frozen=True, slots=True)
class _Form:
    """How frames go out: as they are stored, or decoded; in a multipart or alone."""

    media: str
    syntax: str
    is_stored: bool
    is_multipart: bool

    @property
    def content_type(self) -> str:
        return f"{self.media}; transfer-syntax={self.syntax}"


@own_transactions
async def frames(request: web.Request) -> web.StreamResponse:
    """The frames of a list, counted from 1."""
    wanted = [int(number) for number in request.match_info["frames"].split(",")]
    if len(wanted) > _MOST:
        raise web.HTTPBadRequest
    return await _answer(request, await addressed(request), wanted)


@own_transactions
async def bulk_data(request: web.Request) -> web.StreamResponse:
    """A long value of the header, or all pixels: what a BulkDataURI leads to."""
    path = request.match_info["path"].upper().split("/")
    asked = await addressed(request)
    instance = asked.instance
    if path == ["7FE00010"] and not instance.frame_bits and instance.frames:
        return await _answer(request, asked, None)
    form = _form_of_octets(request)
    tag = tag_of_instance(instance, "/".join(path))
    if (answer := known(request, tag)) is not None:
        return answer
    if path[0].startswith("7FE0") and len(path) == 1 and instance.pixels_at:
        part = part_of_object(
            *(objects_of(request), instance.object_key, OCTETS), start=instance.pixels_at, length=instance.pixels_length
        )
    else:
        part = await _value(request, instance, path)
    return await (send_parts(request, [part], media=OCTETS, tag=tag) if form else send_one(request, part, tag=tag))


async def addressed(request: web.Request) -> Addressed:
    """The one instance that the address names, for who now looks at it, or did a moment ago."""
    require_granted(actor_of(request), SCOPE)
    parts = request.match_info
    asked = actor_of(request), parts["uid"], parts["series"], parts["sop"]
    return await request.app[LATELY].found(asked, partial(_look_up, request))


async def _look_up(request: web.Request) -> Addressed:
    parts = request.match_info
    async with looking(request) as look:
        found = await instance_within(
            look.session, look.actor, study_uid=parts["uid"], series_uid=parts["series"], sop_uid=parts["sop"]
        )
        await look.at(found.study)
    return found


def refused(error: Unreadable) -> OtherForm:
    """What is kept but cannot be given in the form that is asked for: 406, in words."""
    return OtherForm(sentence(error.refusal))


async def _answer(request: web.Request, found: Addressed, wanted: list[int] | None) -> web.StreamResponse:
    """These frames, or all of them."""
    instance, count = found.instance, found.frames or found.instance.frames
    asked = wanted if wanted is not None else list(range(1, count + 1))
    if not asked or not all(1 <= frame <= count for frame in asked):
        raise NotFound
    form = _form_of(request, instance, len(asked))
    tag = tag_of_instance(instance, f"frames {asked} {form}")
    if (answer := known(request, tag)) is not None:
        return answer
    parts = await _parts(request, instance, asked, form=form, is_indexed=found.frames > 0)
    try:
        if form.is_multipart:
            return await send_parts(request, parts, media=form.media, tag=tag)
        return await send_one(request, await _whole(parts[0]), tag=tag)
    except Unreadable as error:
        raise refused(error) from error


async def _parts(
    request: web.Request, instance: ImagingInstance, asked: Sequence[int], *, form: _Form, is_indexed: bool
) -> list[Part]:
    objects, key = objects_of(request), instance.object_key
    if not (form.is_stored and is_indexed):
        made, is_coded = renditions_of(request), form.media == _HTJ2K and not form.is_stored
        make = made.stored_codestream if is_coded else partial(made.frame, native=form.syntax == EXPLICIT)
        loads: list[Callable[[], Awaitable[bytes]]] = [partial(make, instance, frame) for frame in asked]
    elif instance.frame_bits:
        return [_native(request, instance, frame, form.content_type) for frame in asked]
    else:
        async with transaction(sessions_of(request), actor_of(request)) as session:
            spans = await spans_of(session, instance, asked)
        loads = [partial(codestream, objects, key, span) for span in spans]
    return [part_to_come(load, form.content_type) for load in loads]


def _native(request: web.Request, instance: ImagingInstance, frame: int, content_type: str) -> Part:
    objects, key, lies = objects_of(request), instance.object_key, range_of(instance, frame)
    if not lies.first_bit and not lies.bits % 8:
        return part_of_object(objects, key, content_type, start=lies.start, length=lies.length)

    async def load() -> bytes:
        return b"".join([piece async for piece in pieces_of(objects, key, lies)])

    return part_to_come(load, content_type)


async def _whole(part: Part) -> Part:
    """The part, its length known."""
    if part.length is not None:
        return part
    return part_of_bytes(b"".join([piece async for piece in part.read(0, None)]), part.content_type)


def _form_of(request: web.Request, instance: ImagingInstance, count: int) -> _Form:
    """The form that is liked best of those that can be had. Raises OtherForm."""
    stored = instance.transfer_syntax_uid
    media = _MEDIA.get(stored, OCTETS)
    for form in accepted(request):
        is_multipart = form.is_multipart
        if not is_multipart and count > 1:
            continue
        if stored not in NATIVE | _MEDIA.keys():
            break
        if stored in NATIVE:
            if form.takes(OCTETS) and form.syntax in ("", "*", EXPLICIT, stored):
                return _Form(OCTETS, EXPLICIT, True, is_multipart)
        elif form.takes(media) and form.syntax in ("", "*", stored):
            return _Form(media, stored, True, is_multipart)
        elif form.takes(OCTETS) and form.syntax in ("*", stored):
            return _Form(media if form.syntax == "*" else OCTETS, stored, True, is_multipart)
        elif form.takes(OCTETS) and form.syntax in ("", EXPLICIT):
            return _Form(OCTETS, EXPLICIT, False, is_multipart)
        if form.media == _HTJ2K and form.syntax in ("", "*", *_WITHOUT_LOSS):
            syntax = form.syntax if form.syntax in _WITHOUT_LOSS else _WITHOUT_LOSS[0]
            return _Form(_HTJ2K, syntax, False, is_multipart)
    raise OtherForm("These frames come as %(media)s, or decoded as %(octets)s.", media=media, octets=OCTETS)


def _form_of_octets(request: web.Request) -> bool:
    """Whether a value goes out in a multipart. Raises OtherForm where it is not wanted as bytes."""
    for form in accepted(request):
        if form.takes(OCTETS) and form.syntax in ("", "*", EXPLICIT):
            return form.is_multipart
    raise OtherForm("The answer comes as %(media)s alone.", media=OCTETS)


async def _value(request: web.Request, instance: ImagingInstance, path: Sequence[str]) -> Part:
    try:
        return part_of_bytes(await renditions_of(request).value(instance, path), OCTETS)
    except Unreadable as error:  # there is no such element, or it cannot be read
        raise NotFound from error


def tag_of_instance(instance: ImagingInstance, rest: str) -> str:
    """An entity tag of what is made of this instance alone."""
    kept = Kept(
        *(instance.id, instance.sop_instance_uid, instance.transfer_syntax_uid),
        *(instance.size, instance.sha256, instance.object_key),
    )
    return tag_of([kept], rest)
