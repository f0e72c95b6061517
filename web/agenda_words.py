"""What the codes of hours, rooms and devices are called on a page, and whose public holidays there are."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from teleconsult.scheduling.hours_models import ExceptionKind, Repeat, ResourceKind
from teleconsult.scheduling.keeping_hours import holiday_codes
from web.i18n import LazyString, babel_locale
from web.i18n import lazy_gettext as _

AGENDA_LABELS: Final[Mapping[type[StrEnum], Mapping[StrEnum, LazyString]]] = {
    Repeat: {
        Repeat.WEEKLY: _("Every week"),
        Repeat.FORTNIGHTLY: _("Every second week"),
        Repeat.FIRST: _("The first of the month"),
        Repeat.SECOND: _("The second of the month"),
        Repeat.THIRD: _("The third of the month"),
        Repeat.FOURTH: _("The fourth of the month"),
        Repeat.LAST: _("The last of the month"),
    },
    ExceptionKind: {ExceptionKind.AWAY: _("Away"), ExceptionKind.EXTRA: _("There besides the usual hours")},
    ResourceKind: {ResourceKind.ROOM: _("Room"), ResourceKind.DEVICE: _("Device")},
}

PART_NAMES: Final[Mapping[str, str]] = {
    **{"CA-QC": "Québec", "CA-NL": "Terre-Neuve-et-Labrador", "CA-ON": "Ontario", "CA-NB": "Nouveau-Brunswick"},
    **{"CA-NS": "Nova Scotia", "CA-PE": "Prince Edward Island", "CA-MB": "Manitoba", "CA-SK": "Saskatchewan"},
    **{"CA-AB": "Alberta", "CA-BC": "British Columbia"},
}


def holiday_places() -> list[tuple[str, str]]:
    """Countries and parts of them with public holidays, by name in the reader's language."""
    countries = babel_locale().territories
    return sorted(
        ((code, place_name(code)) for code in holiday_codes() if code[:2] in countries), key=lambda one: one[1]
    )


def place_name(code: str) -> str:
    """What a country or a part of one is called."""
    country, _dash, part = code.partition("-")
    name = str(babel_locale().territories.get(country, country))
    return f"{name}, {PART_NAMES.get(code, part)}" if part else name
