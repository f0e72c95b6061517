"""Every URL of the site, on one page. A state change is a noun under the thing it changes."""

from collections.abc import Callable

from aiohttp import web

from web.api import health
from web.views import (
    accounts,
    admin,
    agenda,
    consults,
    drafting,
    home,
    images,
    notes,
    patients,
    rooms,
    studies,
    triage,
    verify,
)


def add_routes(app: web.Application) -> None:
    """Give the router its table."""
    route = app.router.add_route

    # Signing in
    route("GET", "/sign-in", accounts.sign_in_form, name="accounts.sign_in")
    route("POST", "/sign-in", accounts.sign_in)
    route("POST", "/sign-out", accounts.sign_out, name="accounts.sign_out")
    route("POST", "/language", accounts.choose_language, name="language.choose")

    # Home, by role
    route("GET", "/", home.show, name="home.show")
    route("GET", "/agenda", agenda.show, name="agenda.show")

    # Patients
    route("GET", "/patients", patients.index, name="patients.index")
    route("POST", "/patients", patients.create, name="patients.create")
    route("GET", "/patients/new", patients.new, name="patients.new")
    route("POST", "/patients/unknown", patients.create_unknown, name="patients.create_unknown")
    route("GET", "/patients/{id}", patients.show, name="patients.show")
    route("POST", "/patients/{id}/care-relation", patients.open_care, name="patients.open_care")
    route("GET", "/patients/{id}/identity", patients.identity, name="patients.identity")
    route("POST", "/patients/{id}/identity", patients.resolve, name="patients.resolve")

    # Consults
    route("GET", "/consults", consults.index, name="consults.index")
    route("POST", "/consults", consults.create)
    route("GET", "/consults/{id}", consults.show, name="consults.show")
    route("PATCH", "/consults/{id}/draft", drafting.save, name="consults.draft")
    route("POST", "/consults/{id}/draft", drafting.save)
    route("POST", "/consults/{id}/discarding", drafting.discard, name="consults.discard")
    route("POST", "/consults/{id}/submission", drafting.submit, name="consults.submit")
    route("POST", "/consults/{id}/acceptance", triage.accept, name="consults.accept")
    route("POST", "/consults/{id}/refusal", triage.decline, name="consults.decline")
    route("POST", "/consults/{id}/cancellation", triage.cancel, name="consults.cancel")
    route("POST", "/consults/{id}/proposal", triage.propose, name="consults.propose")
    route("POST", "/consults/{id}/booking", triage.book, name="consults.book")

    # Images
    route("GET", "/consults/{id}/images", images.index, name="images.index")
    route("POST", "/consults/{id}/images", images.create)
    route("POST", "/studies/{id}/reconciliation", images.reconcile, name="images.reconcile")
    route("POST", "/studies/{id}/removal", images.remove, name="images.remove")
    route("GET", "/studies/{uid}", studies.show, name="studies.show")
    route("GET", "/studies/{uid}/thumbnail", studies.thumbnail, name="studies.thumbnail")
    frame = r"/studies/{uid}/instances/{sop}/frames/{frame:\d{1,6}}"
    route("GET", f"{frame}/rendered", studies.rendered, name="studies.rendered")
    route("GET", f"{frame}/pixels", studies.pixels, name="studies.pixels")

    # The live room
    route("GET", "/consults/{id}/room", rooms.show, name="rooms.show")

    _add_notes(route)

    # Administration
    route("GET", "/admin", admin.show, name="admin.show")
    route("POST", "/admin/audit-check", admin.check_chain, name="admin.check_chain")

    # Machines
    route("GET", "/healthz", health.alive, name="health.alive")
    route("GET", "/readyz", health.ready, name="health.ready")
    route("GET", "/metrics", health.metrics, name="health.metrics")


def _add_notes(route: Callable[..., object]) -> None:
    """Notes, and the page where anyone checks one."""
    route("POST", "/consults/{id}/note", notes.create, name="notes.create")
    route("GET", "/notes/{id}", notes.show, name="notes.show")
    route("PATCH", "/notes/{id}/draft", notes.save, name="notes.draft")
    route("POST", "/notes/{id}/draft", notes.save)
    route("GET", "/notes/{id}/preview", notes.preview, name="notes.preview")
    route("GET", "/notes/{id}/signature", notes.signature, name="notes.signature")
    route("POST", "/notes/{id}/signature", notes.sign)
    route("GET", "/notes/{id}/pdf", notes.pdf, name="notes.pdf")
    route("POST", "/consults/{id}/acknowledgement", notes.acknowledge, name="notes.acknowledge")
    route("GET", "/verify", verify.form, name="verify.form")
    route("POST", "/verify", verify.check)
