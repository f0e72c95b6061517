"""A consult note as PDF/A-1b (ISO 19005-1), ready to be signed: a pure function of what the note says."""

import base64
import hashlib
import logging
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import segno
from babel.dates import format_date, format_time, get_timezone_location
from markupsafe import Markup
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from teleconsult.documents.archival import make_archival
from teleconsult.documents.pictures import shown_images
from teleconsult.documents.templating import note_templates
from teleconsult.documents.words import NOTE_WORDS, NoteWords
from teleconsult.notes.content import NoteContent, Relation

SIGNATURE_ANCHOR: Final = "signature"
PICTURE: Final = "data:image/jpeg;base64,"

logging.getLogger("weasyprint").setLevel(logging.ERROR)


class NoFetcher(URLFetcher):  # type: ignore[misc]  # WeasyPrint carries no types
    """A document is complete in itself: nothing is fetched from the network or the disk while it is made."""

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        """Refuse every address."""
        raise ValueError(f"A document may not fetch {url[:80]}")


class OwnPictures(NoFetcher):
    """The same, but for pictures that stand in the document itself."""

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        """Read a picture out of its address; refuse every other."""
        if not url.startswith(PICTURE):
            return super().fetch(url, headers)
        return URLFetcherResponse(url, base64.b64decode(url.removeprefix(PICTURE)), {"Content-Type": "image/jpeg"})


def render_note(note: NoteContent, *, is_signed: bool) -> bytes:
    """The note as PDF/A-1b, with an empty signature field named `Signature` over the signing block.

    The same content gives the same bytes. A rendering with `is_signed` false says on every page that it is a draft.
    Takes about 0.3 s of CPU: call it outside the event loop.
    """
    words = NOTE_WORDS[note.language]
    html = note_html(note, is_signed=is_signed)
    document = HTML(string=html, url_fetcher=OwnPictures()).render(
        stylesheets=[CSS(string=_source("note.css"), font_config=_fonts(), url_fetcher=NoFetcher())],
        font_config=_fonts(),
        pdf_variant="pdf/a-1b",
    )
    rendered: bytes = document.write_pdf(
        pdf_variant="pdf/a-1b",
        pdf_identifier=hashlib.sha256(note.to_bytes()).digest()[:16],
        finisher=make_archival(
            title=f"{words.title} – {note.patient.name}",
            author=note.author.name,
            created=note.written_at.astimezone(UTC),
            signature_anchor=SIGNATURE_ANCHOR,
        ),
    )
    return rendered


def note_html(note: NoteContent, *, is_signed: bool) -> str:
    """The page that is printed, before it is laid out."""
    words = NOTE_WORDS[note.language]
    return (
        note_templates()
        .get_template("note.html.jinja")
        .render(
            note=note,
            words=words,
            is_signed=is_signed,
            birth=_birth(note, words),
            written_on=_day(note, words, note.written_at),
            asked_on=words.asked_on % {"date": _day(note, words, note.asked_at)},
            signed_on=words.signed_on % {"moment": _moment(note, words, note.written_at)},
            session=_session(note, words),
            meeting=_meeting(note, words),
            relation=_relation(note, words),
            scannable=_scannable(note.verify_link) if is_signed and note.verify_code else "",
            sections=[(getattr(words, name), text) for name, text in note.written_sections()],
            images=[
                (
                    study,
                    study.taken_on and format_date(study.taken_on, "long", locale=words.locale),
                    words.one_image if study.images == 1 else words.image_count % {"n": study.images},
                )
                for study in note.images
            ],
            key_images=shown_images(note.key_images, note.language),
            page_of=Markup(words.page_of)  # noqa: S704 -- the words are our own
            % {"page": Markup('<span class="page"></span>'), "pages": Markup('<span class="pages"></span>')},
        )
    )


def _relation(note: NoteContent, words: NoteWords) -> str:
    """What the note is to an earlier one; empty where it is the first."""
    if note.related_at is None:
        return ""
    sentence = words.replaces if note.relation is Relation.REPLACES else words.appends
    return sentence % {"date": _day(note, words, note.related_at), "id": note.related_oid}


def _scannable(address: str) -> Markup:
    """The address as a QR code (ISO/IEC 18004): lines of an SVG, which a PDF/A holds without transparency."""
    drawn: str = segno.make_qr(address, error="m").svg_inline(border=4, omitsize=True, svgclass="scannable")
    return Markup(drawn)  # noqa: S704 -- drawn from bits, not from text


def _birth(note: NoteContent, words: NoteWords) -> str:
    if note.patient.birth_date is None:
        return words.unknown_birth_date
    return words.born_on % {"date": format_date(note.patient.birth_date, "long", locale=words.locale)}


def _session(note: NoteContent, words: NoteWords) -> str:
    if note.session_started_at is None:
        return words.written_advice
    if note.session_ended_at is None:
        return words.session
    return words.session_times % {
        "day": _day(note, words, note.session_started_at),
        "start": _clock(note, words, note.session_started_at),
        "end": _clock(note, words, note.session_ended_at),
    }


def _meeting(note: NoteContent, words: NoteWords) -> str:
    """When the team met, who was there, and whether they were enough; empty where it was one person's advice."""
    if (meeting := note.meeting) is None:
        return ""
    names = [
        f"{member.name} ({words.specialties[member.specialty]})" if member.specialty else member.name
        for member in meeting.members_present
    ]
    moment = f"{_day(note, words, meeting.discussed_at)}, {_clock(note, words, meeting.discussed_at)}"
    reached = words.quorum_reached if meeting.has_quorum else words.quorum_missed
    return "\n".join(
        (
            f"{meeting.title}, {moment}",
            words.members_present % {"names": ", ".join(names) or "–"},
            reached % {"n": meeting.members_needed},
        )
    )


def _day(note: NoteContent, words: NoteWords, moment: datetime) -> str:
    return format_date(moment.astimezone(ZoneInfo(note.zone)), "long", locale=words.locale)


def _clock(note: NoteContent, words: NoteWords, moment: datetime) -> str:
    return format_time(moment, "short", tzinfo=ZoneInfo(note.zone), locale=words.locale)


def _moment(note: NoteContent, words: NoteWords, moment: datetime) -> str:
    """Day, time to the second, the zone by its city and its distance from UTC."""
    local = moment.astimezone(ZoneInfo(note.zone))
    time = format_time(local, "medium", locale=words.locale)
    city = get_timezone_location(note.zone, locale=words.locale, return_city=True)
    return f"{_day(note, words, moment)}, {time} ({city}, UTC{local.isoformat()[-6:]})"


def _source(name: str) -> str:
    environment = note_templates()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


@cache
def _fonts() -> Any:
    return FontConfiguration()
