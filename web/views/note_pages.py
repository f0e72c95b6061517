"""A note's pages are parts of the room's page too: each is answered whole, or as the frame that was asked for."""

from typing import Any, Final

from aiohttp import web

from teleconsult.notes.models import Composition
from web.rendering import render
from web.requests import frame_of, to_page

FRAME: Final = "note"
STATE_FRAME: Final = "note-state"
"""The part of a signed note that changes: its delivery, and the requester's word."""


def note_page(request: web.Request, name: str, *, status: int = 200, **context: Any) -> web.Response:
    """A whole page, or only the frame that was asked for."""
    prefix = "_" if is_framed(request) else ""
    return render(request, f"notes/{prefix}{name}.html.jinja", status=status, **context)


def is_framed(request: web.Request) -> bool:
    """Whether only the part was asked for, by the room or by the page itself."""
    return frame_of(request) in (FRAME, STATE_FRAME)


def to_note(request: web.Request, note: Composition) -> web.Response:
    """Go on to the note as it stands."""
    return to_page(request, "notes.show", id=note.id)
