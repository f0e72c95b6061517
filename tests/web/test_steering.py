"""The forms by which a consult is steered: what they say, and what becomes of them."""

import re
from datetime import timedelta

from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select

from teleconsult.clock import now
from teleconsult.consults.models import (
    Communication,
    ConsultMode,
    FollowUp,
    PatientCourse,
    RequestStatus,
    ServiceRequest,
    TaskStatus,
)
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.db import Sessions, transaction
from tests import consult_steps
from tests.conftest import Post, SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]


async def state(cast: Cast, sessions: Sessions, consult: ServiceRequest) -> ConsultState:
    async with transaction(sessions) as session:
        return state_of(await consult_for(session, cast.rural, consult.id))


async def test_more_is_asked_and_given(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    path = f"/consults/{consult.id}"
    await signed_in("coordinator")
    assert 'data-testid="ask-information"' in await (await client.get(path)).text()
    refused = await post(f"{path}/information-request", text=" ")
    assert refused.status == 422
    assert "Write something first." in await refused.text()
    assert (await post(f"{path}/information-request", text="Which <dose>?")).status == 303
    await signed_in("rural")
    page = await (await client.get(path)).text()
    assert 'data-testid="give-information"' in page
    assert "Which &lt;dose&gt;?" in page
    assert 'data-promise="held"' in page
    assert (await post(f"{path}/information", text="5 mg")).status == 303
    assert (await post(f"{path}/information", text="5 mg")).status == 409
    assert await state(cast, sessions, consult) is ConsultState.TRIAGE


async def test_it_goes_to_another_service(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    path = f"/consults/{consult.id}"
    await signed_in("coordinator")
    for service, reason in (("", "A fracture"), ("nonsense", "A fracture"), (cast.trauma.id, "")):
        assert (await post(f"{path}/redirection", service=str(service), reason=reason)).status == 422
    assert (await post(f"{path}/assignment", specialist=str(cast.specialist.role_id))).status == 303
    assert "they have been told" in await (await client.get(path)).text()
    assert (await post(f"{path}/assignment", specialist=str(cast.oncall.role_id))).status == 422
    assert (await post(f"{path}/assignment", specialist="")).status == 303
    assert "Nobody in particular is thought of now." in await (await client.get(path)).text()
    answer = await post(f"{path}/redirection", service=str(cast.trauma.id), reason="A fracture")
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    await signed_in("rural")
    assert "A fracture" in await (await client.get(path)).text()
    await signed_in("stranger")
    assert (await post(f"{path}/redirection", service=str(cast.trauma.id), reason="Mine")).status == 404


async def test_written_advice_from_the_form_to_the_conversation(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    path = f"/consults/{draft.id}"
    await signed_in("rural")
    assert 'data-testid="mode-advice"' in await (await client.get(path)).text()
    asked = {"service": str(cast.neurology.id), "urgency": "routine", "question": "Stop it?", "consent": "yes"}
    assert (await post(f"{path}/submission", **asked, mode="emergency")).status == 422
    assert (await post(f"{path}/submission", **asked, mode="advice")).status == 303
    await signed_in("specialist")
    assert (await post(f"{path}/acceptance")).status == 303
    page = await (await client.get(path)).text()
    assert 'data-state="advising"' in page
    assert 'data-testid="open-note"' in page
    assert (await post(f"{path}/messages", text="Since when?")).status == 303
    await signed_in("rural")
    frame = await client.get(path, headers={"Turbo-Frame": "conversation"})
    assert "Since when?" in await frame.text()
    assert (await post(f"{path}/messages", text="x" * 2001)).status == 422
    for wrong in ({}, {"mode": ""}, {"mode": "nonsense"}):
        assert (await post(f"{path}/mode", **wrong)).status == 422, wrong
    assert await state(cast, sessions, draft) is ConsultState.ADVISING
    assert (await post(f"{path}/mode", mode="video")).status == 303
    assert await state(cast, sessions, draft) is ConsultState.ACCEPTED
    async with transaction(sessions) as session:
        assert (await consult_for(session, cast.rural, draft.id)).mode is ConsultMode.VIDEO


async def test_a_message_sent_twice_is_one(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    path = f"/consults/{consult.id}"
    await signed_in("rural")
    page = await (await client.get(path)).text()
    key = re.search(r'name="key" value="([0-9a-f-]{36})"', page)
    assert key
    for text in ("Since when?", "Since when?", "And the dose?"):
        assert (await post(f"{path}/messages", text=text, key=key[1])).status == 303
    await signed_in("specialist")
    assert (await post(f"{path}/messages", text="Since when?", key=key[1])).status == 303
    assert (await post(f"{path}/messages", text="Since when?", key="nonsense")).status == 422
    async with transaction(sessions) as session:
        said = (await session.scalars(select(Communication).order_by(Communication.sent_at))).all()
        assert [(one.text, one.sender_role_id) for one in said] == [
            ("Since when?", cast.rural.role_id),
            ("And the dose?", cast.rural.role_id),
            ("Since when?", cast.specialist.role_id),
        ]


async def test_what_became_of_it_takes_two_clicks(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    path = f"/consults/{consult.id}/follow-up"
    async with transaction(sessions) as session:
        found = await consult_for(session, cast.rural, consult.id)
        assert found.task
        found.task.status, found.status = TaskStatus.COMPLETED, RequestStatus.COMPLETED
        found.completed_at = now() - timedelta(days=15)
    await signed_in("rural")
    assert 'data-testid="follow-ups"' in await (await client.get("/")).text()
    for wrong in ({"course": "better"}, {"done": "maybe-no", "course": "better"}, {"done": "yes-no", "course": "fine"}):
        assert (await post(path, **wrong)).status == 422, wrong
    answer = await post(path, done="yes-no", course="better", **{"return": "home"})
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    assert 'data-testid="follow-ups"' not in await (await client.get("/")).text()
    assert 'data-testid="followed-up"' in await (await client.get(f"/consults/{consult.id}")).text()
    async with transaction(sessions) as session:
        said = (await session.scalars(select(FollowUp))).one()
        assert (said.plan_followed, said.journey_avoided, said.patient_course) == (True, False, PatientCourse.BETTER)
