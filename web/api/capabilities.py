"""What DICOMweb offers to who asks: Retrieve Capabilities (PS3.18 §8.9, Annex H), as WADL in XML or JSON."""

from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from lxml import etree
from pydicom.datadict import keyword_for_tag

from teleconsult.access import may
from teleconsult.accounts.actor import Actor
from teleconsult.errors import Forbidden
from teleconsult.fhir.scoping import require_granted
from teleconsult.imaging.keys import KEYS, Level
from teleconsult.records.models import ResourceType
from web.api import qido, stow, wado, wado_frames, wado_pictures
from web.api.accepting import DICOM, DICOM_JSON, JSON, MULTIPART, OCTETS, chosen
from web.api.dicomweb_address import studies_of
from web.errors import DICOMWEB
from web.requests import NEEDS, Handler, actor_of

WADL: Final = "application/vnd.sun.wadl+xml"
_NAMESPACE: Final = "http://wadl.dev.java.net/2009/02"
_PICTURES: Final = tuple(f'{MULTIPART}; type="{one}"' for one in wado_pictures.MEDIA)
_PAGES: Final = ("limit", "offset", "fuzzymatching", "includefield")
_DRAWN: Final = ("window", "viewport", "quality")


@dataclass(frozen=True, slots=True)
class _Offer:
    """One transaction: its name, the scope a system needs, what it answers with, by what it can be asked."""

    name: str
    letter: str
    answers: tuple[str, ...]
    parameters: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()


def _keys(level: Level) -> tuple[str, ...]:
    """Those of the level and of the levels above it."""
    names = {tag: ".".join(keyword_for_tag(part) for part in tag.split(".")) for tag in KEYS}
    return (*(names[tag] for tag, key in KEYS.items() if key.level <= level), *_PAGES)


OFFERS: Final[dict[Handler, _Offer]] = {
    qido.studies: _Offer("SearchForStudies", "s", JSON, _keys(Level.STUDY)),
    qido.series: _Offer("SearchForSeries", "s", JSON, _keys(Level.SERIES)),
    qido.instances: _Offer("SearchForInstances", "s", JSON, _keys(Level.INSTANCE)),
    wado.instances: _Offer("RetrieveInstances", "r", (f'{MULTIPART}; type="{DICOM}"', DICOM)),
    wado.metadata: _Offer("RetrieveMetadata", "r", JSON),
    wado_frames.frames: _Offer("RetrieveFrames", "r", (f'{MULTIPART}; type="{OCTETS}"', OCTETS)),
    wado_frames.bulk_data: _Offer("RetrieveBulkData", "r", (OCTETS, f'{MULTIPART}; type="{OCTETS}"')),
    wado_pictures.rendered: _Offer("RetrieveRendered", "r", wado_pictures.MEDIA, _DRAWN),
    wado_pictures.rendered_all: _Offer("RetrieveRendered", "r", _PICTURES, _DRAWN),
    wado_pictures.thumbnail: _Offer("RetrieveThumbnail", "r", wado_pictures.MEDIA, ("viewport",)),
    stow.store: _Offer("StoreInstances", "c", (DICOM_JSON,), takes=stow.TAKEN),
}
"""What each view does. Those that are not here are of our own pages and no part of the standard."""


async def options(request: web.Request) -> web.StreamResponse:
    """The resources and methods that are open to who asks; each of them still looks who asks for what."""
    content_type = chosen(request, WADL, "application/json")
    base = f"{studies_of(request).removesuffix('/studies')}/"
    resources = _resources(request)
    if content_type == WADL:
        body = _xml(base, resources)
    else:
        return web.json_response({"application": {"resources": {"@base": base, "resource": resources}}})
    return web.Response(body=body, content_type=content_type, headers={"Allow": "OPTIONS"})


def _resources(request: web.Request) -> list[dict[str, Any]]:
    actor, needs = actor_of(request), request.app[NEEDS]
    found: dict[str, dict[str, Any]] = {}
    for route in request.app.router.routes():
        offer = OFFERS.get(route.handler) if route.method in ("GET", "POST") else None
        need = needs.get(route)
        if offer is None or route.resource is None or need is None or not may(actor, need):
            continue
        if not _is_granted(actor, offer.letter):
            continue
        path = route.resource.canonical.removeprefix(f"{DICOMWEB}/")
        resource = found.setdefault(path, {"@path": path, "method": []})
        resource["method"].append(_method(route.method, offer))
    return list(found.values())


def _method(name: str, offer: _Offer) -> dict[str, Any]:
    asked = [{"@name": "Accept", "@style": "header", "option": [{"@value": one} for one in offer.answers]}]
    asked += [{"@name": one, "@style": "query"} for one in offer.parameters]
    request: dict[str, Any] = {"param": asked}
    if offer.takes:
        request["representation"] = [{"@mediaType": one} for one in offer.takes]
    answers = [{"@mediaType": one} for one in offer.answers]
    return {"@name": name, "@id": offer.name, "request": request, "response": {"representation": answers}}


def _is_granted(actor: Actor, letter: str) -> bool:
    try:
        require_granted(actor, (ResourceType.IMAGING_STUDY, letter))
    except Forbidden:
        return False
    return True


def _xml(base: str, resources: list[dict[str, Any]]) -> bytes:
    root = etree.Element(f"{{{_NAMESPACE}}}application", nsmap={None: _NAMESPACE})
    _add(root, "resources", {"@base": base, "resource": resources})
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _add(parent: Any, name: str, content: dict[str, Any]) -> None:
    """An element whose attributes are the names with `@`; the others are elements in it."""
    attributes = {key.removeprefix("@"): value for key, value in content.items() if key.startswith("@")}
    element = etree.SubElement(parent, f"{{{_NAMESPACE}}}{name}", attributes)
    for key, value in content.items():
        if not key.startswith("@"):
            for one in value if isinstance(value, list) else [value]:
                _add(element, key, one)
