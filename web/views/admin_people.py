"""The people of an establishment: who they are, what they may do, how they sign in."""

from typing import Any

from aiohttp import web

from teleconsult.accounts.queries import (
    PAGE,
    AccountState,
    factors_of,
    people_of_establishment,
    person_of_establishment,
)
from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.directory.inviting import Doubt, invite_person, resend_invitation
from teleconsult.directory.models import Specialty
from teleconsult.directory.people import (
    disable_account,
    enable_account,
    end_sessions_here,
    reset_second_factor,
    works_elsewhere,
)
from teleconsult.directory.roles import ASSIGNABLE, add_role, end_role, practitioner_here
from teleconsult.errors import Conflict, Invalid, NotFound
from teleconsult.notes.keys import keys_of
from teleconsult.notes.models import RevocationReason
from web.bodies import read_form
from web.flash import flash
from web.forms.administration import read_invitee, read_role
from web.forms.numbers import read_number
from web.i18n import gettext as _
from web.i18n import ngettext
from web.rendering import render
from web.requests import actor_of, db, id_in, settings_of, to_page
from web.views.signing_keys import certificate_words
from web.words import label, options


async def index(request: web.Request) -> web.StreamResponse:
    """Who works here, 50 a page; or those a search finds."""
    text = request.query.get("q", "").replace("\0", " ").strip()[:200]
    page = read_number(request.query.get("page", "1"), digits=4)
    if not page:
        raise NotFound
    found = await people_of_establishment(db(request), actor_of(request), text=text, page=page)
    return render(request, "admin/people.html.jinja", found=found, text=text, page=page, page_size=PAGE)


async def new(request: web.Request) -> web.StreamResponse:
    """The form of an invitation; who one is, is asked before it is filled in and not after."""
    require_fresh(actor_of(request))
    return _new_page(request)


async def create(request: web.Request) -> web.StreamResponse:
    """Invite somebody; ask first where the directory knows somebody like them."""
    session, actor, form = db(request), actor_of(request), await read_form(request)
    try:
        person = await invite_person(
            session,
            actor,
            settings_of(request),
            invitee=read_invitee(form),
            is_confirmed=form.get("confirmed") == "yes",
        )
    except Doubt as doubt:
        return _new_page(request, status=409, values=form, doubt=doubt)
    except (Invalid, Conflict) as error:
        return _new_page(request, status=error.status, values=form, errors=error)
    if (await person_of_establishment(session, actor, person)).state is AccountState.INVITED:
        flash(request, _("The invitation of %(name)s is on its way by mail.", name=person.name))
    else:
        flash(request, _("%(name)s has a role here now.", name=person.name))
    return to_page(request, "admin_people.show", id=person.id)


async def show(request: web.Request) -> web.StreamResponse:
    """One person: roles here, account, ways in."""
    return await _person_page(request)


async def resend(request: web.Request) -> web.StreamResponse:
    """Mail the invitation again."""
    await resend_invitation(db(request), actor_of(request), settings_of(request), practitioner_id=id_in(request))
    flash(request, _("A new link is on its way. The one before is void."))
    return _to_person(request)


async def give_role(request: web.Request) -> web.StreamResponse:
    """Give another role here."""
    form = await read_form(request)
    try:
        code, specialty = read_role(form)
        await add_role(db(request), actor_of(request), practitioner_id=id_in(request), code=code, specialty=specialty)
    except (Invalid, Conflict) as error:
        return await _person_page(request, status=error.status, values=form, errors=error)
    flash(request, _("The role is given."))
    return _to_person(request)


async def take_role(request: web.Request) -> web.StreamResponse:
    """End a role here."""
    role = await end_role(db(request), actor_of(request), role_id=id_in(request))
    flash(request, _("The role has ended; whoever was signed in with it is signed out."))
    return to_page(request, "admin_people.show", id=role.practitioner_id)


async def disable(request: web.Request) -> web.StreamResponse:
    """Close somebody's account."""
    await disable_account(db(request), actor_of(request), practitioner_id=id_in(request))
    flash(request, _("The account is disabled and signed out everywhere."))
    return _to_person(request)


async def enable(request: web.Request) -> web.StreamResponse:
    """Open it again."""
    await enable_account(db(request), actor_of(request), practitioner_id=id_in(request))
    flash(request, _("The account is enabled again."))
    return _to_person(request)


async def end_sessions(request: web.Request) -> web.StreamResponse:
    """Sign somebody out of their roles here."""
    ended = await end_sessions_here(db(request), actor_of(request), practitioner_id=id_in(request))
    flash(request, ngettext("%(num)s session ended.", "%(num)s sessions ended.", ended))
    return _to_person(request)


async def reset_factor(request: web.Request) -> web.StreamResponse:
    """Take away the second factor of who lost it."""
    await reset_second_factor(db(request), actor_of(request), practitioner_id=id_in(request))
    flash(request, _("The second factor is taken away. The person was told by mail and sets up a new one."))
    return _to_person(request)


def _new_page(request: web.Request, *, status: int = 200, **context: Any) -> web.StreamResponse:
    context = {"doubt": None, **context}
    return render(request, "admin/invite.html.jinja", status=status, **_choices(), **context)


async def _person_page(request: web.Request, *, status: int = 200, **context: Any) -> web.StreamResponse:
    session, actor = db(request), actor_of(request)
    practitioner = await practitioner_here(session, actor, id_in(request))
    return render(
        request,
        "admin/person.html.jinja",
        status=status,
        person=await person_of_establishment(session, actor, practitioner),
        factors=await factors_of(session, actor, practitioner),
        certificates=[certificate_words(key) for key in await keys_of(session, practitioner.id)],
        reasons=options(RevocationReason),
        is_oneself=practitioner.id == actor.practitioner_id,
        is_elsewhere=await works_elsewhere(session, actor, practitioner.id),
        **_choices(),
        **context,
    )


def _choices() -> dict[str, list[tuple[str, str]]]:
    return {"roles": [(code.value, label(code)) for code in ASSIGNABLE], "specialties": options(Specialty)}


def _to_person(request: web.Request) -> web.Response:
    return to_page(request, "admin_people.show", id=id_in(request))
