"""The frozen content: written and read back the same, and only words that can be kept."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleconsult.errors import Invalid
from teleconsult.notes.content import SECTION_LIMIT, SECTIONS, NoteContent, clean_sections
from tests import note_steps


@pytest.mark.parametrize("language", ["fr", "en", "vi"])
def test_reads_back_what_was_written(language: str) -> None:
    content = note_steps.content(language)
    assert NoteContent.from_bytes(content.to_bytes()) == content


def test_what_was_signed_before_a_section_existed_reads_without_it() -> None:
    old = note_steps.content(sections={"plan": "Repos", "opinion": "Céphalée", "findings": " "})
    read = NoteContent.from_bytes(old.to_bytes())
    assert read.written_sections() == (("opinion", "Céphalée"), ("plan", "Repos"))
    new = note_steps.content(sections=dict.fromkeys(reversed(SECTIONS), "Words"))
    assert [name for name, _ in NoteContent.from_bytes(new.to_bytes()).written_sections()] == list(SECTIONS)


def test_is_canonical() -> None:
    written = note_steps.content().to_bytes()
    again = json.dumps(json.loads(written), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert written == again.encode()


@given(st.text(max_size=200))
def test_any_text_is_made_printable(text: str) -> None:
    cleaned = clean_sections({"opinion": text})["opinion"]
    cleaned.encode()
    assert "\0" not in cleaned
    assert "\r" not in cleaned
    assert clean_sections({"opinion": cleaned})["opinion"] == cleaned


def test_unknown_and_overlong_sections_are_named() -> None:
    with pytest.raises(Invalid) as caught:
        clean_sections({"secrets": "x", "plan": "x" * (SECTION_LIMIT + 1)})
    assert set(caught.value.fields) == {"", "plan"}
