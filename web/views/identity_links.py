"""One link between two patients: both as they were, what was written since, and the way back."""

from typing import Any

from aiohttp import web

from teleconsult.errors import Invalid
from teleconsult.patients.identities import KnownIdentity
from teleconsult.patients.linking import added_since, link_for, undo_link
from teleconsult.patients.links import LinkBasis, PatientLink
from teleconsult.patients.matching import Sign
from teleconsult.records.kinds import TYPES_OF
from web.bodies import read_form
from web.flash import flash
from web.i18n import gettext as _
from web.identity_words import system_name
from web.rendering import render
from web.requests import actor_of, db, id_in, to_page
from web.words import label


async def show(request: web.Request) -> web.StreamResponse:
    """The link, and what was added about either side while it stood."""
    return await _page(request, await link_for(db(request), actor_of(request), id_in(request)))


async def undo(request: web.Request) -> web.StreamResponse:
    """Part the two."""
    form, session, actor, link_id = await read_form(request), db(request), actor_of(request), id_in(request)
    try:
        await undo_link(session, actor, link_id=link_id, reason=form.get("reason", ""))
    except Invalid as error:
        link = await link_for(session, actor, link_id)
        return await _page(request, link, status=422, errors=error, values=form)
    flash(request, _("Parted. Each has their own file again; see below what was written meanwhile."), tone="ok")
    return to_page(request, "identity_links.show", id=link_id)


def sides_of(link: PatientLink) -> tuple[KnownIdentity, KnownIdentity]:
    """Both identities as they were when they were linked."""
    return KnownIdentity.read(link.identities["patient"]), KnownIdentity.read(link.identities["other"])


def _what(resource_type: str) -> str:
    """What was written, by its kind and no more."""
    if resource_type == "ServiceRequest":
        return _("Consult")
    kind = next((kind for kind, types in TYPES_OF.items() if resource_type in types), None)
    return label(kind) if kind else _("Something else")


async def _page(request: web.Request, link: PatientLink, *, status: int = 200, **context: Any) -> web.StreamResponse:
    sides = sides_of(link)
    own = next(one for one in sides if one.organization_id == actor_of(request).organization_id)
    return render(
        request,
        "identity/link.html.jinja",
        status=status,
        link=link,
        sides=sides,
        own=own,
        is_merge=link.basis is LinkBasis.MERGE,
        signs=[Sign(code) for code in link.evidence],
        added=[(one, _what(one.kind)) for one in await added_since(db(request), link)],
        system_name=system_name,
        **context,
    )
