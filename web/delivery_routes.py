"""Addresses of signed notes on their way out, and of the systems they go to."""

from collections.abc import Callable

from teleconsult.access import Permission as P
from web.views import deliveries, note_doors


def add_delivery_routes(route: Callable[..., object]) -> None:
    """Who looks after what is sent; how a system takes notes, by its administrators."""
    route("GET", "/deliveries", deliveries.index, P.DELIVERIES, name="deliveries.index")
    route("GET", "/deliveries/{id}", deliveries.show, P.DELIVERIES, name="deliveries.show")
    route("POST", "/deliveries/{id}/resend", deliveries.resend, P.DELIVERIES, name="deliveries.resend")
    route("POST", "/deliveries/{id}/reroute", deliveries.reroute, P.DELIVERIES, name="deliveries.reroute")
    route("POST", "/deliveries/{id}/giving-up", deliveries.give_up, P.DELIVERIES, name="deliveries.give_up")
    door = "/admin/endpoints/{id}/notes"
    route("GET", door, note_doors.show, P.ADMINISTRATION, name="note_doors.show")
    route("POST", door, note_doors.change, P.ADMINISTRATION)
