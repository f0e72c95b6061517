"""The board's filters, and what is to be done to all that are ticked."""

import uuid
from typing import Any

from aiohttp import web
from multidict import MultiMapping
from yarl import URL

from teleconsult.consults.models import RequestPriority
from teleconsult.consults.sorting import Sort
from teleconsult.consults.worklists import BoardQuery
from teleconsult.errors import Invalid
from web.bodies import Form
from web.forms.consults import CHOOSE, read_choice

FILTERS = ("service", "urgency", "house", "text")


def read_asked(query: MultiMapping[str]) -> BoardQuery:
    """What the board is narrowed to; what no filter of ours says is no filter."""
    urgency = query.get("urgency", "")
    return BoardQuery(
        service_id=_id(query.get("service", "")),
        priority=RequestPriority(urgency) if urgency in set(RequestPriority) else None,
        organization_id=_id(query.get("house", "")),
        text=query.get("text", "")[:100].strip(),
    )


def read_board(request: web.Request, form: Form) -> URL:
    """Back to the board, narrowed as it was."""
    kept = {name: form[f"asked_{name}"] for name in FILTERS if form.get(f"asked_{name}")}
    return request.app.router["home.show"].url_for().with_query(kept)


def read_ids(form: Form) -> list[uuid.UUID]:
    """The requests that are ticked. Raises Invalid."""
    ids = [_id(text) for text in form.getall("consults", [])]
    if None in ids:
        raise Invalid({"consults": CHOOSE})
    return [one for one in ids if one is not None]


def read_sort(form: Form) -> dict[str, Any]:
    """What is done to them, and what that needs. Raises Invalid."""
    if form.get("sort") not in set(Sort):
        raise Invalid({"sort": CHOOSE})
    return {
        "sort": Sort(form["sort"]),
        "role_id": read_choice(form, "specialist"),
        "service_id": read_choice(form, "service"),
        "reason": form.get("reason", ""),
    }


def _id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
