"""What several pages show of an excerpt: the entries that were shared, or why they are shared no more."""

import uuid
from typing import Any, Final

from aiohttp import web

from teleconsult.errors import Refused
from teleconsult.excerpts.choosing import by_kind
from teleconsult.excerpts.queries import excerpt_for, versions_of
from teleconsult.records.reading import read
from web.requests import actor_of, db

NO_EXCERPT: Final[dict[str, Any]] = {
    "excerpt": None,
    "excerpt_closed": None,
    "entries": {},
    "versions": [],
    "is_preview": False,
    "read": read,
}
"""For who reads a consult without its excerpt."""


async def excerpt_context(
    request: web.Request, consult_id: uuid.UUID, *, version: int | None = None, again: bool = False
) -> dict[str, Any]:
    """What `excerpts/_excerpt.html.jinja` needs; `excerpt_closed` is the sentence to show in its place."""
    session, actor = db(request), actor_of(request)
    try:
        excerpt = await excerpt_for(session, actor, consult_id, version=version, again=again)
    except Refused as refusal:
        return {**NO_EXCERPT, "excerpt_closed": refusal.message}
    versions = await versions_of(session, actor, consult_id)
    return {**NO_EXCERPT, "excerpt": excerpt, "entries": by_kind(excerpt.items), "versions": versions}
