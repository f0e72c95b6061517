"""What a browser calls itself, in the words a person would use."""

from collections.abc import Mapping
from typing import Final

from web.i18n import gettext as _

BROWSERS: Final = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser/": "Samsung Internet",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "CriOS/": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
SYSTEMS: Final = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "CrOS": "ChromeOS",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}
"""In this order: most browsers name those they imitate after themselves."""


def device_name(user_agent: str) -> str:
    """The browser and what it runs on, as its User-Agent header says (RFC 9110 §10.1.5): a claim, not a proof."""
    browser, system = _first(BROWSERS, user_agent), _first(SYSTEMS, user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or _("Unknown browser")


def _first(names: Mapping[str, str], text: str) -> str:
    return next((name for mark, name in names.items() if mark in text), "")
