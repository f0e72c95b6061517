"""The addresses that anyone may open: the check of a signed note, and how a device comes to trust this server."""

from collections.abc import Callable

from web.requests import ANYONE
from web.views import trusting, verify


def add_open_routes(route: Callable[..., object]) -> None:
    """Nothing here needs a sign-in."""
    route("GET", "/verify", verify.form, ANYONE, name="verify.form")
    route("POST", "/verify", verify.check, ANYONE)
    route("GET", "/trust", trusting.show, ANYONE, name="trust.show")
    route("GET", "/trust/teleconsult.crt", trusting.certificate, ANYONE, name="trust.certificate")
    route("GET", "/trust/teleconsult.mobileconfig", trusting.profile, ANYONE, name="trust.profile")
