"""What is said of the answer that the sender of a mail asked for."""

from collections.abc import Mapping
from typing import Final

from teleconsult.received.answerable import Unanswered
from teleconsult.received.models import ReceivedMessage, ReceivedStatus
from web.i18n import LazyString
from web.i18n import lazy_gettext as _

_WHY: Final[Mapping[Unanswered, LazyString]] = {
    Unanswered.UNSAFE: _(
        "The sender asks to be told what becomes of it, at an address that is not theirs or not secure: nobody is told."
    ),
    Unanswered.NAMELESS: _("The sender asked to be told, but their mail has no number that an answer could name."),
    Unanswered.NO_WAY_OUT: _("The sender asked to be told, but this server sends no secure mail."),
    Unanswered.IN_HAND: _("The sender is being told what became of it."),
    Unanswered.UNKNOWN: _("The sender was told what became of it; whether it arrived is not known."),
    Unanswered.TROUBLE: _("The sender’s server does not answer now. It is tried again."),
    Unanswered.REFUSED: _("The sender’s server refused the answer."),
}
_TOLD: Final = _("The sender was told what became of it.")
_OWED: Final = _("The sender will be told what became of it.")
_ASKED: Final = _("The sender asks to be told what becomes of it: they are, once it is filed or set aside.")


def answer_in_words(message: ReceivedMessage) -> LazyString:
    """Whether the sender was told, or why not; of a message whose sender asked."""
    if message.answer_failure:
        return _WHY[Unanswered(message.answer_failure)]
    if message.answered_at is not None:
        return _TOLD
    is_open = message.status in (ReceivedStatus.WAITING, ReceivedStatus.UNREADABLE)
    return _ASKED if is_open else _OWED
