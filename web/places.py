"""Time zones as places, in the reader's language: "Canada, Toronto" and not "America/Toronto"."""

from babel.core import get_global
from babel.dates import get_timezone_location

from web.i18n import babel_locale


def places(kept: str) -> list[tuple[str, str]]:
    """Each zone's IANA name and what people call its place, by country and city; `kept` is always among them."""
    locale, of_country = babel_locale(), get_global("zone_territories")
    named = [
        (zone, ", ".join(part for part in (locale.territories.get(country), _city(zone)) if part))
        for zone, country in {kept: of_country.get(kept, ""), **of_country}.items()
        if "/" in zone and not zone.startswith("Etc/")
    ]
    return sorted(named, key=lambda one: one[1])


def _city(zone: str) -> str:
    return get_timezone_location(zone, locale=babel_locale(), return_city=True)
