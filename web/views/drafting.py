"""Writing a request: its form, the saves on the way, the submission."""

from aiohttp import web

from teleconsult.clock import now
from teleconsult.consents.majority import is_minor
from teleconsult.consents.models import Incapacity
from teleconsult.consults.drafting import Request, discard_draft, request_in, save_draft
from teleconsult.consults.models import RequestPriority, ServiceRequest
from teleconsult.consults.requesting import submit_request
from teleconsult.consults.triage import open_consult
from teleconsult.directory.queries import services_offered
from teleconsult.errors import Invalid
from teleconsult.excerpts.choosing import by_kind, choosable_entries
from teleconsult.excerpts.completeness import checklist
from teleconsult.imaging.queries import studies_of_consult
from web.bodies import read_form
from web.errors import wants_json
from web.flash import flash
from web.forms.consults import read_request, read_version
from web.i18n import gettext as _
from web.rendering import render, zone_of
from web.requests import actor_of, begin_again, db, id_in, to_page
from web.words import options


async def draft_page(
    request: web.Request,
    draft: ServiceRequest,
    *,
    asked: Request | None = None,
    status: int = 200,
    errors: Invalid | None = None,
) -> web.StreamResponse:
    """The form of a request with what was saved, or with `asked` and what is wrong with it."""
    choice = await choosable_entries(db(request), actor_of(request), patient_id=draft.patient_id)
    held = asked or request_in(draft)
    chosen = frozenset(held.entries) if held else choice.usual
    services = await services_offered(db(request))
    cards = await studies_of_consult(db(request), actor_of(request), draft)
    specialty = next((one.specialty for one in services if held and one.id == held.service_id), None)
    return render(
        request,
        "consults/draft.html.jinja",
        status=status,
        errors=errors or {},
        consult=draft,
        asked=held or Request(),
        chosen=chosen,
        entries=by_kind(choice.entries),
        services=services,
        incapacities=options(Incapacity),
        is_minor=is_minor(draft.patient, on=now().astimezone(zone_of(actor_of(request).time_zone)).date()),
        priorities=options(RequestPriority),
        cards=cards,
        checks=checklist(
            specialty,
            chosen=[entry for entry in choice.entries if entry.id in chosen],
            others=[entry for entry in choice.entries if entry.id not in chosen],
            question=held.question if held else "",
            has_images=bool(cards),
            at=now(),
        )
        if specialty
        else [],
    )


async def save(request: web.Request) -> web.StreamResponse:
    """Keep the draft: by script every time something changed (JSON), by the button without one."""
    form = await read_form(request)
    draft = await save_draft(
        db(request),
        actor_of(request),
        consult_id=id_in(request),
        version=read_version(form),
        request=read_request(form),
    )
    if wants_json(request):
        return web.json_response({"version": draft.version, "saved_at": draft.updated_at.isoformat()})
    flash(request, _("The draft is saved. You will find it on your home page."))
    return to_page(request, "consults.show", id=draft.id)


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
