"""Looking at images: the viewer's page, and what it fetches frame by frame (after PS3.18 §8.3 and §10.4)."""

import asyncio
import base64
import hashlib
import json
import math
import uuid
from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, may
from teleconsult.db import transaction
from teleconsult.emergencies.deciding import note_images_seen
from teleconsult.errors import Invalid, NotFound
from teleconsult.imaging.enclosures import is_enclosed
from teleconsult.imaging.looking import Companion, companions
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy, RenditionKind
from teleconsult.imaging.packs import Span
from teleconsult.imaging.prepared import prepared, read, ready_picture
from teleconsult.imaging.queries import cover_of, instance_for, open_study, study_for
from teleconsult.imaging.refusals import Unreadable, sentence
from teleconsult.imaging.rendering import THUMBNAIL_SIZE
from teleconsult.imaging.renditions import KeptFile
from teleconsult.notes.queries import own_draft
from teleconsult.patients.breaking_glass import opening_about
from teleconsult.patients.models import Patient
from web.i18n import gettext as _
from web.rendering import render
from web.requests import LOOKS, actor_of, frame_of, objects_of, own_transactions, renditions_of, sessions_of
from web.study_words import written

SIZES: Final = (128, 256, 512, 1024, 2048)
"""The largest sides in pixels a picture is drawn at: few, so that one drawing serves many."""
FIRST_SIZE: Final = 1024
CACHED: Final = {"Cache-Control": "private, max-age=3600", "Vary": "Cookie"}
"""A frame never changes, but the right to see it ends: one session's browser keeps it for an hour."""
DESCRIPTION: Final = "Pixel-Description"
DOCUMENTS: Final = {"SR", "KO", "PR"}
"""Modalities of what is said about images: reports, choices of images, ways to present them."""
EMBEDDED_WITHIN: Final = 1.0
"""Seconds a page waits for its first picture: one that is not drawn by then is asked for by the page."""


@own_transactions
async def show(request: web.Request) -> web.StreamResponse:
    """The viewer: a page, or the frame beside a call. Opening is audited.

    The first picture stands in the page itself: over a thin line a request of its own would cost more than its bytes.
    """
    actor = actor_of(request)
    async with transaction(sessions_of(request), actor) as session:
        study = await open_study(session, actor, request.match_info["uid"], study_id=study_id_in(request))
        patient = await session.get_one(Patient, study.patient_id)
        opening = await opening_about(session, actor, patient.id)
        others = await companions(session, actor, study.id)
        note_consult = await _to_note_in(session, actor, others)
        await note_images_seen(session, actor, consult_ids=[one.consult_id for one in others])
        first = _first(study)
        spans = await prepared(session, RenditionKind.PREVIEW, [(first.id, 1)]) if first else {}
        films = await _films(session, study)
    request.app[LOOKS].note(actor, study.id)
    frame = frame_of(request)
    return render(
        request,
        "studies/_viewer.html.jinja" if frame else "studies/show.html.jinja",
        study=study,
        patient=patient,
        manifest=manifest(study, films),
        frame=frame,
        opening=opening,
        companions=others,
        note_consult=note_consult,
        all_series=shown_series(study),
        covers={series.id: _middle(series) for series in study.series},
        first=first,
        first_picture=await _embedded(request, first, spans.get((first.id, 1))) if first else None,
    )


async def _to_note_in(session: AsyncSession, actor: Actor, others: Sequence[Companion]) -> ServiceRequest | None:
    """The newest of these consults whose note, or what follows it, the actor may write now."""
    for other in others:
        consult = await consult_for(session, actor, other.consult_id)
        if may(consult, actor, Verb.WRITE_NOTE):
            return consult
        if may(consult, actor, Verb.FOLLOW_NOTE) and await own_draft(session, actor, consult_id=consult.id):
            return consult  # an addendum, or a correction, that was begun
    return None


async def preview_of(request: web.Request, instance: KeptFile, frame: int, span: Span | None) -> bytes:
    """The small picture of a frame that was made beforehand, or, without one, made now. Raises Unreadable."""
    found = await read(objects_of(request), span) if span is not None else None
    return await renditions_of(request).preview(instance, frame) if found is None else found.content or b""


async def _embedded(request: web.Request, instance: ImagingInstance, span: Span | None) -> str | None:
    """The small picture of its first frame as an address that holds it; None where there is none in time."""
    try:
        async with asyncio.timeout(EMBEDDED_WITHIN):
            picture = await preview_of(request, instance, 1, span)
    except (TimeoutError, Unreadable):
        return None
    return f"data:image/webp;base64,{base64.b64encode(picture).decode()}"


async def _films(session: AsyncSession, study: ImagingStudy) -> list[str]:
    """The SOP Instance UIDs of what moves and of which there is a video."""
    moving = {
        (one.id, 1): one.sop_instance_uid for series in study.series for one in series.instances if one.frames > 1
    }
    return [moving[place] for place in await prepared(session, RenditionKind.CINE, moving)] if moving else []


def manifest(study: ImagingStudy, films: Sequence[str] = ()) -> dict[str, Any]:
    """What the viewer needs to know of a study: `instances` are [SOP UID, frames, rows, columns, why not shown].

    Of those that `films` names there is a video (`progressive.cine`).
    """
    return {
        "path": f"/studies/{study.study_instance_uid}",
        "id": str(study.id),
        "films": [*films],
        "series": [
            {
                "uid": series.series_instance_uid,
                "title": written(series.description),
                "modality": series.modality,
                "instances": [
                    [one.sop_instance_uid, one.frames, one.rows, one.columns, _reason(one)] for one in series.instances
                ],
            }
            for series in shown_series(study)
        ],
    }


def shown_series(study: ImagingStudy) -> list[ImagingSeries]:
    """All but documents about the images, and what the page lists by itself, unless there is nothing else."""
    pictures = [series for series in study.series if series.modality not in DOCUMENTS and not is_enclosed(series)]
    return pictures or list(study.series)


@own_transactions
async def thumbnail(request: web.Request) -> web.StreamResponse:
    """A small picture of the middle of a study."""
    async with transaction(sessions_of(request), actor_of(request)) as session:
        study = await study_for(session, actor_of(request), request.match_info["uid"], study_id=study_id_in(request))
        cover = await cover_of(session, study.id)
    if cover is None:
        raise NotFound
    return await _picture(request, cover, (cover.frames + 1) // 2, window=None, size=THUMBNAIL_SIZE)


@own_transactions
async def rendered(request: web.Request) -> web.StreamResponse:
    """A frame as WebP: `window=centre,width` in the image's values, `size` of the longer side in pixels."""
    instance, frame = await frame_at(request)
    return await _picture(request, instance, frame, window=_window(request), size=_size(request))


@own_transactions
async def pixels(request: web.Request) -> web.StreamResponse:
    """A frame's samples, little endian; the header `Pixel-Description` says in JSON what they mean."""
    instance, frame = await frame_at(request)
    tag = tag_of(instance, frame, "pixels")
    if is_known(request, tag):
        return web.Response(status=304, headers={**CACHED, "ETag": tag})
    try:
        answer = await renditions_of(request).pixels(instance, frame)
    except Unreadable as error:
        return not_acceptable(error)
    return web.Response(
        body=answer.body,
        content_type="application/octet-stream",
        headers={**CACHED, "ETag": tag, "Content-Encoding": "gzip", DESCRIPTION: json.dumps(answer.head)},
    )


async def frame_at(request: web.Request) -> tuple[ImagingInstance, int]:
    """The instance and the frame of it (from 1) that the address names, looked at now. Raises NotFound."""
    instance, frame = await instance_at(request), int(request.match_info["frame"])
    if not 1 <= frame <= max(instance.frames, 1):
        raise NotFound
    return instance, frame


async def instance_at(request: web.Request) -> ImagingInstance:
    """The instance that the address names, looked at now. Raises NotFound."""
    parts = request.match_info
    async with transaction(sessions_of(request), actor_of(request)) as session:
        instance = await instance_for(
            session,
            actor_of(request),
            study_uid=parts["uid"],
            sop_uid=parts["sop"],
            study_id=study_id_in(request),
        )
        await note_look(request, session)
    return instance


async def note_look(request: web.Request, session: AsyncSession) -> None:
    """Who fetches a frame without having opened the study has opened it: recorded before the frame goes out."""
    looks, actor, uid = request.app[LOOKS], actor_of(request), request.match_info["uid"]
    study_id = study_id_in(request) or (await study_for(session, actor, uid)).id
    if looks.are_new(actor, study_id):
        await open_study(session, actor, uid, study_id=study_id)
        looks.note(actor, study_id)


async def _picture(
    request: web.Request,
    instance: ImagingInstance,
    frame: int,
    *,
    window: tuple[float, float] | None,
    size: int,
) -> web.StreamResponse:
    tag = tag_of(instance, frame, f"{window}-{size}")
    if is_known(request, tag):
        return web.Response(status=304, headers={**CACHED, "ETag": tag})
    try:
        picture = None if window else await _ready(request, instance, frame, size)
        picture = picture or await renditions_of(request).picture(instance, frame, window=window, size=size)
    except Unreadable as error:
        return not_acceptable(error)
    return web.Response(body=picture, content_type="image/webp", headers={**CACHED, "ETag": tag})


async def _ready(request: web.Request, instance: ImagingInstance, frame: int, size: int) -> bytes | None:
    async with transaction(sessions_of(request), actor_of(request)) as session:
        return await ready_picture(session, objects_of(request), instance, frame, size=size)


def not_acceptable(error: Unreadable) -> web.Response:
    """What is stored but cannot be shown is no failure of ours: 406, in words."""
    return web.json_response({"error": _(sentence(error.refusal))}, status=406, headers={"Cache-Control": "no-store"})


def tag_of(instance: ImagingInstance, frame: int, rest: str) -> str:
    """An entity tag of what is made of this frame."""
    return f'"{hashlib.sha256(instance.sha256 + f"{frame}-{rest}".encode()).hexdigest()[:32]}"'


def is_known(request: web.Request, tag: str) -> bool:
    """Whether the browser holds this very answer (RFC 9110 §13.1.2)."""
    return tag in (f'"{known.value}"' for known in request.if_none_match or ())


def _window(request: web.Request) -> tuple[float, float] | None:
    text = request.query.get("window")
    if not text:
        return None
    try:
        center, width = (float(part) for part in text.split(","))
    except ValueError as error:
        raise Invalid({"window": "A window is a centre and a width."}) from error
    if not (math.isfinite(center) and math.isfinite(width) and width > 0):
        raise Invalid({"window": "A window is a centre and a width."})
    return center, width


def _size(request: web.Request) -> int:
    text = request.query.get("size", str(FIRST_SIZE))
    if text not in {str(size) for size in SIZES}:
        raise Invalid({"size": "A picture comes in 128, 256, 512, 1024 or 2048 pixels."})
    return int(text)


def study_id_in(request: web.Request) -> uuid.UUID | None:
    """Which establishment's study is meant, where two hold the same UID."""
    try:
        return uuid.UUID(request.query["id"]) if "id" in request.query else None
    except ValueError as error:
        raise NotFound from error


def _reason(instance: ImagingInstance) -> str:
    return _(sentence(instance.not_displayable_because)) if instance.not_displayable_because else ""


def _middle(series: ImagingSeries) -> ImagingInstance | None:
    """What a series is recognised by."""
    shown = [one for one in series.instances if one.frames]
    return shown[len(shown) // 2] if shown else None


def _first(study: ImagingStudy) -> ImagingInstance | None:
    """The instance whose picture stands on the page before the script has arrived."""
    return next((one for series in study.series for one in series.instances if one.frames), None)
