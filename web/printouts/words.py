"""Moments, entries and who takes them out, as a printout says them: in the reader's language, on the reader's clock."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from teleconsult.accounts import Actor
from teleconsult.documents.printout import Item, Part, Printout, Value
from teleconsult.excerpts.models import ExcerptItem
from teleconsult.exports.asking import Wish
from teleconsult.patients.models import IdentifierStatus, PatientIdentifier
from teleconsult.records.kinds import KIND_OF
from teleconsult.records.measures import Measure
from teleconsult.records.models import EntryStatus, RecordEntry, ResourceType
from teleconsult.records.reading import Reading, read
from web.i18n import babel_locale
from web.i18n import gettext as _
from web.record_words import came_by, followed, line_text
from web.rendering import city, format_date, format_number, format_time
from web.words import label


def moment_in_words(moment: datetime, zone: str) -> str:
    """The day, then the hour and minute, on the clock of `zone`."""
    return f"{format_date(moment, zone=zone)} {format_time(moment, zone=zone)}"


def entry_item(entry: RecordEntry, zone: str) -> Item:
    """An entry as it stands, with who wrote it and how it came; one that was an error says so and why."""
    wrong = entry.status is EntryStatus.ENTERED_IN_ERROR
    reason = entry.status_reason or _("No reason was given.")
    source = _("%(author)s, %(establishment)s", author=entry.author_name, establishment=entry.organization.name)
    changed = entry.version > 1 and not wrong and entry.resource_type is not ResourceType.IMAGING_STUDY
    changed = changed and entry.source_id is None  # a signed note tells what follows it, not that its evidence came
    said = (
        source,
        followed(entry.resource),
        came_by(entry),
        _("changed on %(date)s", date=format_date(entry.recorded_at, zone=zone)) if changed else "",
    )
    return replace(
        _item(entry.title, moment_in_words(entry.effective_at, zone), read(entry.resource)),
        source=" · ".join(part for part in said if part),
        struck=_("Entered in error: %(reason)s", reason=reason) if wrong else "",
    )


def frozen_item(item: ExcerptItem, zone: str) -> Item:
    """An entry of an excerpt as it was shared."""
    source = _("%(author)s, %(establishment)s", author=item.author_name, establishment=item.organization_name)
    found = _item(item.title, moment_in_words(item.effective_at, zone), read(item.resource))
    return replace(found, source=source)


def of_kind(item: Item, resource_type: ResourceType) -> Item:
    """The same, saying first what kind of entry it is, where no heading does: an allergy is no medicine."""
    return replace(item, badges=(label(KIND_OF[resource_type]), *item.badges))


def printout(actor: Actor, *, title: str, subtitle: str, foot: str, wish: Wish, at: datetime, **said: Any) -> Printout:
    """What every printout says of itself, around what it is about."""
    zone = actor.time_zone
    why = " · ".join(part for part in (label(wish.reason), wish.words) if part)
    return Printout(
        language=actor_language(),
        house=actor.organization_name,
        title=title,
        subtitle=subtitle,
        foot=foot,
        printed=(
            _(
                "Printed by %(name)s on %(moment)s (time of %(city)s)",
                name=actor.name,
                moment=moment_in_words(at, zone),
                city=city(zone),
            ),
            _("Reason: %(reason)s", reason=why),
        ),
        warnings=(_("A copy as of the moment it was printed. What was written or corrected since is not in it."),),
        page_of=_("Page %(page)s of %(pages)s", page="%(page)s", pages="%(pages)s"),
        **said,
    )


def actor_language() -> str:
    """The language the words are in."""
    return str(babel_locale().language)


def left_out(titles: tuple[str, ...]) -> Part | None:
    """What a FHIR document could not carry; nothing where it carries all."""
    if not titles:
        return None
    return Part(
        _("Left out"),
        remarks=(
            _("These attachments are too large for this document, or cannot be read now. They are in the file itself."),
        ),
        items=tuple(Item(title) for title in titles),
    )


def dated(day: date | None, year: int | None = None) -> str:
    """A day, or the year where no more is known; that it is not known where it is none."""
    return format_date(day) if day else str(year or _("Unknown"))


def numbers_in_words(identifiers: Sequence[PatientIdentifier]) -> str:
    """The numbers authorities gave that still stand."""
    return ", ".join(one.value for one in identifiers if one.status is not IdentifierStatus.WITHDRAWN)


def _item(title: str, when: str, reading: Reading) -> Item:
    badges = ((_("High risk"),) if reading.is_urgent else ()) + ((_("Past"),) if reading.is_over else ())
    return Item(
        title=title,
        when=when,
        badges=badges,
        lines=tuple((label(line.label), line_text(line)) for line in reading.lines if line.text != title),
        values=tuple(_value(measure) for measure in reading.measures),
        text=reading.text,
    )


def _value(measure: Measure) -> Value:
    outside = measure.is_out_of_range and measure.flag is not None
    return Value(
        name=measure.name,
        value=f"{measure.comparator}{_number(measure.value)} {measure.unit}".strip(),
        reference=_range(measure),
        assessment=label(measure.flag) if outside and measure.flag is not None else "",
    )


def _range(measure: Measure) -> str:
    if measure.range_text:
        return measure.range_text
    if measure.low is not None and measure.high is not None:
        return f"{_number(measure.low)}–{_number(measure.high)}"
    if measure.low is not None:
        return f"≥ {_number(measure.low)}"
    return f"≤ {_number(measure.high)}" if measure.high is not None else ""


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else format_number(value)
