"""News in words for the outside: in the person's language and time zone, the consult's number and no more of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton

from teleconsult.clock import now, on_clock
from teleconsult.documents.letters import LOCALES
from teleconsult.messages.message import Message
from teleconsult.messages.models import Notice
from teleconsult.messages.occasions import OCCASIONS, Topic

MOST_LINES: Final = 20
DAY: Final = 24 * 3600
_REGIONS: Final = {"fr": "fr", "en": "en_GB", "vi": "vi"}


@dataclass(frozen=True, slots=True)
class _Words:
    consult: str
    several: str
    more: str


_WORDS: Final[Mapping[str, _Words]] = {
    "fr": _Words("Demande n° %d : %s", "%d nouvelles de vos demandes", "et %d autres"),
    "en": _Words("Consult no. %d: %s", "%d pieces of news of your consults", "and %d more"),
    "vi": _Words("Yêu cầu hội chẩn số %d: %s", "%d tin mới về các yêu cầu hội chẩn", "và %d tin khác"),
}


def language(locale: str) -> str:
    """The one of ours that a person reads; French where it is none."""
    return locale if locale in LOCALES else LOCALES[0]


def in_words(notice: Notice, *, locale: str, time_zone: str) -> str:
    """What happened, without the consult's number."""
    occasion = OCCASIONS.get(notice.occasion)
    if occasion is None:  # one of a release that is gone
        return ""
    words = occasion.words[language(locale)]
    if notice.starts_at is None:
        return words.replace("%(time)s", "").rstrip("\N{NO-BREAK SPACE} :")
    starts_at, region = on_clock(notice.starts_at, ZoneInfo(time_zone)), _REGIONS[language(locale)]
    day, clock = (format_skeleton(skeleton, starts_at, locale=region) for skeleton in ("MMMEd", "Hm"))
    return words % {"time": f"{day}, {clock}"}


def write_message(notices: Sequence[Notice], *, locale: str, time_zone: str, base_url: str) -> Message:
    """One message of all of these, oldest first; each has its consult loaded."""
    words = _WORDS[language(locale)]
    said = ((one, in_words(one, locale=locale, time_zone=time_zone)) for one in notices)
    lines = list(dict.fromkeys(words.consult % (one.number or one.consult.number, news) for one, news in said))
    consults = {notice.service_request_id for notice in notices}
    of_one = len(consults) == 1
    is_open = of_one and all(notice.number is None for notice in notices)
    shown = lines[:MOST_LINES] + ([words.more % (len(lines) - MOST_LINES)] if len(lines) > MOST_LINES else [])
    return Message(
        subject=lines[0] if len(lines) == 1 else words.several % len(lines),
        body="\n".join(shown),
        link=f"{base_url}/consults/{notices[0].service_request_id}" if is_open else f"{base_url}/notices",
        tag=str(notices[0].service_request_id) if of_one else "several",
        seconds=min(_useful_for(notice) for notice in notices),
        is_urgent=any(OCCASIONS[notice.occasion].topic is Topic.URGENT for notice in notices),
    )


def _useful_for(notice: Notice) -> int:
    """Seconds: a session's reminder until it begins, the rest for a day."""
    if notice.starts_at is None:
        return DAY
    return max(60, min(DAY, int((notice.starts_at - now()).total_seconds())))
