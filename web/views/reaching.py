"""How one wishes to be reached: channels, what of, reminders, and the devices that take a push."""

import asyncio
from typing import Any

from aiohttp import web

from teleconsult.errors import Invalid, NotFound
from teleconsult.messages.choices import CHOSEN_TOPICS, REMINDERS, is_phone_good, own_choice
from teleconsult.messages.choices import choose as keep_choice
from teleconsult.messages.devices import add_device, own_devices, remove_device
from teleconsult.messages.models import Channel
from teleconsult.messages.numbers import confirm_number, owe_code
from teleconsult.messages.push import public_key
from web.bodies import read_form
from web.devices import device_name
from web.flash import flash
from web.forms.reaching import read_subscription, read_wishes
from web.i18n import gettext as _
from web.rendering import STATIC, manifest, render
from web.requests import actor_of, begin_again, db, id_in, settings_of, to_page

WORKER = "service_worker.ts"


async def show(request: web.Request) -> web.StreamResponse:
    """What holds now."""
    return await _page(request)


async def choose(request: web.Request) -> web.StreamResponse:
    """Keep what the form says."""
    form = await read_form(request)
    try:
        await keep_choice(db(request), actor_of(request), wishes=read_wishes(form))
    except Invalid as error:
        await begin_again(request)
        return await _page(request, status=422, values=form, errors=error)
    flash(request, _("From now on you are reached like this."))
    return to_page(request, "reaching.show")


async def confirm(request: web.Request) -> web.StreamResponse:
    """The code that came by SMS."""
    code = (await read_form(request)).get("code", "")
    if not await confirm_number(db(request), settings_of(request), actor_of(request), code=code):
        told = Invalid({"code": "This code is not right, or no longer good. Look at the newest message, or ask again."})
        return await _page(request, status=422, errors=told)
    flash(request, _("The number is yours. Messages go there from now on."))
    return to_page(request, "reaching.show")


async def send_code(request: web.Request) -> web.StreamResponse:
    """Another code, to the number that is kept."""
    choice = await own_choice(db(request), actor_of(request))
    if choice.phone and choice.phone_confirmed_at is None:
        try:
            await owe_code(db(request), actor_of(request))
        except Invalid as error:
            return await _page(request, status=422, errors=error)
        flash(request, _("Another code is on its way."))
    return to_page(request, "reaching.show")


async def add(request: web.Request) -> web.StreamResponse:
    """This browser takes a push from now on: what it subscribed to comes with the form its script sends."""
    form = await read_form(request)
    await add_device(
        db(request),
        settings_of(request),
        actor_of(request),
        name=request.headers.get("User-Agent", ""),
        **read_subscription(form),
    )
    return web.json_response({}, status=201)


async def remove(request: web.Request) -> web.StreamResponse:
    """Send nothing to a device any more."""
    await remove_device(db(request), actor_of(request), device_id=id_in(request))
    flash(request, _("Nothing is sent to that device any more."))
    return to_page(request, "reaching.show")


async def service_worker(request: web.Request) -> web.StreamResponse:
    """What a browser runs to show a push: at the root, as it speaks for the whole site. It holds no data."""
    entry = manifest().get(WORKER)
    if entry is None:
        raise NotFound
    file = STATIC / entry["file"]
    text = await asyncio.to_thread(file.read_text, encoding="utf-8")
    return web.Response(text=text, content_type="text/javascript", headers={"Cache-Control": "no-cache"})


async def _page(request: web.Request, *, status: int = 200, **context: Any) -> web.StreamResponse:
    session, actor = db(request), actor_of(request)
    choice = await own_choice(session, actor)
    return render(
        request,
        "notices/choices.html.jinja",
        status=status,
        choice=choice,
        is_phone_good=is_phone_good(choice),
        channels=tuple(Channel),
        topics=CHOSEN_TOPICS,
        reminders=REMINDERS,
        devices=await own_devices(session, actor),
        device_name=device_name,
        push_key=public_key(settings_of(request)),
        **context,
    )
