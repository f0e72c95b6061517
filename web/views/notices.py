"""One's own news: the number on the bell, the list behind it."""

from aiohttp import web

from teleconsult.messages.queries import COUNTED, count_unread, mark_read, own_notices
from teleconsult.messages.wording import in_words
from web.i18n import current_locale
from web.rendering import render
from web.requests import actor_of, db, to_page


async def index(request: web.Request) -> web.StreamResponse:
    """The newest first; what is new stands out until it, or its consult, was opened."""
    actor = actor_of(request)
    words = [
        (notice, in_words(notice, locale=current_locale(), time_zone=actor.time_zone))
        for notice in await own_notices(db(request), actor)
    ]
    return render(request, "notices/index.html.jinja", notices=[(notice, said) for notice, said in words if said])


async def bell(request: web.Request) -> web.StreamResponse:
    """The frame in the bar of every page: how many pieces of news are new."""
    count = await count_unread(db(request), actor_of(request))
    return render(request, "notices/_bell.html.jinja", count=count, most=COUNTED)


async def read_all(request: web.Request) -> web.StreamResponse:
    """All of it was looked at."""
    await mark_read(db(request), actor_of(request))
    return to_page(request, "notices.index")
