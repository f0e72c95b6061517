"""Writing a request, with a browser that has no script."""

import json
import re
import uuid

from aiohttp import FormData, web
from aiohttp.test_utils import TestClient
from sqlalchemy import func, select

from teleconsult.access import Purpose
from teleconsult.audit.models import AuditEvent
from teleconsult.consults.models import ServiceRequest, Task
from teleconsult.db import Sessions, transaction
from tests import consult_steps
from tests.conftest import Post, SignIn
from tests.people import Cast, bearer_of
from tests.teleconsult.imaging.files import dicom_bytes

Client = TestClient[web.Request, web.Application]


async def begun(cast: Cast, signed_in: SignIn, post: Post) -> str:
    """The path of a draft the rural doctor has just begun."""
    await signed_in("rural")
    answer = await post("/consults", patient_id=str(cast.patient.id))
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"]


def whole(cast: Cast, **fields: str) -> dict[str, str]:
    return {
        "service": str(cast.neurology.id),
        "urgency": "urgent",
        "question": "Is it a tumour?",
        "basis": "patient",
        "consent": "yes",
        **fields,
    }


async def test_the_form_offers_what_is_needed(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    entry = await consult_steps.entry(cast, sessions, "Migraine")
    page = await (await client.get(await begun(cast, signed_in, post))).text()
    for name in ("service", "urgency", "question", "excerpt-item", "consent", "submit-request"):
        assert f'data-testid="{name}"' in page
    assert re.search(rf'value="{entry.id}" checked', page), "an active problem is chosen beforehand"


async def test_a_draft_survives(client: Client, cast: Cast, signed_in: SignIn, post: Post) -> None:
    path = await begun(cast, signed_in, post)
    answer = await post(f"{path}/draft", version="1", question="Half a quest", basis="necessity", reason="Comatose")
    assert answer.status == 303
    page = await (await client.get(path)).text()
    assert "Half a quest" in page
    assert "Comatose" in page
    assert await begun(cast, signed_in, post) != path, "what was touched is not taken for a new one"


async def test_an_untouched_draft_is_taken_up_again(cast: Cast, signed_in: SignIn, post: Post) -> None:
    assert await begun(cast, signed_in, post) == await begun(cast, signed_in, post)


async def test_the_script_saves_and_notices_another_tab(
    client: Client, cast: Cast, signed_in: SignIn, post: Post
) -> None:
    path = await begun(cast, signed_in, post)
    page = await (await client.get(path)).text()
    token = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert token
    headers = {"Accept": "application/json", "X-CSRF-Token": token[1]}
    first = await client.patch(f"{path}/draft", data={"version": "1", "question": "One"}, headers=headers)
    assert first.status == 200
    assert (await first.json())["version"] == 2
    stale = await client.patch(f"{path}/draft", data={"version": "1", "question": "Two"}, headers=headers)
    assert stale.status == 409
    assert "error" in json.loads(await stale.text())
    assert "One" in await (await client.get(path)).text()


async def test_without_a_script_the_words_of_both_tabs_stand_on_the_page(
    client: Client, cast: Cast, signed_in: SignIn, post: Post
) -> None:
    path = await begun(cast, signed_in, post)
    assert (await post(f"{path}/draft", version="1", question="From the first tab")).status == 303
    answer = await post(f"{path}/draft", version="1", question="From the second", basis="necessity", reason="Comatose")
    page = await answer.text()
    assert answer.status == 409
    assert 'data-testid="draft-conflict"' in page
    for kept in ("From the first tab", "From the second", "Comatose", 'name="version" value="2"'):
        assert kept in page
    assert "From the second" not in await (await client.get(path)).text(), "nothing is overwritten unasked"
    assert (await post(f"{path}/draft", version="2", question="From the second")).status == 303
    assert "From the second" in await (await client.get(path)).text()


async def test_submitting_leads_to_the_consult(client: Client, cast: Cast, signed_in: SignIn, post: Post) -> None:
    path = await begun(cast, signed_in, post)
    answer = await post(f"{path}/submission", **whole(cast))
    assert (answer.status, answer.headers["Location"]) == (303, path)
    page = await (await client.get(path)).text()
    assert 'data-state="submitted"' in page
    assert 'data-testid="excerpt-view"' in page


async def test_what_is_missing_is_said_and_what_was_typed_stays(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    path = await begun(cast, signed_in, post)
    answer = await post(f"{path}/submission", question=" ", urgency="asap", basis="representative", given_by="Anne")
    page = await answer.text()
    assert answer.status == 422
    assert page.count('class="field-error"') >= 3
    assert 'value="Anne"' in page
    assert '<option value="asap" selected>' in page
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(Task)) == 0
        read = select(func.count()).where(AuditEvent.action == "consult-read")
        assert await session.scalar(read) == 1, "the form that is shown again lists the file"


async def test_submitting_twice_asks_once(cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post) -> None:
    path = await begun(cast, signed_in, post)
    assert (await post(f"{path}/submission", **whole(cast))).status == 303
    assert (await post(f"{path}/submission", **whole(cast))).status == 409
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(Task)) == 1


async def test_hostile_fields_are_refused(cast: Cast, signed_in: SignIn, post: Post) -> None:
    path = await begun(cast, signed_in, post)
    for wrong in (
        {"service": "1; drop table"},
        {"urgency": "yesterday"},
        {"basis": "telepathy"},
        {"entries": "not-an-id"},
        {"entries": str(uuid.uuid4())},
        {"question": "x" * 4001},
        {"question": "a\0b"},
    ):
        assert (await post(f"{path}/submission", **whole(cast, **wrong))).status == 422, wrong
    assert (await post(f"{path}/draft", version="9" * 30)).status == 422


async def test_an_entry_of_another_file_cannot_be_shared(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    from teleconsult.clock import now
    from teleconsult.records.actions import file_entry

    async with transaction(sessions) as session:
        foreign = await file_entry(
            session,
            cast.stranger,
            patient_id=cast.strangers_patient.id,
            resource={"resourceType": "Condition"},
            title="Secret",
            effective_at=now(),
        )
    path = await begun(cast, signed_in, post)
    answer = await post(f"{path}/submission", **whole(cast, entries=str(foreign.id)))
    assert answer.status == 422
    assert "Secret" not in await answer.text()


async def test_who_may_not_begin(cast: Cast, signed_in: SignIn, post: Post) -> None:
    for who, status in (("colleague", 403), ("stranger", 404), ("coordinator", 404), ("specialist", 404)):
        await signed_in(who)
        assert (await post("/consults", patient_id=str(cast.patient.id))).status == status, who
    await signed_in("rural")
    for nobody in ("", "1", str(uuid.uuid4())):
        assert (await post("/consults", patient_id=nobody)).status == 404


async def test_a_token_for_images_brings_images_and_asks_nothing(
    client: Client, cast: Cast, sessions: Sessions
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        token = await bearer_of(session, cast.rural, Purpose.IMAGES)
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    for act in ("draft", "submission", "discarding", "acknowledgement"):
        answer = await client.post(f"/consults/{draft.id}/{act}", data=whole(cast), headers=headers)
        assert answer.status == 404, act
    files = FormData()
    files.add_field("files", dicom_bytes(), filename="IM1")
    assert (await client.post(f"/consults/{draft.id}/images", data=files, headers=headers)).status == 200


async def test_a_draft_thrown_away_is_gone(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    path = await begun(cast, signed_in, post)
    assert (await post(f"{path}/discarding")).status == 303
    assert (await client.get(path)).status == 404
    async with transaction(sessions) as session:
        assert await session.scalar(select(ServiceRequest.status)) == "revoked"


async def test_what_the_service_needs_is_asked_and_stops_nobody(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    thinner = await consult_steps.entry(cast, sessions, "Warfarine arrêtée")
    path = await begun(cast, signed_in, post)
    assert 'data-testid="completeness"' not in await (await client.get(path)).text()
    await post(f"{path}/draft", **whole(cast, version="1", question="Vue normale à 8 h."))
    page = await (await client.get(path)).text()
    checklist = page[
        page.index('data-testid="completeness"') : page.index("</section>", page.index('data-testid="completeness"'))
    ]
    assert checklist.count("<li") == 5
    assert checklist.count("data-missing") == 4
    assert f'for="entry-{thinner.id}"' in checklist, "what the file has can be chosen from the list"
    assert "Glucose, within a day" in checklist
    assert (await post(f"{path}/submission", **whole(cast))).status == 303
