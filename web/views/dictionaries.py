"""What browsers keep of our pages, so that the next one comes as what differs from it."""

from aiohttp import web

from teleconsult.errors import NotFound
from web.dictionaries import dictionary_in
from web.i18n import LOCALES
from web.rendering import ENVIRONMENT


async def show(request: web.Request) -> web.StreamResponse:
    """A dictionary of this version (RFC 9842 §2.1), for every page."""
    for locale in LOCALES:
        dictionary = dictionary_in(request.app[ENVIRONMENT], locale)
        if request.path == dictionary.address:
            headers = {"Cache-Control": "public, max-age=31536000, immutable", "Use-As-Dictionary": 'match="/*"'}
            answer = web.Response(body=dictionary.content, content_type="text/html", headers=headers)
            answer.enable_compression()
            return answer
    raise NotFound
