"""A patient's file in words: for the page that is printed, and for the sections of a FHIR document."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from teleconsult.accounts import Actor
from teleconsult.clock import on_clock
from teleconsult.documents.printout import Part, Printout
from teleconsult.excerpts.choosing import by_kind
from teleconsult.exports.asking import Wish
from teleconsult.exports.files import LeavingFile
from teleconsult.records.kinds import EntryKind
from teleconsult.records.models import RecordEntry
from teleconsult.records.narrowing import Narrowing
from web.i18n import gettext as _
from web.printouts.words import dated, entry_item, numbers_in_words, of_kind, printout
from web.rendering import format_date, zone_of
from web.words import label


def file_printout(leaving: LeavingFile, actor: Actor, *, only: Narrowing, wish: Wish, at: datetime) -> Printout:
    """Identity, what must not be overlooked, then the entries under their months, latest first."""
    patient = leaving.file.patient
    return printout(
        actor,
        title=_("Patient’s file"),
        subtitle=narrowed_in_words(only, actor.time_zone),
        foot=" · ".join(
            (
                patient.name,
                dated(patient.birth_date, patient.birth_year),
                _("No. %(number)s", number=patient.local_number),
            )
        ),
        wish=wish,
        at=at,
        identity=_identity(leaving),
        parts=(*summed_up(leaving, actor.time_zone), *_by_month(leaving.entries, actor.time_zone)),
    )


def summed_up(leaving: LeavingFile, zone: str) -> tuple[Part, Part, Part]:
    """Allergies, problems and medicines as they stand now, whatever period was chosen."""
    summary = leaving.summary
    return (
        _part(_("Allergies"), summary.allergies, zone, _("No allergy is known to the file.")),
        _part(_("Current problems"), summary.problems, zone, _("No current problem is recorded.")),
        _part(_("Current medicines"), summary.medicines, zone, _("No current medicine is recorded.")),
    )


def parts_by_kind(leaving: LeavingFile, zone: str) -> Mapping[EntryKind, Part]:
    """The entries under their kinds."""
    return {kind: _part(label(kind), entries, zone, "") for kind, entries in by_kind(leaving.entries).items()}


def narrowed_in_words(only: Narrowing, zone: str) -> str:
    """Which part of the file it is."""
    since = format_date(only.since, zone=zone) if only.since else _("the beginning")
    until = format_date(only.before - timedelta(seconds=1), zone=zone) if only.before else _("today")
    period = _("From %(since)s until %(until)s", since=since, until=until) if only.since or only.before else ""
    kinds = ", ".join(label(kind) for kind in EntryKind if kind in only.kinds)
    return " · ".join(part for part in (period, kinds) if part) or _("The whole file")


def _part(heading: str, entries: Sequence[RecordEntry], zone: str, empty: str) -> Part:
    return Part(heading, items=tuple(entry_item(entry, zone) for entry in entries), empty=empty)


def _by_month(entries: Sequence[RecordEntry], zone: str) -> tuple[Part, ...]:
    clock = zone_of(zone)
    months = groupby(entries, key=lambda entry: on_clock(entry.effective_at, clock).date().replace(day=1))
    parts = tuple(
        Part(
            format_date(month, "month"),
            items=tuple(of_kind(entry_item(entry, zone), entry.resource_type) for entry in found),
        )
        for month, found in months
    )
    return parts or (Part(_("File"), empty=_("Nothing in the file fits")),)


def _identity(leaving: LeavingFile) -> tuple[tuple[str, str], ...]:
    patient = leaving.file.patient
    elsewhere = [f"{other.organization.name}: {other.local_number}" for other in leaving.file.linked[1:]]
    rows = (
        (_("Name"), patient.name),
        (_("Name used"), patient.used_name.upper()),
        (_("Temporary identity"), _("Not yet confirmed") if patient.is_temporary else ""),
        (_("Birth date"), f"{dated(patient.birth_date, patient.birth_year)} · {label(patient.gender)}"),
        (_("File number"), f"{patient.local_number} ({patient.organization.name})"),
        (_("Known elsewhere as"), ", ".join(elsewhere)),
        (_("Insurance number"), numbers_in_words(leaving.identifiers)),
        (_("Telephone"), patient.phone),
        (_("Address"), patient.address),
    )
    return tuple((name, text) for name, text in rows if text.strip())
