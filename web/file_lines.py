"""Lines of a patient's file and of its images, each to be put into a note by one press: value, unit, day."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from teleconsult.documents.pictures import lines_of
from teleconsult.documents.words import NOTE_WORDS
from teleconsult.excerpts.models import ExcerptItem
from teleconsult.notes.measured import MeasuredOn
from teleconsult.records.kinds import EntryKind
from teleconsult.records.measures import Measure
from teleconsult.records.reading import read
from web.i18n import gettext as _
from web.i18n import using_locale
from web.record_words import line_text
from web.rendering import format_date, format_number
from web.words import label

SHOWN: Final = (EntryKind.ALLERGIES, EntryKind.MEDICINES, EntryKind.LABORATORY, EntryKind.PROBLEMS)
"""What is put into notes, what endangers first; the rest is prose, to be read where it stands."""
MOST: Final = 40
"""Lines of one kind."""
LONGEST: Final = 300


@dataclass(frozen=True, slots=True)
class Lines:
    """What of one kind can be put in."""

    heading: str
    lines: Sequence[str]


def lines_to_insert(
    entries: Mapping[EntryKind, Sequence[ExcerptItem]], measured: Sequence[MeasuredOn], *, language: str, zone: str
) -> list[Lines]:
    """In the language of the note, days as in that IANA zone, by kind, latest first; of each value the latest alone."""
    with using_locale(language):
        groups = [Lines(str(label(kind)), _first(_of_kind(entries.get(kind, ()), zone))) for kind in SHOWN]
        groups.append(Lines(_("Measured on the images"), _first(_measured(measured, language))))
    return [group for group in groups if group.lines]


def _first(lines: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(line[:LONGEST] for line in lines))[:MOST]


def _of_kind(items: Iterable[ExcerptItem], zone: str) -> Iterator[str]:
    seen: set[str] = set()
    for item in sorted(items, key=lambda one: one.effective_at, reverse=True):
        reading, day = read(item.resource), format_date(item.effective_at, "short", zone)
        if reading.is_over:
            continue
        for measure in reading.measures:
            if measure.name not in seen:
                seen.add(measure.name)
                yield _("%(what)s: %(value)s (%(day)s)", what=measure.name, value=_value(measure), day=day)
        if not reading.measures:
            details = " · ".join(line_text(line) for line in reading.lines if line.text != item.title)
            yield f"{item.title}{f' – {details}' if details else ''} ({day})"


def _value(measure: Measure) -> str:
    number = format_number(measure.value) if isinstance(measure.value, int | float) else measure.value
    told = " ".join(filter(None, (f"{measure.comparator}{number}", measure.unit)))
    return f"{told}, {label(measure.flag)}" if measure.is_out_of_range and measure.flag else told


def _measured(measured: Iterable[MeasuredOn], language: str) -> Iterator[str]:
    words = NOTE_WORDS[language]
    for one in measured:
        told = lines_of(one.mark, words)
        if told:
            study = " ".join(filter(None, (one.study, f"({day})" if (day := _day(one.study_date)) else "")))
            what = words.measures.get(one.mark.kind, one.mark.kind)
            yield " – ".join(filter(None, (f"{what} {', '.join(told)}", study)))


def _day(text: str) -> str:
    try:
        return format_date(date.fromisoformat(text), "short") if text else ""
    except ValueError:
        return ""
