"""Writing a request: its form, the saves on the way, the submission."""

from aiohttp import web

from teleconsult.clock import now
from teleconsult.consents.majority import is_minor
from teleconsult.consents.models import Incapacity
from teleconsult.consults.drafting import Request, discard_draft, request_in, save_draft, selection_in
from teleconsult.consults.models import RequestPriority, ServiceRequest
from teleconsult.consults.modes import OFFERED
from teleconsult.consults.requesting import submit_request
from teleconsult.consults.triage import open_consult
from teleconsult.directory.queries import services_offered
from teleconsult.errors import Conflict, Invalid
from teleconsult.excerpts.choosing import by_kind
from teleconsult.excerpts.completeness import checklist
from teleconsult.excerpts.previewing import preview_excerpt
from teleconsult.imaging.pacs.searching import pacs_asked
from teleconsult.imaging.queries import cards_of, studies_of_consult
from web.bodies import read_form
from web.errors import wants_json
from web.flash import flash
from web.forms.consults import read_listed, read_request, read_shown, read_version
from web.i18n import gettext as _
from web.rendering import render, zone_of
from web.requests import actor_of, begin_again, db, frame_of, id_in, see_other, to_page
from web.views.excerpts import NO_EXCERPT
from web.views.picking import CHOICE, asked_first, picker_context
from web.words import label, options


async def draft_page(
    request: web.Request,
    draft: ServiceRequest,
    *,
    asked: Request | None = None,
    status: int = 200,
    errors: Invalid | None = None,
    conflict: Conflict | None = None,
) -> web.StreamResponse:
    """The form of a request with what was saved, or with `asked` and what is wrong with it.

    After a conflict also with the question that was saved elsewhere.
    """
    actor, session = actor_of(request), db(request)
    held, selection = asked or request_in(draft), selection_in(draft)
    if asked is not None:
        selection = selection.ticked(asked.entries, shown=selection.specialty)
    picked, wrong = await picker_context(
        request, patient_id=draft.patient_id, chosen=held.entries if held else tuple(selection.chosen)
    )
    services = await services_offered(session)
    cards = await studies_of_consult(session, actor, draft)
    specialty = next((one.specialty for one in services if held and one.id == held.service_id), None)
    choice = picked["listed"]
    picked |= {
        "needed": asked_first((*choice.chosen, *choice.others), specialty),
        "suggested": selection.suggested if selection.specialty else frozenset(),
    }
    return render(
        request,
        "excerpts/_choice.html.jinja" if frame_of(request) == CHOICE else "consults/draft.html.jinja",
        status=status,
        errors=errors or wrong,
        conflict=conflict,
        consult=draft,
        asked=held or Request(),
        selection=selection,
        services=services,
        incapacities=options(Incapacity),
        is_minor=is_minor(draft.patient, on=now().astimezone(zone_of(actor.time_zone)).date()),
        priorities=options(RequestPriority),
        modes=[(mode, label(mode)) for mode in OFFERED],
        cards=cards,
        archives=await pacs_asked(session, actor),
        checks=checklist(
            specialty,
            chosen=choice.chosen,
            others=choice.others,
            question=held.question if held else "",
            has_images=bool(cards),
            at=now(),
        )
        if specialty
        else [],
        **picked,
    )


async def save(request: web.Request) -> web.StreamResponse:
    """Keep the draft: by script every time something changed (JSON), by the button without one.

    What leads on from the list of entries (a search, older ones, the preview) saves first: nothing chosen is lost.
    """
    form = await read_form(request)
    asked = read_request(form)
    try:
        draft = await save_draft(
            db(request),
            actor_of(request),
            consult_id=id_in(request),
            version=read_version(form),
            request=asked,
            shown=read_shown(form),
        )
    except Conflict as error:
        if wants_json(request) or frame_of(request):  # the page that asked stays, with what was typed
            raise
        await begin_again(request)
        draft = await open_consult(db(request), actor_of(request), consult_id=id_in(request))
        return await draft_page(request, draft, asked=asked, status=error.status, conflict=error)
    if wants_json(request):
        suggested_for = selection_in(draft).specialty or ""
        saved_at = draft.updated_at.isoformat()
        return web.json_response({"version": draft.version, "saved_at": saved_at, "suggested_for": suggested_for})
    if form.get("then") == "preview":
        return to_page(request, "consults.preview", id=draft.id)
    if (listed := read_listed(form)) is not None:
        page = request.app.router["consults.show"].url_for(id=str(draft.id))
        return see_other(page.with_query(listed).with_fragment("file"))
    flash(request, _("The draft is saved. You will find it on your home page."))
    return to_page(request, "consults.show", id=draft.id)


async def preview(request: web.Request) -> web.StreamResponse:
    """What the specialist will see, before anything is sent."""
    actor, session = actor_of(request), db(request)
    draft = await open_consult(session, actor, consult_id=id_in(request))
    try:
        shown = await preview_excerpt(session, actor, draft=draft)
    except Invalid as error:
        flash(request, _(error.fields["entries"]), tone="danger")
        return to_page(request, "consults.show", id=draft.id)
    return render(
        request,
        "consults/preview.html.jinja",
        consult=draft,
        cards=await cards_of(session, shown.studies),
        may_add=False,
        **{**NO_EXCERPT, "excerpt": shown.excerpt, "entries": by_kind(shown.excerpt.items), "is_preview": True},
    )


async def discard(request: web.Request) -> web.StreamResponse:
    """Throw the draft away."""
    await discard_draft(db(request), actor_of(request), consult_id=id_in(request))
    flash(request, _("The draft was deleted."))
    return to_page(request, "home.show")


async def submit(request: web.Request) -> web.StreamResponse:
    """Put the request to the service; what is missing is said beside its field."""
    actor, session = actor_of(request), db(request)
    asked = read_request(await read_form(request))
    try:
        consult = await submit_request(session, actor, consult_id=id_in(request), request=asked)
    except Invalid as errors:
        await begin_again(request)
        draft = await open_consult(session, actor, consult_id=id_in(request))
        return await draft_page(request, draft, asked=asked, status=422, errors=errors)
    flash(request, _("The request was submitted. The coordinator has been told."))
    return to_page(request, "consults.show", id=consult.id)
