"""The addresses of the machines' doors: FHIR, DICOMweb, health. What each needs is said here, as in `web/routes.py`."""

from collections.abc import Callable

from teleconsult.access import Permission as P
from web.api import (
    capabilities,
    dicomweb,
    fhir,
    fhir_binaries,
    fhir_bundles,
    fhir_documents,
    fhir_door,
    health,
    oauth,
    stow,
)
from web.requests import ANYONE


def add_machine_routes(route: Callable[..., object]) -> None:
    """Give the router what machines ask for."""
    _add_fhir(route)
    _add_dicomweb(route)
    route("GET", "/healthz", health.alive, ANYONE, name="health.alive")
    route("GET", "/readyz", health.ready, ANYONE, name="health.ready")
    route("GET", "/metrics", health.metrics, ANYONE, name="health.metrics")


def _add_fhir(route: Callable[..., object]) -> None:
    """FHIR R4. What an interaction needs besides stands in `teleconsult/fhir/door.py`."""
    route("GET", "/fhir/metadata", fhir_door.metadata, ANYONE, name="fhir.metadata")
    route("GET", "/fhir/.well-known/smart-configuration", oauth.configuration, ANYONE, name="fhir.smart")
    route("POST", "/oauth/token", oauth.token, ANYONE, name="oauth.token")
    route("GET", "/fhir/AuditEvent", fhir.search_audit_events, P.AUDIT_READ, name="fhir.audit_events")
    route("GET", "/fhir/AuditEvent/{id}", fhir.read_audit_event, P.AUDIT_READ, name="fhir.audit_event")
    route("POST", "/fhir", fhir_bundles.process, P.PATIENTS_FIND, name="fhir.bundle")
    route("POST", "/fhir/", fhir_bundles.process, P.PATIENTS_FIND)
    route("POST", "/fhir/Patient/$match", fhir_door.act, P.PATIENTS_FIND, name="fhir.match")
    route("GET", "/fhir/Patient/{id}/$everything", fhir_door.act, P.FILE_READ, name="fhir.everything")
    route("GET", "/fhir/Bundle/{id}", fhir_documents.read, P.FILE_READ, name="fhir.document")
    route("GET", "/fhir/Bundle/{id}/signature", fhir_documents.signature, P.FILE_READ)
    route("GET", "/fhir/Binary/{id}", fhir_binaries.read, P.FILE_READ, name="fhir.binary")
    route("GET", "/fhir/Binary/{id}/inside", fhir_binaries.read, P.FILE_READ)
    letters = "/fhir/DocumentReference"
    for method, path in (("POST", letters), ("PUT", letters), ("PUT", f"{letters}/{{id}}")):
        route(method, path, fhir_binaries.write, P.FILE_WRITE)
    entries = f"/fhir/{{type:{fhir_door.ENTRIES}}}"
    consults = (f"/fhir/{kind}" for kind in ("ServiceRequest", "Task"))
    files = ((base, P.FILE_READ) for base in (entries, "/fhir/Consent"))
    bases = (("/fhir/Patient", P.PATIENTS_FIND), *files, *((base, P.CONSULTS_SEE) for base in consults))
    for base, needs in bases:
        route("GET", base, fhir_door.act, needs)
        route("POST", f"{base}/_search", fhir_door.act, needs)
        route("GET", f"{base}/{{id}}", fhir_door.act, needs)
    route("GET", f"{entries}/{{id}}/_history", fhir_door.act, P.FILE_READ)
    route("GET", f"{entries}/{{id}}/_history/{{version}}", fhir_door.act, P.FILE_READ)
    route("POST", "/fhir/ServiceRequest", fhir_door.act, P.CONSULT_REQUEST)
    for method, path in (("POST", entries), ("PUT", entries), ("PUT", f"{entries}/{{id}}")):
        route(method, path, fhir_door.act, P.FILE_WRITE)


def _add_dicomweb(route: Callable[..., object]) -> None:
    """DICOMweb (PS3.18)."""
    for path in ("/dicomweb", "/dicomweb/"):
        route("OPTIONS", path, capabilities.options, P.IMAGES_READ)
    for path, view in dicomweb.READ:
        route("GET", path, view, P.IMAGES_READ)
    route("POST", "/dicomweb/studies", stow.store, P.IMAGES_ADD, name="dicomweb.studies")
    route("POST", "/dicomweb/studies/{uid}", stow.store, P.IMAGES_ADD, name="dicomweb.study")
