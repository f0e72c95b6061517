"""Whether the audit log is whole: a worker looks, the page says how far it is and what it found."""

import uuid

from aiohttp import web

from teleconsult.audit.checks import latest_check, stop_check
from teleconsult.audit.findings import Finding
from teleconsult.audit.jobs import begin_check
from teleconsult.audit.queries import organization_names
from web.rendering import render
from web.requests import actor_of, db, frame_of, id_in, to_page


async def show(request: web.Request) -> web.StreamResponse:
    """The last check; asked for by the frame of that page, only the frame."""
    check = await latest_check(db(request), actor_of(request))
    findings = [Finding.from_json(value) for value in check.findings] if check else []
    chains: set[uuid.UUID] = {finding.chain for finding in findings if finding.chain}
    template = "audit/_check.html.jinja" if frame_of(request) else "audit/check.html.jinja"
    names = await organization_names(db(request), chains)
    return render(request, template, check=check, findings=findings, names=names)


async def create(request: web.Request) -> web.StreamResponse:
    """Ask for a check."""
    await begin_check(db(request), actor_of(request))
    return to_page(request, "audit_check.show")


async def stop(request: web.Request) -> web.StreamResponse:
    """Stop the one that runs."""
    await stop_check(db(request), actor_of(request), check_id=id_in(request))
    return to_page(request, "audit_check.show")
