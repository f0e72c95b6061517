"""How figures are told: times people wait, and what each figure means."""

from datetime import timedelta
from typing import Final

from web.call_words import length_in_words
from web.i18n import ngettext
from web.rendering import format_number

DAYS_FROM: Final = timedelta(days=2)
"""From here on hours say less than days."""


def wait_in_words(seconds: float | None) -> str:
    """`40 s`, `12 min`, `5 h 10 min`, `3 days`; a dash where nobody waited."""
    if seconds is None:
        return "–"
    wait = timedelta(seconds=seconds)
    if wait < DAYS_FROM:
        return length_in_words(wait)
    days = round(wait / timedelta(days=1))
    return ngettext("%(days)s day", "%(days)s days", days, days=format_number(days))
