"""Notes on their way: what does not arrive by itself, and what a person does about it."""

import uuid
from datetime import datetime
from typing import Any

from aiohttp import web

from teleconsult.delivery.hl7v2_channel import control_id
from teleconsult.delivery.looking_after import (
    OPEN,
    can_be_sent_again,
    give_up_delivery,
    reroute_delivery,
    resend_delivery,
)
from teleconsult.delivery.models import Channel, DeliveryStatus
from teleconsult.delivery.queries import COUNTED, Standing, counts_here, deliveries_here, delivery_for, other_ways
from teleconsult.errors import Invalid
from teleconsult.notes.content import oid_of
from web.bodies import read_form
from web.delivery_words import TONES, reason_in_words
from web.flash import flash
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, db, id_in, settings_of, to_page
from web.words import options


async def index(request: web.Request) -> web.StreamResponse:
    """Those of the establishment, by where they stand; those to look after first."""
    session, actor = db(request), actor_of(request)
    standing = _code(request, "show", Standing) or Standing.STUCK
    channel = _code(request, "channel", Channel)
    page = await deliveries_here(session, actor, standing=standing, channel=channel, before=_before(request))
    here = {"show": standing.value} | ({"channel": channel.value} if channel else {})
    return render(
        request,
        "deliveries/index.html.jinja",
        page=page,
        standing=standing,
        channel=channel,
        standings=list(Standing),
        channels=options(Channel),
        counts=await counts_here(session, actor),
        counted=COUNTED,
        here=here,
        older=_older(here, page.next_before),
        tones=TONES,
        reason=reason_in_words,
        mails=settings_of(request).secure_mail_url is not None,
    )


async def show(request: web.Request) -> web.StreamResponse:
    """One of them: why it is where it is, what went out, and what can be done."""
    return await _show(request)


async def resend(request: web.Request) -> web.StreamResponse:
    """Try it now."""
    await resend_delivery(db(request), actor_of(request), delivery_id=id_in(request))
    flash(request, _("It is sent again now, under the same number."))
    return to_page(request, "deliveries.show", id=id_in(request))


async def reroute(request: web.Request) -> web.StreamResponse:
    """Send it to another system of the recipient's."""
    delivery = await delivery_for(db(request), actor_of(request), id_in(request))
    form = await read_form(request)
    try:
        made = await reroute_delivery(
            db(request), actor_of(request), delivery_id=delivery.id, endpoint_id=_id(form.get("endpoint", ""))
        )
    except Invalid as error:
        return await _show(request, status=error.status, errors=error)
    flash(request, _("It is sent to %(name)s instead.", name=made.recipient))
    return to_page(request, "deliveries.show", id=made.id)


async def give_up(request: web.Request) -> web.StreamResponse:
    """Try it no more."""
    delivery = await delivery_for(db(request), actor_of(request), id_in(request))
    form = await read_form(request)
    try:
        await give_up_delivery(db(request), actor_of(request), delivery_id=delivery.id, reason=form.get("reason", ""))
    except Invalid as error:
        return await _show(request, status=error.status, errors=error, values=form)
    flash(request, _("It is not tried any more."))
    return to_page(request, "deliveries.show", id=delivery.id)


async def _show(request: web.Request, *, status: int = 200, **context: Any) -> web.StreamResponse:
    session = db(request)
    delivery = await delivery_for(session, actor_of(request), id_in(request))
    return render(
        request,
        "deliveries/show.html.jinja",
        status=status,
        delivery=delivery,
        document_number=oid_of(delivery.composition_id),
        message_number=control_id(delivery.id) if delivery.channel is Channel.HL7V2 else None,
        tones=TONES,
        status_of=DeliveryStatus,
        moment_of=datetime.fromisoformat,
        why=reason_in_words(delivery.reason),
        is_open=delivery.status in OPEN and delivery.channel is not Channel.PATIENT_FILE,
        can_be_sent_again=await can_be_sent_again(session, delivery),
        others=[(str(one.id), one.name) for one in await other_ways(session, delivery)],
        **context,
    )


def _code(request: web.Request, name: str, codes: type[Any]) -> Any:
    value = request.query.get(name, "")
    return next((code for code in codes if code.value == value), None)


def _before(request: web.Request) -> tuple[datetime, uuid.UUID] | None:
    """Where the page begins; from the beginning where that is none."""
    moment, _comma, id = request.query.get("before", "").partition(",")
    try:
        at = datetime.fromisoformat(moment)
        return (at, uuid.UUID(id)) if at.tzinfo is not None else None
    except ValueError:
        return None


def _older(here: dict[str, str], before: tuple[datetime, uuid.UUID] | None) -> dict[str, str] | None:
    return here | {"before": f"{before[0].isoformat()},{before[1]}"} if before else None


def _id(typed: str) -> uuid.UUID:
    try:
        return uuid.UUID(typed)
    except ValueError:
        return uuid.UUID(int=0)
