"""The addresses of what people are told. What each needs is said here, as in `web/routes.py`."""

from collections.abc import Callable

from teleconsult.access import Permission as P
from web.requests import ANYONE
from web.views import notices, reaching


def add_notice_routes(route: Callable[..., object]) -> None:
    """One's own news, and how one wishes to be reached."""
    route("GET", "/notices", notices.index, P.CONSULTS_SEE, name="notices.index")
    route("GET", "/notices/bell", notices.bell, P.CONSULTS_SEE, name="notices.bell")
    route("POST", "/notices/reading", notices.read_all, P.CONSULTS_SEE, name="notices.read_all")
    route("GET", "/account/notices", reaching.show, P.OWN_ACCOUNT, name="reaching.show")
    route("POST", "/account/notices", reaching.choose, P.OWN_ACCOUNT)
    route("POST", "/account/number", reaching.confirm, P.OWN_ACCOUNT, name="reaching.confirm")
    route("POST", "/account/number/code", reaching.send_code, P.OWN_ACCOUNT, name="reaching.code")
    route("POST", "/account/devices", reaching.add, P.OWN_ACCOUNT, name="reaching.add")
    route("POST", "/account/devices/{id}/removal", reaching.remove, P.OWN_ACCOUNT, name="reaching.remove")
    route("GET", "/service-worker.js", reaching.service_worker, ANYONE, name="reaching.service_worker")
