"""The addresses of live sessions. What each needs is said here, as in `web/routes.py`."""

from collections.abc import Callable

from teleconsult.access import Permission as P
from web.requests import ANYONE, Need
from web.tus import Landing
from web.views import chat_files, clips, guests, joining, link_checks, recordings, rooms, stills


def add_room_routes(route: Callable[..., object]) -> None:
    """The live room, and its guests."""
    route("GET", "/consults/{id}/room", rooms.show, P.SESSION_JOIN, name="rooms.show")
    route("POST", "/consults/{id}/stills", stills.create, P.SESSION_JOIN, name="stills.create")
    add_landing(route, "/consults/{id}/clips/uploads", clips.CLIPS, P.SESSION_JOIN, name="clip_uploads")
    route("POST", "/consults/{id}/join-token", rooms.join_token, P.SESSION_JOIN, name="rooms.join_token")
    route("GET", "/consults/{id}/guests", guests.index, P.GUEST_INVITE, name="guests.index")
    route("POST", "/consults/{id}/guests", guests.create, P.GUEST_INVITE)
    route("POST", "/consults/{id}/guests/{guest}/admission", guests.admit, P.GUEST_INVITE, name="guests.admit")
    route("POST", "/consults/{id}/guests/{guest}/revocation", guests.revoke, P.GUEST_INVITE, name="guests.revoke")
    for chat, needs, name, landing in (
        ("/consults/{id}/chat", P.SESSION_JOIN, "chat", chat_files.OWN),
        ("/join/chat", ANYONE, "guest_chat", chat_files.GUESTS),
    ):
        add_landing(route, f"{chat}/uploads", landing, needs, name=f"{name}_uploads")
        route("GET", f"{chat}/{{file}}", chat_files.show, needs, name=f"{name}_files.show")
        route("GET", f"{chat}/{{file}}/preview", chat_files.preview, needs, name=f"{name}_files.preview")
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


def add_landing(route: Callable[..., object], begun: str, landing: Landing, needs: Need, *, name: str) -> None:
    """Files that arrive in several requests (tus 1.0.0), begun at that address."""
    route("OPTIONS", begun, landing.capabilities, needs)
    route("POST", begun, landing.create, needs, name=f"{name}.create")
    route("HEAD", f"{begun}/{{token}}", landing.show, needs, name=f"{name}.show")
    route("PATCH", f"{begun}/{{token}}", landing.add, needs)
    route("DELETE", f"{begun}/{{token}}", landing.remove, needs)
    route("POST", f"{begun}/{{token}}/reception", landing.receive, needs, name=f"{name}.receive")
