"""The list out of which entries of a file are chosen: a part of the file, and what is chosen."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from aiohttp import web

from teleconsult.clock import now
from teleconsult.directory.models import Specialty
from teleconsult.errors import Invalid
from teleconsult.excerpts.choosing import by_kind, choosable_entries
from teleconsult.excerpts.completeness import Needed, needs_shown
from teleconsult.records.kinds import EntryKind
from teleconsult.records.models import RecordEntry
from teleconsult.records.narrowing import EVERYTHING
from teleconsult.records.queries import Cursor
from web.forms.records import FileQuery
from web.rendering import zone_of
from web.requests import actor_of, db
from web.words import options

CHOICE: Final = "choice"
"""The frame of the list."""


async def picker_context(
    request: web.Request, *, patient_id: uuid.UUID, chosen: Collection[uuid.UUID]
) -> tuple[dict[str, Any], Mapping[str, str]]:
    """What `excerpts/_picker.html.jinja` needs, narrowed as the address says; and what is wrong with what it says."""
    actor, query = actor_of(request), FileQuery.read(request.query)
    before = Cursor.parse(request.query["before"]) if request.query.get("before") else None
    only, wrong = EVERYTHING, dict[str, str]()
    try:
        only = query.narrowing(zone_of(actor.time_zone))
    except Invalid as error:
        wrong = error.fields
    choice = await choosable_entries(
        db(request), actor, patient_id=patient_id, chosen=frozenset(chosen), only=only, before=before
    )
    context = {
        "listed": choice,
        "entries": by_kind(choice.others),
        "query": query,
        "kinds": options(EntryKind),
        "before": before,
        "needed": {},
        "suggested": frozenset(),
        "arrived": frozenset(),
        "changed": frozenset(),
    }
    return context, wrong


def asked_first(entries: Iterable[RecordEntry], specialty: Specialty | None) -> dict[uuid.UUID, list[Needed]]:
    """What of that which a specialty asks for first each entry tells."""
    moment = now()
    return {entry.id: needs_shown(entry, specialty, at=moment) for entry in entries} if specialty else {}
