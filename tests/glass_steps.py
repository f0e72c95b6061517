"""A file opened in an emergency, for tests that begin there: the rural patient's, by the tertiary neurologist."""

from dataclasses import replace
from datetime import timedelta

from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.patients.breaking_glass import break_glass
from teleconsult.patients.elsewhere import Search
from teleconsult.patients.models import BreakGlass, Patient
from tests.people import Cast

REASON = "Found unconscious in the entrance hall."


def fresh(actor: Actor, *, ago: timedelta = timedelta(0)) -> Actor:
    """The actor, who proved so long ago who they are."""
    return replace(actor, factor_at=now() - ago)


def by_number(patient: Patient) -> Search:
    """The patient's own number at their establishment."""
    return Search(organization_id=patient.organization_id, local_number=patient.local_number)


async def opened(
    cast: Cast, sessions: Sessions, *, actor: Actor | None = None, patient: Patient | None = None
) -> BreakGlass:
    """Opened a moment ago."""
    who, whose = fresh(actor or cast.specialist), patient or cast.patient
    async with transaction(sessions, who) as session:
        return await break_glass(
            session, who, patient_id=whose.id, search=by_number(whose), kind="danger", reason=REASON
        )
