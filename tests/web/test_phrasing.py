"""Templates and phrases on their page, and put into a note without a script; earlier words on theirs."""

import re

from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.notes.models import Composition
from teleconsult.notes.writing_models import NotePhrase, NoteTemplate
from tests import note_steps
from tests.conftest import Post, SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]


async def test_they_are_kept_changed_and_thrown_away(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    await signed_in("specialist")
    bad = await post("/note-templates", name="", plan="Rest", specialty="neurology")
    assert bad.status == 422
    assert "Give it a name" in await bad.text()
    assert (await post("/note-templates", name="Headache", plan="Rest", specialty="magic")).status == 422
    kept = {"name": "Headache", "plan": "Rest <b>", "specialty": "neurology", "for": "everybody"}
    assert (await post("/note-templates", **kept)).status == 303
    assert (await post("/note-phrases", shortcut="NL", text="Normal.")).status == 303
    taken = await post("/note-phrases", shortcut="nl", text="Taken.")
    assert taken.status == 422
    assert "this shortcut already" in await taken.text()
    async with transaction(sessions) as session:
        template = (await session.scalars(select(NoteTemplate))).one()
        phrase = (await session.scalars(select(NotePhrase))).one()
    assert (template.practitioner_role_id, phrase.practitioner_role_id) == (None, cast.specialist.role_id)
    page = await (await client.get("/phrasing")).text()
    assert "Headache" in page
    assert ".nl" in page
    assert "Rest &lt;b&gt;" in await (await client.get(f"/note-templates/{template.id}")).text()
    assert (await post(f"/note-templates/{template.id}", name="", plan="x")).status == 422
    assert (await post(f"/note-templates/{template.id}", name="Migraine", plan="Rest")).status == 303
    assert (await post(f"/note-phrases/{phrase.id}", shortcut="nl", text=" ")).status == 422
    assert (await post(f"/note-phrases/{phrase.id}", shortcut="nl", text="All well.")).status == 303
    page = await (await client.get("/phrasing")).text()
    assert "Migraine" in page
    assert "All well." in page
    for path in (f"/note-templates/{template.id}/removal", f"/note-phrases/{phrase.id}/removal"):
        assert (await post(path)).status == 303
        assert (await post(path)).status == 404


async def test_what_is_put_in_never_overwrites(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    draft = await note_steps.drafted(cast, sessions)
    async with transaction(sessions, cast.specialist) as session:
        template, phrase = await note_steps.phrasing(session, cast.specialist)
    await signed_in("specialist")
    page = await (await client.get(f"/notes/{draft.note.id}")).text()
    assert f'name="template" value="{template.id}"' in page
    assert f'name="phrase" value="{phrase.text}"' in page
    line = re.findall(r'name="line" value="([^"]+)"', page)[0]
    path = f"/notes/{draft.note.id}/draft"
    assert (await post(path, version="2", opinion="Mine.", template=str(template.id))).status == 303
    assert (await post(path, version="3", opinion="Mine.\nPrimary headache.", phrase=phrase.text)).status == 303
    assert (await post(path, version="4", findings="Onset: today", line=line)).status == 303
    async with transaction(sessions) as session:
        note = await session.get_one(Composition, draft.note.id)
    assert note.sections["opinion"] == "Mine.\nPrimary headache.\nNeurology: normal."
    assert note.sections["findings"] == f"Onset: today\n{line}"
    assert (await post(path, version="5", template="nonsense")).status == 404

    page = await (await client.get(f"/notes/{draft.note.id}/earlier")).text()
    assert note_steps.OPINION in page, "each thing put in was a turn"
    frame = await (await client.get(f"/notes/{draft.note.id}/earlier", headers={"Turbo-Frame": "note"})).text()
    assert "<html" not in frame
    for fields, status in (({"version": "5"}, 422), ({"earlier": "2", "version": "4"}, 409)):
        assert (await post(f"/notes/{draft.note.id}/earlier", **fields)).status == status
    assert (await post(f"/notes/{draft.note.id}/earlier", earlier="2", version="5")).status == 303
    async with transaction(sessions) as session:
        assert (await session.get_one(Composition, draft.note.id)).sections["opinion"] == note_steps.OPINION
    await signed_in("rural")
    for address in (f"/notes/{draft.note.id}/earlier", "/phrasing", f"/note-templates/{template.id}"):
        assert (await client.get(address)).status == 404


async def test_each_author_has_a_secret_of_their_own_for_each_draft(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    first, second = await note_steps.drafted(cast, sessions), await note_steps.drafted(cast, sessions)
    await signed_in("specialist")
    secrets = set()
    for draft in (first, first, second):
        page = await (await client.get(f"/notes/{draft.note.id}")).text()
        secrets.add(page.split('data-keeping-secret-value="')[1].split('"')[0])
    assert len(secrets) == 2
    assert all(len(secret) == 44 for secret in secrets)


async def test_dictation_is_off_until_an_administrator_allows_it(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    draft = await note_steps.drafted(cast, sessions)
    for is_allowed in (False, True, False):
        await signed_in("admin")
        assert (await post("/admin/dictation", allowed="yes" if is_allowed else "")).status == 303
        await signed_in("specialist")
        page = await (await client.get(f"/notes/{draft.note.id}")).text()
        assert ("dictation#toggle" in page) is is_allowed
        assert ("the maker of this browser may hear" in page) is is_allowed
        assert (await post("/admin/dictation", allowed="yes")).status == 404
    async with transaction(sessions) as session:
        acts = list(await session.scalars(select(AuditEvent.action).where(AuditEvent.action.startswith("dictation-"))))
    assert acts == ["dictation-allowed", "dictation-ended"]
