"""What the author is shown is what is signed: the same bytes, or a clear refusal."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from teleconsult.accounts.actor import Actor
from teleconsult.accounts.stepping_up import Proof
from teleconsult.db import transaction
from teleconsult.errors import Conflict, NotFound, Refused
from teleconsult.notes.drafting import save_draft
from teleconsult.notes.evidence import current_pdf
from teleconsult.notes.models import Composition
from teleconsult.notes.showing import Shown, show_rendering, shown_pdf
from teleconsult.notes.signing import Signing, content_to_sign, sign_note
from tests import note_steps
from tests.people import PASSWORD, Cast


async def show(signing: Signing, actor: Actor, note: Composition) -> Shown:
    async with transaction(signing.sessions, actor) as session:
        content = await content_to_sign(session, actor, signing.settings, note_id=note.id)
    return await show_rendering(signing, actor, content)


async def sign(signing: Signing, actor: Actor, note: Composition, *, shown: str) -> Composition:
    proof = Proof(password=PASSWORD)
    return await sign_note(
        signing, actor, note_id=note.id, version=note.version, proof=proof, address="192.0.2.1", shown=shown
    )


async def test_the_shown_bytes_are_signed_and_then_not_kept(cast: Cast, signing: Signing) -> None:
    draft = await note_steps.drafted(cast, signing.sessions)
    seen = await show(signing, cast.specialist, draft.note)
    assert (await show(signing, cast.specialist, draft.note)).digest == seen.digest, "looked at twice, printed once"
    assert await shown_pdf(signing, cast.specialist, note_id=draft.note.id) == seen.pdf
    assert seen.digest == hashlib.sha256(seen.pdf).hexdigest()
    note = await sign(signing, cast.specialist, draft.note, shown=seen.digest)
    async with transaction(signing.sessions, cast.specialist) as session:
        newest = await current_pdf(session, note)
    assert (await signing.objects.get(newest.object_key)).startswith(seen.pdf), "the signature is added below"
    assert note.content == seen.content.to_bytes()
    assert note.shown_object_key is None
    with pytest.raises(NotFound):
        await shown_pdf(signing, cast.specialist, note_id=note.id)


async def test_one_that_was_signed_meanwhile_in_another_window_is_shown_no_more(cast: Cast, signing: Signing) -> None:
    draft = await note_steps.drafted(cast, signing.sessions)
    async with transaction(signing.sessions, cast.specialist) as session:
        content = await content_to_sign(session, cast.specialist, signing.settings, note_id=draft.note.id)
    await note_steps.sign(signing, cast.specialist, draft.note)
    with pytest.raises(Refused, match="already signed"):
        await show_rendering(signing, cast.specialist, content)


async def test_what_was_not_shown_is_not_signed(cast: Cast, signing: Signing) -> None:
    draft = await note_steps.drafted(cast, signing.sessions)
    seen = await show(signing, cast.specialist, draft.note)
    with pytest.raises(Conflict, match="changed since you saw it"):
        await sign(signing, cast.specialist, draft.note, shown="0" * 64)
    with pytest.raises(Conflict, match="Look at the note"):
        await sign(signing, cast.specialist, draft.note, shown="")
    async with transaction(signing.sessions, cast.specialist) as session:
        changed = await save_draft(
            session, cast.specialist, note_id=draft.note.id, version=2, sections={"plan": "Transfer"}
        )
    with pytest.raises(Conflict, match="changed since you saw it"):
        await sign(signing, cast.specialist, changed, shown=seen.digest)
    again = await show(signing, cast.specialist, changed)
    assert again.digest != seen.digest
    await sign(signing, cast.specialist, changed, shown=again.digest)


async def test_one_that_is_too_old_is_shown_anew(cast: Cast, signing: Signing) -> None:
    content = note_steps.content()
    shown = Shown(content, b"%PDF")
    assert Shown.from_bytes(shown.to_bytes()) == shown
    for minutes, is_still in ((0, True), (15, True), (16, False), (-1, False)):
        later = replace(content, written_at=content.written_at + timedelta(minutes=minutes))
        assert shown.is_still(later) is is_still
    assert not shown.is_still(replace(content, question="Else?"))


async def test_nobody_else_is_shown_it(cast: Cast, signing: Signing) -> None:
    draft = await note_steps.drafted(cast, signing.sessions)
    await show(signing, cast.specialist, draft.note)
    for actor in (cast.rural, cast.coordinator, cast.oncall, cast.stranger):
        with pytest.raises(NotFound):
            await shown_pdf(signing, actor, note_id=draft.note.id)
