"""The forms of a note: from fields to the arguments of its actions."""

from collections.abc import Mapping

from aiohttp import web

from teleconsult.errors import Invalid
from teleconsult.notes.content import SECTIONS
from web.bodies import read_form, read_json

LARGEST_VERSION = 2**31 - 1


async def read_note(request: web.Request) -> tuple[int, dict[str, str]]:
    """The version that was on the page and the sections typed, from a form or from JSON. Raises Invalid."""
    fields: Mapping[str, object]
    fields = await (read_json(request) if "json" in request.content_type else read_form(request))
    sections = {name: fields[name] for name in SECTIONS if name in fields}
    if not all(isinstance(text, str) for text in sections.values()):
        raise Invalid({"": "The form could not be read. Reload the page and try again."})
    return read_version(fields), {name: str(text) for name, text in sections.items()}


def read_version(fields: Mapping[str, object]) -> int:
    """The version of the draft that was on the page. Raises Invalid where the page did not say."""
    typed = str(fields.get("version", ""))
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 10 and int(typed) <= LARGEST_VERSION):
        raise Invalid({"": "The form could not be read. Reload the page and try again."})
    return int(typed)
