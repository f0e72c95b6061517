"""The addresses of images: brought, matched, looked at, measured. Needs are said here, as in `web/routes.py`."""

from collections.abc import Callable

from teleconsult.access import Permission as P
from web.views import (
    comparing,
    enclosures,
    geometry,
    images,
    measurements,
    planes,
    progressive,
    studies,
    teaching,
    waiting_images,
)


def add_image_routes(route: Callable[..., object]) -> None:
    """Give the router what is brought to a request, what waits for its patient, and all that the viewer asks for."""
    route("GET", "/consults/{id}/images", images.index, P.CONSULTS_SEE, name="images.index")
    route("POST", "/consults/{id}/images", images.create, P.IMAGES_ADD)
    route("POST", "/consults/{id}/reconciliation", images.reconcile, P.IMAGES_ADD, name="images.reconcile")
    route("POST", "/studies/{id}/removal", images.remove, P.IMAGES_ADD, name="images.remove")
    route("GET", "/studies/{uid}", studies.show, P.IMAGES_READ, name="studies.show")
    route("GET", "/studies/{uid}/others", comparing.choices, P.IMAGES_READ, name="comparing.choices")
    route("GET", "/studies/{uid}/teaching", teaching.form, P.IMAGES_READ, name="teaching.form")
    route("POST", "/studies/{uid}/teaching", teaching.take, P.IMAGES_READ)
    route("GET", "/studies/{uid}/thumbnail", studies.thumbnail, P.IMAGES_READ, name="studies.thumbnail")
    route("GET", "/studies/{uid}/series/{series}/geometry", geometry.show, P.IMAGES_READ, name="geometry.show")
    route("GET", "/studies/{uid}/planes", planes.choices, P.IMAGES_READ, name="planes.choices")
    route("GET", "/studies/{uid}/series/{series}/planes", planes.show, P.IMAGES_READ, name="planes.show")
    route("GET", "/studies/{uid}/measurements", measurements.index, P.IMAGES_READ, name="measurements.index")
    route("POST", "/studies/{uid}/measurements", measurements.create, P.IMAGES_READ)
    waiting = "/studies-to-match"
    route("GET", waiting, waiting_images.index, P.PATIENT_REGISTER, name="waiting_images.index")
    route("GET", f"{waiting}/{{id}}", waiting_images.show, P.PATIENT_REGISTER, name="waiting_images.show")
    route("POST", f"{waiting}/{{id}}/match", waiting_images.match, P.PATIENT_REGISTER, name="waiting_images.match")
    discarding = f"{waiting}/{{id}}/discarding"
    route("POST", discarding, waiting_images.discard, P.PATIENT_REGISTER, name="waiting_images.discard")
    enclosed = "/studies/{uid}/instances/{sop}"
    route("GET", f"{enclosed}/document", enclosures.document, P.IMAGES_READ, name="enclosures.document")
    route("GET", f"{enclosed}/video", enclosures.video, P.IMAGES_READ, name="enclosures.video")
    frame = r"/studies/{uid}/instances/{sop}/frames/{frame:\d{1,6}}"
    route("GET", f"{frame}/rendered", studies.rendered, P.IMAGES_READ, name="studies.rendered")
    route("GET", f"{frame}/pixels", studies.pixels, P.IMAGES_READ, name="studies.pixels")
    route("GET", f"{frame}/codestream", progressive.codestream, P.IMAGES_READ, name="progressive.codestream")
    route("GET", "/studies/{uid}/instances/{sop}/cine", progressive.cine, P.IMAGES_READ, name="progressive.cine")
    of_series = "/studies/{uid}/series/{series}/previews"
    route("GET", of_series, progressive.previews, P.IMAGES_READ, name="progressive.previews")
