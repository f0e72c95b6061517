"""The table of states as a machine: whatever anybody tries, in whatever order, only what the table says comes about.

Each act is the real one, on the real database. What the table does not allow changes nothing; what it allows leads to a
state said here, and is told to both sides.
"""

import os
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.answering import accept_consult, decline_consult
from teleconsult.consults.conversing import send_message
from teleconsult.consults.drafting import save_draft
from teleconsult.consults.informing import ask_for_information, give_information
from teleconsult.consults.models import ConsultMode, ServiceRequest
from teleconsult.consults.modes import change_mode
from teleconsult.consults.queries import consult_for
from teleconsult.consults.redirecting import assign_consult, redirect_consult
from teleconsult.consults.requesting import submit_request
from teleconsult.consults.states import ConsultState as S
from teleconsult.consults.states import Verb, may, state_of
from teleconsult.consults.triage import cancel_consult, receive_request
from teleconsult.consults.writing import ask_for_writing
from teleconsult.db import Sessions, transaction
from teleconsult.emergencies.escalating import calm_consult, escalate_consult
from teleconsult.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from teleconsult.messages.occasions import ANSWERING, ASKING, OCCASIONS
from teleconsult.scheduling.booking import book_appointment, propose_time
from tests import consult_steps
from tests.people import Cast

Act = Callable[[Cast, Sessions, Actor, ServiceRequest], Awaitable[object]]


def act(verb: Callable[..., Awaitable[object]], **arguments: object) -> Act:
    """The verb, in a transaction of its own; a callable argument is asked of the cast and the consult."""

    async def done(cast: Cast, sessions: Sessions, actor: Actor, consult: ServiceRequest) -> None:
        given = {name: value(cast, consult) if callable(value) else value for name, value in arguments.items()}
        async with transaction(sessions, actor) as session:
            await verb(session, actor, consult_id=consult.id, **given)

    return done


def other_service(cast: Cast, consult: ServiceRequest) -> object:
    return cast.trauma.id if consult.service_id == cast.neurology.id else cast.neurology.id


def a_specialist(cast: Cast, consult: ServiceRequest) -> object:
    return (cast.specialist if consult.service_id == cast.neurology.id else cast.oncall).role_id


def another_mode(_cast: Cast, consult: ServiceRequest) -> object:
    return ConsultMode.VIDEO if consult.mode is ConsultMode.ADVICE else ConsultMode.ADVICE


SHARED: Final[dict[uuid.UUID, uuid.UUID]] = {}
"""What each draft of this test shares of the file, by its id."""


def filled(cast: Cast, consult: ServiceRequest) -> object:
    return consult_steps.request(cast, [SHARED[consult.id]])


ACTS: Final[Mapping[Verb, tuple[Act, frozenset[S] | None]]] = {
    Verb.SAVE: (act(save_draft, version=None, request=filled), None),
    Verb.SUBMIT: (act(submit_request, request=filled), frozenset({S.SUBMITTED})),
    Verb.RECEIVE: (act(receive_request), frozenset({S.TRIAGE})),
    Verb.ACCEPT: (act(accept_consult), frozenset({S.ACCEPTED, S.ADVISING})),
    Verb.DECLINE: (act(decline_consult, reason="Away"), frozenset({S.DECLINED})),
    Verb.ASSIGN: (act(assign_consult, role_id=a_specialist), None),
    Verb.REDIRECT: (act(redirect_consult, service_id=other_service, reason="Theirs"), frozenset({S.REDIRECTED})),
    Verb.ASK_FOR_INFORMATION: (act(ask_for_information, text="Which dose?"), frozenset({S.AWAITING_INFO})),
    Verb.GIVE_INFORMATION: (act(give_information, text="5 mg"), frozenset({S.TRIAGE, S.ACCEPTED, S.ADVISING})),
    Verb.CHANGE_MODE: (
        act(change_mode, mode=another_mode),
        frozenset({S.SUBMITTED, S.TRIAGE, S.DECLINED, S.REDIRECTED, S.ACCEPTED, S.ADVISING}),
    ),
    Verb.ESCALATE: (act(escalate_consult), frozenset({S.EMERGENCY})),
    Verb.CALM: (act(calm_consult, mode=ConsultMode.VIDEO), frozenset({S.SUBMITTED, S.DECLINED, S.REDIRECTED})),
    Verb.SEND_MESSAGE: (act(send_message, text="Since when?"), None),
    Verb.PROPOSE_TIME: (act(propose_time, starts_at=lambda _cast, _asked: now() + timedelta(days=1)), None),
    Verb.BOOK: (act(book_appointment), frozenset({S.SCHEDULED})),
    Verb.ASK_FOR_WRITING: (act(ask_for_writing), frozenset({S.ADVISING})),
    Verb.CANCEL: (act(cancel_consult, reason="Transferred"), frozenset({S.CANCELLED})),
}
"""Each act before the session, and the states it may lead to; None: the consult stands where it stood."""
NO_CHANGE: Final = (Verb.SAVE, Verb.RECEIVE, Verb.ASK_FOR_WRITING, Verb.ASSIGN, Verb.ESCALATE)
"""Nobody is told of a draft; the others change nothing when done twice, and nobody is told again."""
STEP: Final = st.tuples(
    st.sampled_from(("rural", "coordinator", "specialist", "oncall", "stranger")), st.sampled_from(sorted(ACTS))
)
STEPS: Final = st.builds(
    lambda before, after: [*before, ("rural", Verb.SUBMIT), *after],
    st.lists(STEP, max_size=3),
    st.lists(STEP, min_size=4, max_size=10),
)
"""Whatever is tried with a draft; it is submitted, unless it was; whatever is tried then."""
EXAMPLES: Final = 200 if os.environ.get("LONG") else 3


@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
async def test_only_what_the_table_says_comes_about(
    cast: Cast, sessions: Sessions, steps: list[tuple[str, Verb]]
) -> None:
    consult = await consult_steps.drafted(cast, sessions)
    SHARED[consult.id] = (await consult_steps.entry(cast, sessions)).id
    for who, verb in steps:
        actor: Actor = getattr(cast, who)
        before, told = await stands(cast, sessions, consult), await news(sessions, consult)
        allowed = await may_now(sessions, actor, consult, verb)
        run, leads_to = ACTS[verb]
        try:
            await run(cast, sessions, actor, before)
            happened = True
        except (Conflict, Forbidden, Invalid, NotFound, Refused):
            happened = False
        after, now_told = await stands(cast, sessions, consult), await news(sessions, consult)
        step = f"{who} {verb} from {state_of(before)} ({before.mode})"
        if not happened or not allowed:
            assert state_of(after) is state_of(before), step
            assert now_told == told, step
            assert not happened or verb in NO_CHANGE, step
            continue
        assert state_of(after) in (leads_to or {state_of(before)}), step
        assert len(now_told) > len(told) or verb in NO_CHANGE, f"{step}: nobody was told"
        for name in now_told[len(told) :]:
            occasion = OCCASIONS[name]
            assert (occasion.told & ASKING and occasion.told & ANSWERING) or occasion.alone, name


def test_every_act_before_the_session_is_walked() -> None:
    begun = {Verb.ADD_IMAGES, Verb.ADD_ENTRIES, Verb.WRITE_NOTE}
    of_sharing = {Verb.REVOKE_EXCERPT, Verb.WITHDRAW_CONSENT, Verb.CONFIRM_CONSENT, Verb.SEE_READINGS}
    later = {Verb.JOIN, Verb.MARK_MISSED, Verb.ACKNOWLEDGE, Verb.FOLLOW_UP}
    of_emergencies = {Verb.ANSWER, Verb.DECIDE, Verb.TRANSFER, Verb.FOLLOW_TRANSFER, Verb.HAND_BACK, Verb.CALL_OTHERS}
    walked_elsewhere = {Verb.PUT_ON_LIST, Verb.FOLLOW_NOTE}  # team meetings, and what follows a signed note
    assert set(Verb) - set(ACTS) - begun - of_sharing - later - of_emergencies - walked_elsewhere <= {
        verb for verb in Verb if verb.value.endswith("-time")
    }


async def stands(cast: Cast, sessions: Sessions, consult: ServiceRequest) -> ServiceRequest:
    async with transaction(sessions) as session:
        return await consult_for(session, cast.rural, consult.id)


async def may_now(sessions: Sessions, actor: Actor, consult: ServiceRequest, verb: Verb) -> bool:
    async with transaction(sessions, actor) as session:
        try:
            return may(await consult_for(session, actor, consult.id), actor, verb)
        except NotFound:
            return False


async def news(sessions: Sessions, consult: ServiceRequest) -> list[str]:
    """What both sides are owed to hear of it, in order."""
    owed = """select args ->> 'occasion' from procrastinate_jobs
      where task_name = 'tell_people' and args ->> 'consult_id' = :id order by id"""
    async with transaction(sessions) as session:
        return list((await session.scalars(text(owed), {"id": str(consult.id)})).all())
