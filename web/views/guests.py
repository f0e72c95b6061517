"""Guests of a session, for the two whose session it is: invite, let in, take a link back."""

from aiohttp import web
from segno import make_qr

from teleconsult.consults.queries import consult_for
from teleconsult.encounters.guests import admit_guest, guests_of, invite_guest, revoke_guest
from teleconsult.encounters.models import GuestKind
from teleconsult.errors import Invalid
from web.bodies import read_form, unreadable_form
from web.rendering import render
from web.requests import actor_of, db, frame_of, id_in, settings_of, to_page
from web.words import options

FRAMES = {"door": "guests/_door.html.jinja", "guests": "guests/_list.html.jinja"}


async def index(request: web.Request) -> web.StreamResponse:
    """Who is invited, and the form for one more; for a part of the room's page that part alone."""
    if (part := FRAMES.get(frame_of(request))) is not None:
        guests = await guests_of(db(request), actor_of(request), id_in(request))
        return render(request, part, consult_id=id_in(request), guests=guests)
    return await _page(request)


async def create(request: web.Request) -> web.StreamResponse:
    """Make a link. It is shown on the answer to this and nowhere else."""
    form = await read_form(request)
    name = form.get("name", "")
    if (code := form.get("kind", "")) not in {*GuestKind, ""}:
        raise unreadable_form()
    if not code:
        told = Invalid({"kind": "Say who it is."})
        return await _page(request, status=422, errors=told, values={"kind": code, "name": name})
    try:
        invited, token = await invite_guest(
            db(request), actor_of(request), consult_id=id_in(request), kind=GuestKind(code), name=name
        )
    except Invalid as error:
        return await _page(request, status=422, errors=error, values={"kind": code, "name": name})
    link = settings_of(request).base_url + str(request.app.router["guests.invitation"].url_for(token=token))
    qr = make_qr(link, error="m").svg_data_uri(scale=4, border=2, light="#fff")
    return await _page(request, invited=invited, link=link, qr=qr)


async def admit(request: web.Request) -> web.StreamResponse:
    """Let somebody in who waits at the door."""
    await admit_guest(db(request), actor_of(request), consult_id=id_in(request), pass_id=id_in(request, "guest"))
    return to_page(request, "guests.index", id=id_in(request))


async def revoke(request: web.Request) -> web.StreamResponse:
    """Take a link back; who came by it goes out."""
    await revoke_guest(db(request), actor_of(request), consult_id=id_in(request), pass_id=id_in(request, "guest"))
    return to_page(request, "guests.index", id=id_in(request))


async def _page(request: web.Request, *, status: int = 200, **shown: object) -> web.StreamResponse:
    session, actor, consult_id = db(request), actor_of(request), id_in(request)
    guests = await guests_of(session, actor, consult_id)
    return render(
        request,
        "guests/index.html.jinja",
        status=status,
        consult=await consult_for(session, actor, consult_id),
        consult_id=consult_id,
        guests=guests,
        kinds=options(GuestKind),
        **shown,
    )
