"""What the pages say about a session that was held: how long, what interrupted it, whose link was weak."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from teleconsult.encounters.summing import Call, Side
from teleconsult.scheduling.attending import Missed
from web.i18n import LazyString, gettext, ngettext
from web.i18n import lazy_gettext as _
from web.rendering import format_date, format_time

MINUTE: Final = timedelta(minutes=1)
WORTH_TELLING: Final = timedelta(seconds=30)
"""Of a weak link."""

RUNG_NAMES: Final[Mapping[str, LazyString]] = {
    "hd": _("High definition"),
    "480p": _("Good pictures"),
    "360p": _("Medium pictures"),
    "240p": _("Small pictures"),
    "stills": _("Single pictures"),
    "audio": _("Sound only"),
}
WHY_NAMES: Final[Mapping[str, LazyString]] = {
    "opening": _("as the check before the session advised"),
    "fine": _("the link was good"),
    "weak": _("the link carried no more"),
    "device": _("the device could not keep up"),
    "chosen": _("as chosen by hand"),
}
_MISSED: Final[Mapping[str, LazyString]] = {
    Missed.NOBODY_CAME: _("Nobody came."),
    Missed.NO_REQUESTER: _("The referring doctor did not come."),
    Missed.NO_SPECIALIST: _("The specialist did not come."),
    Missed.NOT_TOGETHER: _("Both came, but hardly at the same time."),
}


def length_in_words(length: timedelta) -> str:
    """`14 s`, `23 min`, `1 h 5 min`."""
    seconds = round(length.total_seconds())
    if seconds < 60:
        return gettext("%(seconds)s s", seconds=seconds)
    minutes = round(seconds / 60)
    if minutes < 60:
        return gettext("%(minutes)s min", minutes=minutes)
    return gettext("%(hours)s h %(minutes)s min", hours=minutes // 60, minutes=minutes % 60)


def call_in_words(call: Call) -> list[str]:
    """The session in a few sentences."""
    told = [gettext("Held for %(length)s.", length=length_in_words(call.length)), _interruptions(call)]
    told += [_weakness(side) for side in call.sides if side.weak >= WORTH_TELLING]
    return told


def summary_of(call: Call, zone: str) -> str:
    """A sentence for the note: when, how long, who was there. In the language in force, on the clock of `zone`."""
    return gettext(
        "Live session on %(day)s from %(start)s to %(end)s (%(length)s). Present: %(names)s.",
        day=format_date(call.span.start, "long", zone=zone),
        start=format_time(call.span.start, zone=zone),
        end=format_time(call.span.end, zone=zone),
        length=length_in_words(call.length),
        names=", ".join([*(side.name for side in call.sides), *call.guests]),
    )


def missed_in_words(reason: str) -> str:
    """Who was missing at a booked session."""
    return str(_MISSED[reason]) if reason in _MISSED else ""


def _interruptions(call: Call) -> str:
    cuts = [cut.length for cut in call.interruptions]
    if not cuts:
        return gettext("No interruption.")
    return ngettext(
        "%(num)s interruption of %(length)s.",
        "%(num)s interruptions, %(length)s in all.",
        len(cuts),
        length=length_in_words(sum(cuts, timedelta())),
    )


def _weakness(side: Side) -> str:
    return gettext("The link of %(name)s was weak for %(length)s.", name=side.name, length=length_in_words(side.weak))
