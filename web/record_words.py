"""What the pages say of FHIR's codes and dates in a patient's file."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from babel import dates

from teleconsult.records.reading import CODED, Label, Line
from web.i18n import LazyString, babel_locale
from web.i18n import lazy_gettext as _

_CODES: Final[Mapping[str, LazyString]] = {
    "active": _("Active"),
    "completed": _("Completed"),
    "entered-in-error": _("Entered in error"),
    "high": _("High risk"),
    "inactive": _("Inactive"),
    "intended": _("Intended"),
    "low": _("Low risk"),
    "not-taken": _("Not taken"),
    "on-hold": _("On hold"),
    "recurrence": _("Recurrence"),
    "relapse": _("Relapse"),
    "remission": _("In remission"),
    "resolved": _("Resolved"),
    "stopped": _("Stopped"),
    "unable-to-assess": _("Risk unknown"),
    "unknown": _("Unknown"),
}
"""condition-clinical, allergyintolerance-clinical and -criticality, medication-statement-status (FHIR R4)."""
_DATE: Final = re.compile(r"\b(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?\b")


def line_text(line: Line) -> str:
    """The text of one detail: codes in words, dates as the reader writes them, the rest as it stands."""
    if line.label in CODED:
        return str(_CODES.get(line.text, line.text))
    if line.label is Label.PERIOD:
        return _period_in_words(line.text)
    if line.label is Label.ONSET:
        return dates_in_words(line.text)
    return line.text


def _period_in_words(text: str) -> str:
    """A period as `records.elements.period_text` writes it: `2024-03-01 → 2024-03-08`.

    An open end says no more than when it began: that it is over may stand elsewhere, or nowhere.
    """
    start, arrow, end = (part.strip() for part in text.partition("→"))
    start, end = dates_in_words(start), dates_in_words(end)
    if not end:
        return str(_("started %(start)s", start=start)) if arrow else start
    return f"{start or '…'} – {end}"


def dates_in_words(text: str) -> str:
    """The text with its FHIR dates as the reader writes them."""
    return _DATE.sub(_date_in_words, text)


def _date_in_words(match: re.Match[str]) -> str:
    """A FHIR date, which may stop at the year or the month (FHIR R4 §2.24.0.1)."""
    year, month, day = match.groups()
    try:
        found = date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return match[0]
    if month is None:
        return year
    skeleton = "yMMMd" if day else "yMMM"
    return str(dates.format_skeleton(skeleton, found, locale=babel_locale()))
