"""The addresses of image archives that are asked. What each needs is said here, as in `web/routes.py`."""

from collections.abc import Callable

from teleconsult.access import Permission as P
from web.views import admin_pacs, pacs


def add_pacs_routes(route: Callable[..., object]) -> None:
    """Give the router what is fetched for a request, and what an administrator sets up for that."""
    route("GET", "/consults/{id}/pacs", pacs.index, P.IMAGES_ADD, name="pacs.index")
    route("POST", "/consults/{id}/pacs-search", pacs.search, P.IMAGES_ADD, name="pacs.search")
    route("POST", "/consults/{id}/pacs-fetches", pacs.create, P.IMAGES_ADD, name="pacs.create")
    route("POST", "/pacs-fetches/{id}/cancellation", pacs.cancel, P.IMAGES_ADD, name="pacs.cancel")
    needs = P.ADMINISTRATION
    route("GET", "/admin/pacs", admin_pacs.index, needs, name="admin_pacs.index")
    route("POST", "/admin/pacs", admin_pacs.create, needs)
    route("POST", "/admin/pacs/{id}/status", admin_pacs.switch, needs, name="admin_pacs.switch")
    route("POST", "/admin/pacs/{id}/test", admin_pacs.test, needs, name="admin_pacs.test")
    route("POST", "/admin/pacs-trial", admin_pacs.trial, needs, name="admin_pacs.trial")
    route("GET", "/admin/pacs/{id}", admin_pacs.show, needs, name="admin_pacs.show")
    route("POST", "/admin/pacs/{id}", admin_pacs.change, needs)
    route("POST", "/admin/pacs/{id}/trial", admin_pacs.trial, needs, name="admin_pacs.trial_of")
