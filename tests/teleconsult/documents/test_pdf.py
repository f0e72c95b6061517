"""The printed note: PDF/A-1b in three languages, the same bytes each time, closed to the world outside."""

import subprocess
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest

from teleconsult.documents.pdf import NoFetcher, note_html, render_note
from teleconsult.documents.words import NOTE_WORDS
from teleconsult.notes.content import SECTIONS, NoteContent, PatientIdentity
from tests import judges, note_steps
from tests.teleconsult.notes.test_signature import signed

LANGUAGES = sorted(NOTE_WORDS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_says_everything_in_its_language(language: str) -> None:
    note = note_steps.content(language)
    html = note_html(note, is_signed=True)
    for words in (note.patient.name, note.author.name, note.requester.organization, note.document_oid, "1004", "Repos"):
        assert words in html
    assert "&lt; 1 mois &amp; fièvre" in html
    assert NOTE_WORDS[language].title in html
    assert NOTE_WORDS[language].findings not in html  # nothing was written there
    assert "%(" not in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_prints_each_section_under_its_heading(language: str) -> None:
    html = note_html(note_steps.content(language, {name: f"Words of {name}" for name in SECTIONS}), is_signed=True)
    places = [html.index(f"<h2>{getattr(NOTE_WORDS[language], name)}</h2>") for name in SECTIONS]
    assert places == sorted(places)
    assert all(f"Words of {name}" in html for name in SECTIONS)


def test_times_are_in_the_houses_zone() -> None:
    html = note_html(note_steps.content("en"), is_signed=True)
    assert "09:03:22 (Toronto, UTC-05:00)" in html
    assert "from 08:30 to 08:55" in html


def test_a_temporary_identity_is_marked() -> None:
    unknown = PatientIdentity("x", "INCONNU 7", None, "unknown", "T-7", is_temporary=True)
    html = note_html(replace(note_steps.content("fr"), patient=unknown), is_signed=True)
    assert NOTE_WORDS["fr"].provisional in html
    assert NOTE_WORDS["fr"].unknown_birth_date in html


def test_a_draft_says_so_and_claims_no_signature() -> None:
    html = note_html(note_steps.content("en"), is_signed=False)
    assert NOTE_WORDS["en"].draft in html
    assert NOTE_WORDS["en"].signed_by not in html


def test_the_same_content_gives_the_same_bytes() -> None:
    note = note_steps.content("vi")
    first = render_note(note, is_signed=True)
    assert render_note(NoteContent.from_bytes(note.to_bytes()), is_signed=True) == first
    assert render_note(replace(note, question="?"), is_signed=True) != first


def test_vietnamese_is_printed_with_letters_of_its_own() -> None:
    note = note_steps.content("vi", {"findings": "", "opinion": "Ẵ ặ ỡ ữ ệ Đ đ ợ ẩ", "plan": ""})
    with pikepdf.open(BytesIO(render_note(note, is_signed=True))) as document:
        fonts = document.pages[0].Resources.Font
        assert len(fonts) >= 1
        for font in fonts.values():
            assert "/FontFile2" in font.DescendantFonts[0].FontDescriptor


def test_markup_in_a_text_is_text_and_fetches_nothing() -> None:
    hostile = '<img src="file:///etc/passwd"><script>x</script>{{ 7*7 }}'
    html = note_html(note_steps.content("en", {"opinion": hostile, "findings": "", "plan": ""}), is_signed=True)
    assert "<img" not in html
    assert "&lt;script&gt;" in html
    assert "49" not in html.split("</h1>")[1].split("prose")[2]
    for address in ("file:///etc/passwd", "http://127.0.0.1/", "data:text/plain,x"):
        with pytest.raises(ValueError, match="may not fetch"):
            NoFetcher().fetch(address)


def test_the_signature_field_lies_over_the_signing_block() -> None:
    with pikepdf.open(BytesIO(render_note(note_steps.content(), is_signed=True))) as document:
        (field,) = document.Root.AcroForm.Fields
        assert (str(field.T), str(field.FT)) == ("Signature", "/Sig")
        left, bottom, right, top = (float(edge) for edge in field.Rect)
        assert right - left > 150
        assert top - bottom > 30
        assert "/N" in field.AP


@judges.asks_archive
def test_others_call_it_an_archive_file(tmp_path: Path) -> None:
    paths = [tmp_path / "signed.pdf", *(tmp_path / f"{language}.pdf" for language in LANGUAGES)]
    paths[0].write_bytes(signed())
    for path, language in zip(paths[1:], LANGUAGES, strict=True):
        path.write_bytes(render_note(note_steps.content(language), is_signed=True))
    judge = judges.FOLDER / "preflight.sh"
    verdict = subprocess.run([judge, *paths], capture_output=True, text=True, check=False)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    assert verdict.stdout.count("PDF/A-1b true") == len(paths)


@pytest.mark.parametrize(("language", "told"), [("en", "1 image"), ("fr", "1 image"), ("vi", "1 ảnh")])
def test_one_image_is_one(language: str, told: str) -> None:
    note = note_steps.content(language)
    html = note_html(replace(note, images=(replace(note.images[0], images=1),)), is_signed=True)
    assert f"· {told} <" in html
