"""What the specialist will see, on a page of its own before anything is sent."""

import re
from datetime import timedelta

from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import func, select, update

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.excerpts.models import Excerpt
from teleconsult.records.models import EntryStatus, RecordEntry
from tests import consult_steps
from tests.conftest import Post, SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]


def excerpt_in(page: str) -> str:
    """The excerpt as the page shows it, without the hour at which it was frozen."""
    found = re.search(r'<section class="card" data-testid="excerpt-view">.*?</section>\s*(?=<|$)', page, re.DOTALL)
    assert found
    return re.sub(r"As the file stood on [^<]*", "", found[0])


async def test_it_saves_first_and_shows_what_the_specialist_then_sees(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    noon = (now() - timedelta(days=1)).replace(hour=12)  # the same day for both, each in their own zone
    chosen = await consult_steps.entry(cast, sessions, "Seizure", at=noon)
    await consult_steps.entry(cast, sessions, "Gout")
    draft = await consult_steps.drafted(cast, sessions)
    path = f"/consults/{draft.id}"
    await signed_in("rural")
    whole = {
        "service": str(cast.neurology.id),
        "urgency": "urgent",
        "question": "Is it epilepsy?",
        "entries": str(chosen.id),
        "basis": "patient",
        "consent": "yes",
    }
    answer = await post(f"{path}/draft", **whole, then="preview")
    assert (answer.status, answer.headers["Location"]) == (303, f"{path}/preview")
    preview = await (await client.get(f"{path}/preview")).text()
    assert "This is what the specialist will see. Nothing is sent yet." in preview
    assert "Is it epilepsy?" in preview
    assert "Seizure" in preview
    assert "Gout" not in preview
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(Excerpt)) == 0
    assert (await post(f"{path}/submission", **whole)).status == 303
    await signed_in("specialist")
    seen = await (await client.get(path)).text()
    assert excerpt_in(seen) == excerpt_in(preview)


async def test_for_nobody_else_and_only_before_it_is_sent(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    for who in ("colleague", "coordinator", "specialist", "stranger"):
        await signed_in(who)
        assert (await client.get(f"/consults/{draft.id}/preview")).status == 404, who
    sent = await consult_steps.submitted(cast, sessions)
    for who, status in (("rural", 409), ("specialist", 404), ("stranger", 404)):
        await signed_in(who)
        assert (await client.get(f"/consults/{sent.id}/preview")).status == status, who


async def test_an_entry_that_fell_out_leads_back_to_the_list(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    await consult_steps.entry(cast, sessions)
    draft = await consult_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        wrong = {"status": EntryStatus.ENTERED_IN_ERROR, "version": 2}
        await session.execute(update(RecordEntry).values(**wrong))
    await signed_in("rural")
    answer = await client.get(f"/consults/{draft.id}/preview")
    assert str(answer.url).endswith(f"/consults/{draft.id}")
    assert "no longer in the file" in await answer.text()
