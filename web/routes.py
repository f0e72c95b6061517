"""Every URL of the site, on one page. A state change is a noun under the thing it changes."""

from aiohttp import web

from web.api import health
from web.views import accounts, admin, agenda, consults, drafting, home, patients, triage


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

    # The live room

    # Notes

    # Administration
    route("GET", "/admin", admin.show, name="admin.show")
    route("POST", "/admin/audit-check", admin.check_chain, name="admin.check_chain")

    # Machines
    route("GET", "/healthz", health.alive, name="health.alive")
    route("GET", "/readyz", health.ready, name="health.ready")
    route("GET", "/metrics", health.metrics, name="health.metrics")
