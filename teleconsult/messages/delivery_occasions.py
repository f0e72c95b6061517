"""News of signed notes on their way out."""

from collections.abc import Mapping
from typing import Final

from teleconsult.messages.occasion import Occasion, Side, Topic
from teleconsult.messages.occasion import occasion as _occasion

DELIVERY_OCCASIONS: Final[Mapping[str, Occasion]] = {
    "ConsultNoteUndelivered": _occasion(
        Topic.ANSWERS,
        Side.COORDINATORS,
        en="the answer could not be delivered everywhere: see “Sending”",
        fr="un envoi du compte rendu a échoué : voir « Envois »",
        vi="có nơi chưa nhận được câu trả lời: xem “Gửi đi”",
        alone="Who sends looks after it; the file of who asked is told of by itself.",
    ),
}
