"""The addresses of live sessions. What each needs is said here, as in `web/routes.py`."""

from collections.abc import Callable

from teleconsult.access import Permission as P
from web.requests import ANYONE
from web.views import guests, joining, link_checks, recordings, rooms, stills


def add_room_routes(route: Callable[..., object]) -> None:
    """The live room, and its guests."""
    route("GET", "/consults/{id}/room", rooms.show, P.SESSION_JOIN, name="rooms.show")
    route("POST", "/consults/{id}/stills", stills.create, P.SESSION_JOIN, name="stills.create")
    route("POST", "/consults/{id}/join-token", rooms.join_token, P.SESSION_JOIN, name="rooms.join_token")
    route("GET", "/consults/{id}/guests", guests.index, P.GUEST_INVITE, name="guests.index")
    route("POST", "/consults/{id}/guests", guests.create, P.GUEST_INVITE)
    route("POST", "/consults/{id}/guests/{guest}/admission", guests.admit, P.GUEST_INVITE, name="guests.admit")
    route("POST", "/consults/{id}/guests/{guest}/revocation", guests.revoke, P.GUEST_INVITE, name="guests.revoke")
    for check, needs, name in (
        ("/consults/{id}/check", P.SESSION_JOIN, "link_checks"),
        ("/join/check", ANYONE, "guest_link_checks"),
    ):
        route("GET", check, link_checks.show, needs, name=f"{name}.show")
        route("POST", check, link_checks.keep, needs)
        route("GET", f"{check}/servers", link_checks.servers, needs, name=f"{name}.servers")
        route("POST", f"{check}/probe", link_checks.probe, needs, name=f"{name}.probe")
        route("GET", f"{check}/download", link_checks.download, needs, name=f"{name}.download")
    route("GET", "/recordings/{id}", recordings.show, P.RECORDING_PLAY, name="recordings.show")
    route("GET", "/recordings/files/{file}", recordings.play, P.RECORDING_PLAY, name="recordings.play")
    route("POST", "/recordings/{id}/deletion", recordings.delete, P.RECORDING_PLAY, name="recordings.delete")
    route("GET", "/join", joining.room, ANYONE, name="guests.room")
    route("GET", "/join/{token}", joining.invitation, ANYONE, name="guests.invitation")
    route("POST", "/join/{token}", joining.open_link, ANYONE)
