"""WADO-RS: frames as pictures, and thumbnails (PS3.18 §8.3.5, §10.4.1.1.3, §10.4.1.1.4)."""

import math
from functools import partial
from typing import Final

from aiohttp import web

from teleconsult.db import transaction
from teleconsult.errors import NotFound
from teleconsult.fhir.scoping import require_granted
from teleconsult.imaging.asking import BadQuery
from teleconsult.imaging.models import ImagingInstance, RenditionKind
from teleconsult.imaging.packs import Span
from teleconsult.imaging.prepared import prepared, whole_picture
from teleconsult.imaging.queries import cover_of, study_for
from teleconsult.imaging.refusals import Unreadable, sentence
from teleconsult.imaging.rendering import LARGEST_VIEWPORT, QUALITY, Drawing, Ramp
from teleconsult.imaging.retrieving import Kept, pictures_for, tag_of
from web.api.accepting import MULTIPART, OtherForm, accepted, chosen
from web.api.dicomweb_address import studies_of
from web.api.looking import looking
from web.api.parts import LeftOut, known, part_of_bytes, part_to_come, send_one, send_parts
from web.api.wado import SCOPE
from web.api.wado_frames import NATIVE, addressed, refused, tag_of_instance
from web.requests import actor_of, objects_of, own_transactions, renditions_of, sessions_of

MEDIA: Final = ("image/jpeg", "image/png", "image/webp")
MOST: Final = 1000
"""Pictures of one answer."""
_THUMBNAIL: Final = (128, 128)


@own_transactions
async def rendered(request: web.Request) -> web.StreamResponse:
    """A frame under the window and in the size that are asked for; of a whole instance, its first."""
    instance = (await addressed(request)).instance
    drawing = _drawing(request, chosen(request, *MEDIA))
    return await _send(request, instance, _frame(request, instance), drawing)


@own_transactions
async def rendered_all(request: web.Request) -> web.StreamResponse:
    """The pictures of a study or a series, one an instance, in a multipart; those that cannot be drawn are left out.

    406 where there are more than `MOST`.
    """
    require_granted(actor_of(request), SCOPE)
    series_uid = request.match_info.get("series")
    async with looking(request) as look:
        study, shown = await pictures_for(
            look.session, look.actor, study_uid=request.match_info["uid"], series_uid=series_uid, most=MOST
        )
        await look.at(study)
    drawing = _drawing(request, _media_of_parts(request))
    if len(shown) > MOST:
        raise OtherForm("These are more than %(most)s pictures: ask for a series, or for each.", most=MOST)
    tag = tag_of([kept for kept, _series in shown], f"pictures {drawing}")
    if (answer := known(request, tag)) is not None:
        return answer
    place = f"{studies_of(request)}/{study.study_instance_uid}/series"
    parts = [
        part_to_come(
            partial(_picture, request, kept, drawing),
            drawing.media,
            location=f"{place}/{series}/instances/{kept.sop_instance_uid}/rendered",
        )
        for kept, series in shown
    ]
    try:
        return await send_parts(request, parts, media=drawing.media, tag=tag)
    except LeftOut as error:
        raise OtherForm("None of these can be shown.") from error


async def _picture(request: web.Request, kept: Kept, drawing: Drawing) -> bytes:
    try:
        return await _drawn(request, kept, 1, drawing)
    except Unreadable as error:
        raise LeftOut from error


def _media_of_parts(request: web.Request) -> str:
    """What the parts of a multipart are. Raises OtherForm."""
    for form in accepted(request):
        for media in MEDIA:
            if form.is_multipart and form.takes(media):
                return media
    raise OtherForm("Several pictures come as %(media)s.", media=f"{MULTIPART} of {', '.join(MEDIA)}")


@own_transactions
async def thumbnail(request: web.Request) -> web.StreamResponse:
    """A small picture: of a frame, of an instance, or of the middle of a series or a study."""
    instance = (await addressed(request)).instance if "sop" in request.match_info else await _cover(request)
    frame = _frame(request, instance) if "frame" in request.match_info else max((instance.frames + 1) // 2, 1)
    drawing = Drawing(media=chosen(request, *MEDIA), viewport=_viewport(request)[0] or _THUMBNAIL)
    return await _send(request, instance, frame, drawing)


async def _cover(request: web.Request) -> ImagingInstance:
    require_granted(actor_of(request), SCOPE)
    async with looking(request) as look:
        study = await study_for(look.session, look.actor, request.match_info["uid"])
        cover = await cover_of(look.session, study.id, series_uid=request.match_info.get("series"))
        if cover is None:
            raise NotFound
        await look.at(study)
    return cover


async def _send(request: web.Request, instance: ImagingInstance, frame: int, drawing: Drawing) -> web.StreamResponse:
    tag = tag_of_instance(instance, f"{frame} {drawing}")
    if (answer := known(request, tag)) is not None:
        return answer
    if instance.not_displayable_because:
        raise OtherForm(sentence(instance.not_displayable_because))
    try:
        picture = await _drawn(request, instance, frame, drawing)
    except Unreadable as error:
        raise refused(error) from error
    return await send_one(request, part_of_bytes(picture, drawing.media), tag=tag)


async def _drawn(request: web.Request, kept: ImagingInstance | Kept, frame: int, drawing: Drawing) -> bytes:
    """The picture; where frames are kept compressed, from what was made of them beforehand. Raises Unreadable."""

    async def coded() -> Span | None:
        if kept.transfer_syntax_uid in NATIVE:
            return None
        place = kept.id, frame
        async with transaction(sessions_of(request), actor_of(request)) as session:
            return (await prepared(session, RenditionKind.CODESTREAM, [place])).get(place)

    async def ready() -> bytes | None:
        if kept.transfer_syntax_uid in NATIVE or (frame, drawing) != (1, Drawing()):
            return None
        async with transaction(sessions_of(request), actor_of(request)) as session:
            return await whole_picture(session, objects_of(request), kept.id)

    return await renditions_of(request).drawn(kept, frame, drawing, ready=ready, coded=coded)


def _frame(request: web.Request, instance: ImagingInstance) -> int:
    frame = int(request.match_info.get("frame", "1"))
    if not 1 <= frame <= max(instance.frames, 1):
        raise NotFound
    return frame


def _drawing(request: web.Request, media: str) -> Drawing:
    """What the parameters ask for. Raises BadQuery."""
    viewport, region = _viewport(request)
    window, ramp = _window(request)
    quality = request.query.get("quality", str(QUALITY))
    if not (quality.isascii() and quality.isdigit() and len(quality) < 4 and 1 <= int(quality) <= 100):
        raise BadQuery("A quality is a number from 1 to 100.")
    return Drawing(media, window, ramp, viewport, region, int(quality))


def _window(request: web.Request) -> tuple[tuple[float, float] | None, Ramp]:
    text = request.query.get("window")
    if not text:
        return None, Ramp.LINEAR
    center, width, *function = [*text.split(","), ""][:3]
    numbers = _numbers([center, width])
    if len(numbers) != 2 or numbers[1] <= 0 or text.count(",") not in (1, 2):
        raise BadQuery("A window is a centre, a width, and a function if need be.")
    try:
        return (numbers[0], numbers[1]), Ramp(function[0].lower() or Ramp.LINEAR)
    except ValueError as error:
        raise BadQuery("The function of a window is linear, linear-exact or sigmoid.") from error


def _viewport(request: web.Request) -> tuple[tuple[int, int] | None, tuple[float, float, float, float] | None]:
    """The room on the screen, and the part of the frame that is to fill it (§8.3.5.1.3)."""
    text = request.query.get("viewport")
    if not text:
        return None, None
    numbers = _numbers(text.split(","))
    is_fit = len(numbers) in (2, 6) and all(1 <= side <= LARGEST_VIEWPORT for side in numbers[:2])
    if not is_fit or (len(numbers) == 6 and (min(numbers[2:4]) < 0 or not all(numbers[4:]))):
        raise BadQuery("A viewport is a width and a height, and the part of the image to show in it if need be.")
    region = (numbers[2], numbers[3], numbers[4], numbers[5]) if len(numbers) == 6 else None
    return (round(numbers[0]), round(numbers[1])), region


def _numbers(texts: list[str]) -> list[float]:
    """The numbers, none where one of the texts is none or beyond any image."""
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        return []
    return numbers if all(math.isfinite(number) and abs(number) < 1e9 for number in numbers) else []
