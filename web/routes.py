"""Every URL of the site, on one page. A state change is a noun under the thing it changes."""

from aiohttp import web

from web.api import health
from web.views import accounts, admin


def add_routes(app: web.Application) -> None:
    """Give the router its table."""
    route = app.router.add_route

    # Signing in
    route("GET", "/sign-in", accounts.sign_in_form, name="accounts.sign_in")
    route("POST", "/sign-in", accounts.sign_in)
    route("POST", "/sign-out", accounts.sign_out, name="accounts.sign_out")
    route("POST", "/language", accounts.choose_language, name="language.choose")

    # Home, by role

    # Patients

    # Consults

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
