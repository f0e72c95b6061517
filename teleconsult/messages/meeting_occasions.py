"""News of a case of a team meeting, for who asked, who writes its conclusion, and the members."""

from collections.abc import Mapping
from typing import Final

from teleconsult.messages.occasion import Occasion, Side, Topic, occasion

CO_SIGNATURE: Final = "CoSignatureAsked"
"""A team meeting's conclusion waits for their signature, too (`notes.co_signers`)."""

MEETING_OCCASIONS: Final[Mapping[str, Occasion]] = {
    "ConsultPutOnList": occasion(
        Topic.TIMES,
        *(Side.REQUESTER, Side.SPECIALIST, Side.MEMBERS),
        en="it is on the list of a team meeting",
        fr="elle est inscrite à une réunion de concertation",
        vi="đã được đưa vào danh sách hội chẩn nhóm",
    ),
    "ConsultCalled": occasion(
        Topic.URGENT,
        *(Side.REQUESTER, Side.SPECIALIST, Side.MEMBERS),
        en="the team meeting discusses it now",
        fr="la réunion de concertation en discute maintenant",
        vi="nhóm đang hội chẩn ca này",
        is_mailed=False,
    ),
    "ConsultDiscussed": occasion(
        Topic.ANSWERS,
        *(Side.REQUESTER, Side.SPECIALIST),
        en="the team meeting has discussed it",
        fr="la réunion de concertation en a discuté",
        vi="nhóm đã hội chẩn xong ca này",
        is_quiet=True,
    ),
    "ConsultPostponed": occasion(
        Topic.TIMES,
        *(Side.REQUESTER, Side.SPECIALIST, Side.COORDINATORS),
        en="it goes to a later team meeting",
        fr="elle est reportée à une autre réunion de concertation",
        vi="được chuyển sang buổi hội chẩn nhóm sau",
    ),
    "ConsultTakenOffList": occasion(
        Topic.TIMES,
        *(Side.REQUESTER, Side.SPECIALIST, Side.COORDINATORS),
        en="it is off the list of the team meeting",
        fr="elle est retirée de la réunion de concertation",
        vi="đã rút khỏi danh sách hội chẩn nhóm",
    ),
    "ConsultNoteCoSigned": occasion(
        Topic.ANSWERS,
        *(Side.REQUESTER, Side.SPECIALIST),
        en="a further member of the team meeting has signed the answer",
        fr="un membre de plus de la réunion a signé le compte rendu",
        vi="thêm một thành viên hội chẩn đã ký câu trả lời",
        is_quiet=True,
    ),
    CO_SIGNATURE: occasion(
        Topic.REMINDERS,
        Side.MEMBERS,
        en="the conclusion of the team meeting waits for your signature",
        fr="la conclusion de la réunion de concertation attend votre signature",
        vi="kết luận hội chẩn nhóm đang chờ chữ ký của bạn",
        alone="Only who is asked to sign it is told.",
    ),
}
