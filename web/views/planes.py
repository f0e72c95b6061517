"""Planes through a series: which series allow it, and the page that cuts them. What is drawn is fetched as the viewer
fetches it (`views.progressive`, `views.studies`)."""

import asyncio
from typing import Any, Final

from aiohttp import web

from teleconsult.db import transaction
from teleconsult.errors import NotFound
from teleconsult.imaging.cutting import plainly_no_volume, series_of_slices
from teleconsult.imaging.models import ImagingSeries, ImagingStudy
from teleconsult.imaging.queries import open_study, study_for
from teleconsult.imaging.retrieving import Kept
from teleconsult.imaging.volumes import Layer, NoVolume, Volume, layers_of, volume_of
from teleconsult.patients.breaking_glass import opening_about
from teleconsult.patients.models import Patient
from web.i18n import LazyString
from web.i18n import lazy_gettext as _
from web.rendering import render
from web.requests import LOOKS, actor_of, frame_of, own_transactions, sessions_of
from web.views.geometry import AT_ONCE, descriptions
from web.views.studies import note_look, study_id_in

REASONS: Final[dict[NoVolume, LazyString]] = {
    NoVolume.OTHER_KIND: _("Only grey images of CT, MR and PET can be cut in other planes."),
    NoVolume.TOO_FEW: _("There are too few images to cut another plane through them."),
    NoVolume.TOO_MANY: _("There are too many images for one computer."),
    NoVolume.NOT_SHOWN: _("Some of the images cannot be displayed."),
    NoVolume.UNPLACED: _("The images do not say where they lie in the body, or how large their pixels are."),
    NoVolume.UNLIKE: _("The images differ in size."),
    NoVolume.TURNED: _("The images do not all lie the same way."),
    NoVolume.TWICE: _("Several images show the same place."),
    NoVolume.MISSING: _("A slice is missing. Ask the sender for the whole series."),
    NoVolume.UNEVEN: _("The distances between the slices differ."),
    NoVolume.TILTED: _("The slices are tilted: lengths across them would be false."),
}


@own_transactions
async def choices(request: web.Request) -> web.StreamResponse:
    """The part of the viewer's page that says through which series planes can be cut, and why not through others."""
    actor = actor_of(request)
    async with transaction(sessions_of(request), actor) as session:
        study = await study_for(session, actor, request.match_info["uid"], study_id=study_id_in(request))
        all_series = await series_of_slices(session, study)
        await note_look(request, session)
    found = [(one, await _volume(request, one)) for one in all_series]
    return render(
        request,
        "studies/_plane_choices.html.jinja",
        study=study,
        frame=frame_of(request),
        choices=[(one, REASONS[volume] if isinstance(volume, NoVolume) else None) for one, volume in found],
    )


@own_transactions
async def show(request: web.Request) -> web.StreamResponse:
    """The page of a series in three planes, or why there are none. Opening is audited as a look at the study."""
    actor = actor_of(request)
    async with transaction(sessions_of(request), actor) as session:
        study = await open_study(session, actor, request.match_info["uid"], study_id=study_id_in(request))
        series = next((one for one in study.series if one.series_instance_uid == request.match_info["series"]), None)
        if series is None:
            raise NotFound
        patient = await session.get_one(Patient, study.patient_id)
        opening = await opening_about(session, actor, patient.id)
    request.app[LOOKS].note(actor, study.id)
    found = await _volume(request, series)
    volume, reason = (None, REASONS[found]) if isinstance(found, NoVolume) else (found, None)
    return render(
        request,
        "studies/planes.html.jinja",
        study=study,
        series=series,
        patient=patient,
        opening=opening,
        volume=volume,
        reason=reason,
        manifest=_manifest(study, series, volume) if volume else None,
    )


async def _volume(request: web.Request, series: ImagingSeries) -> Volume | NoVolume:
    if reason := plainly_no_volume(series):
        return reason
    layers: list[Layer] = []
    for first in range(0, len(series.instances), AT_ONCE):
        some = series.instances[first : first + AT_ONCE]
        kept = [
            Kept(one.id, one.sop_instance_uid, one.transfer_syntax_uid, one.size, one.sha256, one.object_key)
            for one in some
        ]
        told = zip(await descriptions(request, kept), (one.frames for one in some), strict=True)
        layers.extend(await asyncio.to_thread(layers_of, list(told)))
    return await asyncio.to_thread(volume_of, series.modality, layers)


def _manifest(study: ImagingStudy, series: ImagingSeries, volume: Volume) -> dict[str, Any]:
    """What the page's script needs to know; `slices` are [SOP UID, frame from 1] in the order in which they lie."""
    frames = [(one.sop_instance_uid, frame + 1) for one in series.instances for frame in range(one.frames)]
    return {
        "path": f"/studies/{study.study_instance_uid}",
        "id": str(study.id),
        "modality": series.modality,
        "slices": [frames[at] for at in volume.order],
        "rows": volume.rows,
        "columns": volume.columns,
        "spacing": volume.spacing,
        "origin": volume.origin,
        "direction": volume.direction,
        "unit": volume.unit,
    }
