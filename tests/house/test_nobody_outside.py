"""Whatever people do, and in whatever order: nobody outside ever gets a row or an event.

Hypothesis plays people of every role, at establishments that share and one that does not. A few lines of plain Python
say who ought to see what; after each step the application's filters and, apart from them, the database's own wall
must say the same.
"""

import asyncio
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from signaling.worklist import concerned_rooms, list_room
from teleconsult.access import rows
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.models import Account
from teleconsult.clock import now
from teleconsult.consents.withdrawing import withdraw_consent
from teleconsult.consults.answering import accept_consult
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.triage import cancel_consult
from teleconsult.db import make_engine, make_sessions, transaction
from teleconsult.directory.models import PractitionerRole, Specialty
from teleconsult.embedded import DatabaseUrls
from teleconsult.excerpts.models import Excerpt
from teleconsult.excerpts.revoking import revoke_excerpt
from teleconsult.patients.care import end_care_relation, open_care_relation
from teleconsult.patients.models import BreakGlass, GlassReason, Patient
from teleconsult.records.actions import file_entry
from tests import consult_steps
from tests.people import Cast, another_neurologist, make_cast

pytestmark = pytest.mark.matrix

PEOPLE = (
    *("rural", "colleague", "nurse", "secretary", "privacy", "stranger", "nurse_elsewhere"),
    *("coordinator", "specialist", "second", "oncall", "admin", "privacy_tertiary", "operator"),
)
TREATING = ("rural", "colleague", "nurse")
NEUROLOGISTS = ("specialist", "second")
SPECIALTY_OF = {"specialist": Specialty.NEUROLOGY, "second": Specialty.NEUROLOGY, "oncall": Specialty.TRAUMA}
MOST_CONSULTS = 3
HEADACHE = {
    "resourceType": "Condition",
    "clinicalStatus": {"coding": [{"code": "active"}]},
    "code": {"text": "Headache"},
}


@dataclass
class Consult:
    """What plain Python knows of one."""

    id: uuid.UUID
    owner: str | None = None
    is_cancelled: bool = False
    is_revoked: bool = False
    has_consent: bool = True


@dataclass
class Seen:
    """What one person ought to see."""

    consults: set[uuid.UUID] = field(default_factory=set)
    excerpts: set[uuid.UUID] = field(default_factory=set)
    """By the consult's id."""
    files: set[uuid.UUID] = field(default_factory=set)


class Region(RuleBasedStateMachine):
    """Three establishments that share, one that does not, and what people of each do."""

    def __init__(self, urls: DatabaseUrls) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.engine: AsyncEngine = make_engine(urls.app, pool_size=2)
        self.sessions = make_sessions(self.engine)
        self.eyes = make_sessions(self.engine, acting=SYSTEM.acting)
        self.consults: list[Consult] = []
        self.gone: set[str] = set()
        self.treating = {"rural"}
        self.glass: set[str] = set()
        self.cast: Cast = self.runner.run(self._begin())

    async def _begin(self) -> Cast:
        async with transaction(self.eyes) as session:
            cast = await make_cast(session)
            self.actors = {name: getattr(cast, name) for name in PEOPLE if name != "second"}
            self.actors["second"] = await another_neurologist(session, cast)
            for patient in (cast.patient, cast.patient_elsewhere, cast.strangers_patient):
                await file_entry(
                    session, SYSTEM, patient_id=patient.id, resource=HEADACHE, title="Headache", effective_at=now()
                )
        return cast

    def teardown(self) -> None:
        """Let go of the connections."""
        self.runner.run(self.engine.dispose())
        self.runner.close()

    @rule(who=st.sampled_from(TREATING))
    def begins_to_treat(self, who: str) -> None:
        if who not in self.gone:
            self._do(who, open_care_relation, patient_id=self.cast.patient.id, reason="consultation")
            self.treating.add(who)

    @rule(who=st.sampled_from(TREATING))
    def stops_treating(self, who: str) -> None:
        if who in self.treating - self.gone:
            self._do(who, end_care_relation, patient_id=self.cast.patient.id)
            self.treating.discard(who)

    @precondition(lambda self: "rural" in self.treating - self.gone and len(self.consults) < MOST_CONSULTS)
    @rule()
    def asks(self) -> None:
        consult = self.runner.run(consult_steps.submitted(self.cast, self.eyes))
        self.consults.append(Consult(consult.id))

    @rule(who=st.sampled_from(NEUROLOGISTS), data=st.data())
    def accepts(self, who: str, data: st.DataObject) -> None:
        waiting = [one for one in self.consults if one.owner is None and not one.is_cancelled]
        if waiting and who not in self.gone:
            consult = data.draw(st.sampled_from(waiting))
            self._do(who, accept_consult, consult_id=consult.id)
            consult.owner = who

    @rule(data=st.data())
    def cancels(self, data: st.DataObject) -> None:
        if (consult := self._one_of_rurals(data)) is not None and not consult.is_cancelled:
            self._do("rural", cancel_consult, consult_id=consult.id, reason="It is settled.")
            consult.is_cancelled = True

    @rule(data=st.data())
    def revokes(self, data: st.DataObject) -> None:
        consult = self._one_of_rurals(data)
        if consult is not None and not (consult.is_revoked or consult.is_cancelled):
            self._do("rural", revoke_excerpt, consult_id=consult.id, reason="The wrong document.")
            consult.is_revoked = True

    @rule(data=st.data())
    def withdraws(self, data: st.DataObject) -> None:
        consult = self._one_of_rurals(data)
        if consult is not None and consult.has_consent and not consult.is_cancelled:
            self._do("rural", withdraw_consent, consult_id=consult.id, reason="The patient says no.")
            consult.has_consent, consult.is_revoked, consult.is_cancelled = False, True, True

    @rule(who=st.sampled_from((*TREATING, *NEUROLOGISTS, "oncall")))
    def breaks_the_glass(self, who: str) -> None:
        if who not in self.gone | self.glass:
            self.runner.run(self._open_for_an_hour(self.actors[who]))
            self.glass.add(who)

    @rule(who=st.sampled_from(PEOPLE), how=st.sampled_from(("role", "account")))
    def is_gone(self, who: str, how: str) -> None:
        """Behind everybody's back, straight in the database."""
        if len(self.gone) < 3:
            self.runner.run(self._end(self.actors[who], how))
            self.gone.add(who)

    @invariant()
    def each_sees_what_is_theirs(self) -> None:
        for who in PEOPLE:
            expected = Seen() if who in self.gone else self._expected(who)
            assert self.runner.run(self._by_the_wall(self.actors[who])) == expected, f"the wall, for {who}"
            if who not in self.gone:  # an actor is built at each request, and there is none for who is gone
                assert self.runner.run(self._by_the_filters(self.actors[who])) == expected, f"the filters, for {who}"

    @invariant()
    def events_stay_inside(self) -> None:
        inside = {"rural", "colleague", "nurse", "secretary", "coordinator", *NEUROLOGISTS}
        for consult in self.consults:
            rooms = set(self.runner.run(self._rooms(consult.id)))
            for who in PEOPLE:
                actor = self.actors[who]
                assert actor.organization_id is not None and actor.role is not None
                if list_room(actor.organization_id, actor.role, SPECIALTY_OF.get(who)) in rooms:
                    assert who in inside, f"{who} hears of a consult that is none of theirs"

    def _expected(self, who: str) -> Seen:
        seen = Seen()
        if who in self.treating or who in self.glass:
            seen.files = {self.cast.patient.id, self.cast.patient_elsewhere.id}
        if who == "stranger":
            seen.files = {self.cast.strangers_patient.id}
        for consult in self.consults:
            is_open = consult.owner is None and not consult.is_cancelled
            is_theirs = who in NEUROLOGISTS and (is_open or consult.owner == who)
            if who in ("rural", "secretary", "coordinator") or who in self.treating or is_theirs:
                seen.consults.add(consult.id)
            is_shared = is_theirs and not consult.is_revoked and consult.has_consent
            if who in self.treating or is_shared:
                seen.excerpts.add(consult.id)
        return seen

    async def _by_the_filters(self, actor: Actor) -> Seen:
        async with transaction(self.sessions, actor) as session:
            return await self._seen(
                session,
                select(ServiceRequest.id).where(rows.consults(actor)),
                select(Excerpt.service_request_id).where(rows.excerpts(actor)),
                select(Patient.id).where(rows.files(actor)),
            )

    async def _by_the_wall(self, actor: Actor) -> Seen:
        """Every row there is, asked for without a condition."""
        async with transaction(self.sessions, actor) as session:
            return await self._seen(
                session,
                text("select id from service_request"),
                text("select service_request_id from excerpt_item join excerpt on excerpt.id = excerpt_id"),
                text("select distinct patient_id from record_entry"),
            )

    async def _seen(self, session: AsyncSession, consults: Any, excerpts: Any, files: Any) -> Seen:
        ours = {self.cast.patient.id, self.cast.patient_elsewhere.id, self.cast.strangers_patient.id}
        found = [set((await session.execute(query)).scalars()) for query in (consults, excerpts, files)]
        return Seen(found[0], found[1], found[2] & ours)

    def _one_of_rurals(self, data: st.DataObject) -> Consult | None:
        if not self.consults or "rural" in self.gone or "rural" not in self.treating:
            return None
        return data.draw(st.sampled_from(self.consults))

    def _do(self, who: str, act: Any, **arguments: Any) -> None:
        async def done() -> None:
            async with transaction(self.sessions, self.actors[who]) as session:
                await act(session, self.actors[who], **arguments)

        self.runner.run(done())

    async def _rooms(self, consult_id: uuid.UUID) -> list[str]:
        async with transaction(self.eyes) as session:
            return await concerned_rooms(session, consult_id)

    async def _open_for_an_hour(self, actor: Actor) -> None:
        async with transaction(self.eyes) as session:
            session.add(
                BreakGlass(
                    patient_id=self.cast.patient_elsewhere.id,
                    organization_id=self.cast.patient_elsewhere.organization_id,
                    practitioner_role_id=actor.role_id,
                    kind=GlassReason.DANGER,
                    reason="Found unconscious.",
                    started_at=now(),
                    expires_at=now() + timedelta(hours=1),
                )
            )

    async def _end(self, actor: Actor, how: str) -> None:
        async with transaction(self.eyes) as session:
            if how == "role":
                ended = update(PractitionerRole).where(PractitionerRole.id == actor.role_id).values(ended_at=now())
                await session.execute(ended)
            else:
                disabled = update(Account).where(Account.id == actor.account_id).values(disabled_at=now())
                await session.execute(disabled)


@pytest.mark.usefixtures("clean_database")
def test_nobody_outside_gets_a_row_or_an_event(database: DatabaseUrls) -> None:
    run_state_machine_as_test(
        lambda: Region(database),
        settings=settings(
            max_examples=10,
            stateful_step_count=10,
            deadline=None,
            phases=(Phase.generate,),  # a failure of ten steps is short enough as it is
            suppress_health_check=list(HealthCheck),
        ),
    )
