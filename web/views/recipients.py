"""Who receives the notes of a request: by mail besides the file, whom one adds, and whom the patient is opposed to."""

from typing import Any

from aiohttp import web

from teleconsult.access import Permission, may
from teleconsult.delivery.addressing import (
    add_correspondent,
    addressed,
    choose_address,
    offered,
    record_opposition,
    remove_correspondent,
    send_too,
)
from teleconsult.delivery.addressing import (
    name_doctor as write_doctor,
)
from teleconsult.delivery.audience import MARKS, Audience, audience_of, choose_audience
from teleconsult.delivery.recipient_models import OpposedTo
from teleconsult.errors import Conflict, Invalid, Refused
from teleconsult.notes.queries import draft_for, own_draft
from web.bodies import read_form
from web.flash import flash
from web.forms.administration import read_ids
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, db, id_in, to_page


async def show(request: web.Request) -> web.StreamResponse:
    """All of them as it stands, and a search in the directory."""
    return await _page(request)


async def add(request: web.Request) -> web.StreamResponse:
    """Add somebody from the directory."""
    session, actor, form = db(request), actor_of(request), await read_form(request)
    await addressed(session, actor, id_in(request))
    chosen = read_ids(form, "mailbox")
    if len(chosen) != 1:
        raise Invalid({"": "Choose one address."})
    try:
        await add_correspondent(session, actor, consult_id=id_in(request), mailbox_id=chosen[0])
    except Conflict as error:
        flash(request, _(error.message), tone="warn")
    return to_page(request, "recipients.show", id=id_in(request))


async def remove(request: web.Request) -> web.StreamResponse:
    """Take somebody off again."""
    session, actor, form = db(request), actor_of(request), await read_form(request)
    await addressed(session, actor, id_in(request))
    for correspondent in read_ids(form, "correspondent")[:1]:
        await remove_correspondent(session, actor, consult_id=id_in(request), correspondent_id=correspondent)
    return to_page(request, "recipients.show", id=id_in(request))


async def choose(request: web.Request) -> web.StreamResponse:
    """Say which of several addresses counts."""
    form = await read_form(request)
    try:
        await choose_address(
            db(request),
            actor_of(request),
            consult_id=id_in(request),
            key=form.get("key", ""),
            address=form.get("address", ""),
        )
    except Invalid as error:
        return await _page(request, status=422, errors=error.fields)
    except Conflict as error:
        flash(request, _(error.message), tone="info")
        return to_page(request, "recipients.show", id=id_in(request))
    flash(request, _("This is remembered."), tone="ok")
    return to_page(request, "recipients.show", id=id_in(request))


async def send(request: web.Request) -> web.StreamResponse:
    """Send the note that is signed already to one of them too."""
    form = await read_form(request)
    try:
        await send_too(db(request), actor_of(request), consult_id=id_in(request), address=form.get("address", ""))
    except Conflict as error:
        flash(request, _(error.message), tone="info")
    else:
        flash(request, _("The signed note is on its way to them too."), tone="ok")
    return to_page(request, "recipients.show", id=id_in(request))


async def mean(request: web.Request) -> web.StreamResponse:
    """Say who may see the note that is being written, and so who it is mailed to."""
    form, session, actor = await read_form(request), db(request), actor_of(request)
    note = await draft_for(session, actor, id_in(request))
    chosen = next((one for one in Audience if one.value == form.get("audience")), None)
    if chosen is None:
        raise Invalid({"audience": "Choose who may see the note."})
    try:
        async with session.begin_nested():
            await choose_audience(session, actor, note_id=note.id, marks=MARKS[chosen])
    except Refused as error:
        flash(request, _(error.message), tone="warn")
    else:
        flash(request, _("Saved."), tone="ok")
    return to_page(request, "recipients.show", id=note.service_request_id)


async def oppose(request: web.Request) -> web.StreamResponse:
    """Write down what the patient wants."""
    session, actor, form = db(request), actor_of(request), await read_form(request)
    await addressed(session, actor, id_in(request))
    for to in OpposedTo:
        await record_opposition(
            session, actor, consult_id=id_in(request), opposed_to=to, is_opposed=form.get(to.value) == "yes"
        )
    flash(request, _("Saved."), tone="ok")
    return to_page(request, "recipients.show", id=id_in(request))


async def name_doctor(request: web.Request) -> web.StreamResponse:
    """Say who the family doctor is."""
    form = await read_form(request)
    try:
        await write_doctor(
            db(request),
            actor_of(request),
            consult_id=id_in(request),
            name=form.get("name", ""),
            number=form.get("number", ""),
        )
    except Invalid as error:
        return await _page(request, status=422, errors=error.fields, values=form)
    flash(request, _("Saved."), tone="ok")
    return to_page(request, "recipients.show", id=id_in(request))


async def _page(request: web.Request, *, status: int = 200, **context: Any) -> web.StreamResponse:
    session, actor = db(request), actor_of(request)
    shown = await addressed(session, actor, id_in(request))
    draft = await own_draft(session, actor, consult_id=shown.consult.id) if may(actor, Permission.NOTE_WRITE) else None
    typed = request.query.get("q", "").replace("\0", " ").strip()[:200]
    return render(
        request,
        "consults/recipients.html.jinja",
        status=status,
        shown=shown,
        consult=shown.consult,
        text=typed,
        found=await offered(session, actor, id_in(request), typed=typed) if typed else [],
        draft=draft,
        audience=audience_of(draft) if draft else None,
        audiences=list(Audience),
        may_choose=may(actor, Permission.NOTE_WRITE),
        may_ask=may(actor, Permission.CONSULT_REQUEST),
        **context,
    )
