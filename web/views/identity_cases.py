"""The work list of patients to compare, and the decision about a pair."""

import uuid
from typing import Any

from aiohttp import web

from teleconsult.errors import Invalid
from teleconsult.patients.comparing import comparison_for, comparisons, decide_case
from teleconsult.patients.links import CaseDecision
from teleconsult.patients.matching import Sign
from web.bodies import read_form
from web.flash import flash
from web.forms.identity import read_kept
from web.i18n import gettext as _
from web.identity_words import system_name
from web.rendering import render
from web.requests import actor_of, db, id_in, to_page


async def index(request: web.Request) -> web.StreamResponse:
    """First those to compare, the oldest first; then what was decided."""
    session, actor = db(request), actor_of(request)
    return render(
        request,
        "identity/cases.html.jinja",
        waiting=await comparisons(session, actor),
        decided=await comparisons(session, actor, decided=True),
    )


async def show(request: web.Request) -> web.StreamResponse:
    """Both identities side by side."""
    return await _page(request, id_in(request))


async def decide(request: web.Request) -> web.StreamResponse:
    """Say whether it is one person."""
    form, session, actor, case_id = await read_form(request), db(request), actor_of(request), id_in(request)
    try:
        case = await decide_case(
            session,
            actor,
            case_id=case_id,
            decision=form.get("decision", ""),
            note=form.get("reason", ""),
            kept_id=read_kept(form),
        )
    except Invalid as error:
        return await _page(request, case_id, status=422, errors=error, values=form)
    if case.decision is CaseDecision.SAME_PERSON:
        flash(request, _("Noted: the same person. The files are read together."), tone="ok")
    else:
        flash(request, _("Noted: two people. This pair is not asked about again."), tone="ok")
    return to_page(request, "identity_cases.index")


async def _page(request: web.Request, case_id: uuid.UUID, *, status: int = 200, **context: Any) -> web.StreamResponse:
    pair = await comparison_for(db(request), actor_of(request), case_id)
    signs = [Sign(code) for code in pair.case.evidence]
    return render(
        request, "identity/case.html.jinja", status=status, pair=pair, signs=signs, system_name=system_name, **context
    )
