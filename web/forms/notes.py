"""The forms of a note: from fields to the arguments of its actions."""

import uuid
from collections.abc import Mapping

from aiohttp import web

from teleconsult.errors import NotFound
from teleconsult.notes.content import SECTIONS
from web.bodies import read_form, read_json, unreadable_form
from web.forms.numbers import read_number


async def read_note(request: web.Request) -> tuple[int, dict[str, str]]:
    """The version that was on the page and the sections typed, from a form or from JSON. Raises Invalid."""
    fields: Mapping[str, object]
    fields = await (read_json(request) if "json" in request.content_type else read_form(request))
    sections = {name: fields[name] for name in SECTIONS if name in fields}
    if not all(isinstance(text, str) for text in sections.values()):
        raise unreadable_form()
    return read_version(fields), {name: str(text) for name, text in sections.items()}


def read_version(fields: Mapping[str, object]) -> int:
    """The version of the draft that was on the page. Raises Invalid where the page did not say."""
    version = read_number(str(fields.get("version", "")), digits=9)
    if version is None:
        raise unreadable_form()
    return version


def read_earlier(fields: Mapping[str, object]) -> int:
    """Which earlier words were chosen. Raises Invalid where the page did not say."""
    version = read_number(str(fields.get("earlier", "")), digits=9)
    if version is None:
        raise unreadable_form()
    return version


def read_template_id(fields: Mapping[str, object]) -> uuid.UUID:
    """Which template was chosen. Raises NotFound for what is none."""
    try:
        return uuid.UUID(str(fields.get("template", "")))
    except ValueError as error:
        raise NotFound from error
