"""Templates and phrases: one's own and those of the establishment, what they may say, who changes them."""

import uuid
from dataclasses import replace

import pytest
from sqlalchemy import select

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import Specialty
from teleconsult.errors import Invalid, NotFound
from teleconsult.notes.phrasing import (
    PhraseText,
    TemplateText,
    add_phrase,
    add_template,
    change_phrase,
    change_template,
    phrases_at_hand,
    put_below,
    remove_phrase,
    remove_template,
    template_for,
    templates_at_hand,
)
from tests import note_steps
from tests.people import Cast

EVERYDAY = TemplateText("Every day", None, {"plan": "See again."})


async def test_one_s_own_and_those_of_the_house_are_at_hand(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions, cast.specialist) as session:
        mine, _phrase = await note_steps.phrasing(session, cast.specialist)
        ours = await add_template(session, cast.specialist, written=EVERYDAY, is_shared=True)
        await add_phrase(session, cast.specialist, written=PhraseText("nl", "All is well."), is_shared=True)
        assert [one.id for one in await templates_at_hand(session, cast.specialist)] == [ours.id, mine.id]
        for specialty, found in (("neurology", [ours.id, mine.id]), ("trauma", [ours.id])):
            at_hand = await templates_at_hand(session, cast.specialist, specialty=specialty)
            assert [one.id for one in at_hand] == found
        phrases = [(one.shortcut, one.text) for one in await phrases_at_hand(session, cast.specialist)]
        assert phrases == [("nl", "Neurology: normal."), ("nl", "All is well.")], "one's own comes first"
    async with transaction(sessions, cast.oncall) as session:
        assert [one.id for one in await templates_at_hand(session, cast.oncall)] == [ours.id]
        await change_template(session, cast.oncall, template_id=ours.id, written=replace(EVERYDAY, name="Each day"))
        with pytest.raises(NotFound):
            await template_for(session, cast.oncall, mine.id)
    for outside in (cast.rural, cast.coordinator, cast.admin, cast.stranger):
        async with transaction(sessions, outside) as session:
            assert not await templates_at_hand(session, outside)
            assert not await phrases_at_hand(session, outside)
            with pytest.raises(NotFound):
                await template_for(session, outside, ours.id)
            with pytest.raises(NotFound):
                await add_template(session, outside, written=EVERYDAY, is_shared=False)


async def test_they_are_changed_and_thrown_away_by_who_has_them(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions, cast.specialist) as session:
        template, phrase = await note_steps.phrasing(session, cast.specialist)
    for act in (remove_template, change_template):
        async with transaction(sessions, cast.oncall) as session:
            with pytest.raises(NotFound):
                await act(session, cast.oncall, template_id=template.id, **_written(act, EVERYDAY))
    async with transaction(sessions, cast.specialist) as session:
        changed = await change_template(session, cast.specialist, template_id=template.id, written=EVERYDAY)
        assert (changed.name, changed.specialty, changed.sections["findings"]) == ("Every day", None, "")
        again = await change_phrase(
            session, cast.specialist, phrase_id=phrase.id, written=PhraseText("nl", "Nothing new.")
        )
        assert again.text == "Nothing new."
        await remove_template(session, cast.specialist, template_id=template.id)
        await remove_phrase(session, cast.specialist, phrase_id=phrase.id)
        for remove, name in ((remove_template, "template_id"), (remove_phrase, "phrase_id")):
            with pytest.raises(NotFound):
                await remove(session, cast.specialist, **{name: uuid.uuid4()})
        assert not await templates_at_hand(session, cast.specialist)
    async with sessions() as session:
        acts = list(await session.scalars(select(AuditEvent.action).where(AuditEvent.action.startswith("note-"))))
    saved = ["note-template-saved", "note-phrase-saved"]
    assert sorted(acts) == sorted([*saved, *saved, "note-template-removed", "note-phrase-removed"])


def _written(act: object, text: TemplateText) -> dict[str, TemplateText]:
    return {} if act is remove_template else {"written": text}


async def test_what_cannot_be_kept_is_named(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions, cast.specialist) as session:
        for written, fields in (
            (TemplateText(" ", None, {"plan": "x"}), {"name"}),
            (TemplateText("x" * 81, Specialty.TRAUMA, {"plan": " "}), {"name", "opinion"}),
            (TemplateText("Long", None, {"plan": "x" * 10_001}), {"plan"}),
        ):
            with pytest.raises(Invalid) as caught:
                await add_template(session, cast.specialist, written=written, is_shared=False)
            assert set(caught.value.fields) == fields
        await add_phrase(session, cast.specialist, written=PhraseText("nl", "Normal."), is_shared=False)
        for phrase, fields in (
            (PhraseText("two words", "x"), {"shortcut"}),
            (PhraseText("", " "), {"shortcut", "text"}),
            (PhraseText("a", "x" * 2_001), {"text"}),
            (PhraseText(".NL", "Taken."), {"shortcut"}),
        ):
            with pytest.raises(Invalid) as caught:
                await add_phrase(session, cast.specialist, written=phrase, is_shared=False)
            assert set(caught.value.fields) == fields


def test_what_is_put_in_stands_below_and_is_said_once() -> None:
    assert put_below("", "  Rest. ") == "Rest."
    assert put_below("Walks.\n\n", "Rest.") == "Walks.\nRest."
    assert put_below("Walks.\nRest.", "Rest.") == "Walks.\nRest."
    assert put_below("Walks.", " ") == "Walks."
