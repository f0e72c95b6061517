"""What becomes news: each event of a consult, who of both sides is told of it, and in which few words.

The words go out of the house too (mail, SMS, a telephone's lock screen): they name the consult by its number and say
what happened, never whom it is about, never what was asked or answered.
"""

from collections.abc import Mapping
from typing import Final

from teleconsult.messages.delivery_occasions import DELIVERY_OCCASIONS
from teleconsult.messages.meeting_occasions import MEETING_OCCASIONS
from teleconsult.messages.occasion import ANSWERING, ASKING, Occasion, Side, Topic
from teleconsult.messages.occasion import occasion as _occasion

REMINDER: Final = "SessionReminder"
"""A session comes near (`messages.reminding`)."""
PAGE: Final = "EmergencyPage"
"""Somebody on duty is called in person (`emergencies.paging`)."""
TAKEN: Final = "RequestTaken"
"""Who accepted it has it no longer: somebody else sent it on (`consults.redirecting`)."""
FOLLOW_UP: Final = "FollowUpDue"
"""One would like to know by now what became of it (`messages.asking_after`)."""
INVITED: Final = "SessionInvitation"
"""Somebody is asked to a session besides the two whose it is, or it has another time (`scheduling.telling`)."""
UNINVITED: Final = "SessionWithoutYou"
"""They are asked to it no longer, or it is not held (`scheduling.telling`)."""
UNSIGNED_NOTE: Final = "NoteUnsigned"
"""A note has waited for its signature for a day, or for three (`notes.unsigned`)."""
ARRIVAL: Final = "SessionAwaits"
"""The other side is in the room, and waits (`encounters.actions`)."""

OCCASIONS: Final[Mapping[str, Occasion]] = {
    "ConsultSubmitted": _occasion(
        Topic.REQUESTS,
        *(Side.REQUESTER, Side.COORDINATORS, Side.CANDIDATES),
        en="new request",
        fr="nouvelle demande",
        vi="yêu cầu mới",
    ),
    "ConsultReceived": _occasion(
        Topic.REQUESTS,
        Side.REQUESTER,
        en="the request was received",
        fr="la demande a été prise en compte",
        vi="yêu cầu đã được tiếp nhận",
        is_quiet=True,
        alone="The answering side received it itself.",
    ),
    "ConsultAccepted": _occasion(
        Topic.REQUESTS,
        *(Side.REQUESTER, Side.COORDINATORS),
        en="a specialist has accepted",
        fr="un spécialiste a accepté",
        vi="một bác sĩ chuyên khoa đã nhận",
    ),
    "ConsultDeclined": _occasion(
        Topic.REQUESTS,
        *(Side.REQUESTER, Side.COORDINATORS),
        en="a specialist has declined, another is looked for",
        fr="un spécialiste a décliné, un autre est recherché",
        vi="bác sĩ chuyên khoa đã từ chối, đang tìm người khác",
    ),
    "ConsultInformationWanted": _occasion(
        Topic.REQUESTS,
        *(Side.REQUESTER, Side.SPECIALIST, Side.COORDINATORS),
        en="more information is wanted",
        fr="des précisions sont demandées",
        vi="cần thêm thông tin",
    ),
    "ConsultInformationGiven": _occasion(
        Topic.REQUESTS,
        *(Side.REQUESTER, Side.SPECIALIST, Side.COORDINATORS),
        en="the information wanted was given",
        fr="les précisions demandées sont arrivées",
        vi="thông tin cần thêm đã có",
    ),
    "ConsultRedirected": _occasion(
        Topic.REQUESTS,
        *(Side.REQUESTER, Side.COORDINATORS, Side.CANDIDATES),
        en="the request went to another service",
        fr="la demande est passée à un autre service",
        vi="yêu cầu đã chuyển sang khoa khác",
    ),
    "ConsultAssigned": _occasion(
        Topic.REQUESTS,
        *(Side.REQUESTER, Side.SPECIALIST),
        en="a specialist was thought of",
        fr="un spécialiste est pressenti",
        vi="đã nghĩ đến một bác sĩ chuyên khoa",
        is_quiet=True,
    ),
    "ConsultModeChanged": _occasion(
        Topic.REQUESTS,
        *(Side.REQUESTER, Side.SPECIALIST, Side.COORDINATORS),
        en="the way it is answered has changed",
        fr="le mode de réponse a changé",
        vi="cách trả lời đã thay đổi",
    ),
    **DELIVERY_OCCASIONS,
    **MEETING_OCCASIONS,
    "ConsultMessageSent": _occasion(
        Topic.REQUESTS,
        *(Side.REQUESTER, Side.SPECIALIST),
        en="there is a message for you",
        fr="un message vous attend",
        vi="có tin nhắn cho bạn",
    ),
    "ConsultFollowedUp": _occasion(
        Topic.ANSWERS,
        *(Side.REQUESTER, Side.SPECIALIST),
        en="it is known what became of it",
        fr="les suites sont connues",
        vi="đã biết kết quả về sau",
        is_quiet=True,
    ),
    "ConsultToBeWritten": _occasion(
        Topic.REQUESTS,
        *(Side.REQUESTER, Side.COORDINATORS),
        en="it will be answered in writing",
        fr="la réponse sera écrite",
        vi="sẽ được trả lời bằng văn bản",
    ),
    "ConsultCancelled": _occasion(
        Topic.REQUESTS,
        *(Side.REQUESTER, Side.SPECIALIST, Side.COORDINATORS),
        en="it was called off",
        fr="elle a été annulée",
        vi="đã bị hủy",
    ),
    "ConsultBookedCancelled": _occasion(
        Topic.TIMES,
        *(Side.REQUESTER, Side.SPECIALIST, Side.COORDINATORS),
        en="it was called off, the session is not held",
        fr="elle a été annulée, la séance n’a pas lieu",
        vi="đã bị hủy, phiên hội chẩn không diễn ra",
        by_calendar=True,
    ),
    "ConsultTimeProposed": _occasion(
        Topic.TIMES,
        *(Side.REQUESTER, Side.SPECIALIST, Side.COORDINATORS),
        en="a time is proposed: %(time)s",
        fr="un horaire est proposé : %(time)s",
        vi="giờ hẹn được đề xuất: %(time)s",
    ),
    "ConsultBooked": _occasion(
        Topic.TIMES,
        *(Side.REQUESTER, Side.SPECIALIST, Side.COORDINATORS),
        en="the session is booked: %(time)s",
        fr="la séance est réservée : %(time)s",
        vi="phiên hội chẩn đã được đặt: %(time)s",
        by_calendar=True,
    ),
    "ConsultTimeMoved": _occasion(
        Topic.TIMES,
        *(Side.REQUESTER, Side.SPECIALIST, Side.COORDINATORS),
        en="the session was moved: %(time)s",
        fr="la séance est déplacée : %(time)s",
        vi="phiên hội chẩn đã được dời: %(time)s",
        by_calendar=True,
    ),
    "ConsultTimeCancelled": _occasion(
        Topic.TIMES,
        *(Side.REQUESTER, Side.SPECIALIST, Side.COORDINATORS),
        en="the time was cancelled, another will be proposed",
        fr="l’horaire est annulé, un autre sera proposé",
        vi="giờ hẹn đã bị hủy, sẽ có giờ khác",
        by_calendar=True,
    ),
    "ConsultTimeOffered": _occasion(
        Topic.TIMES,
        Side.COORDINATORS,
        en="an earlier time has become free",
        fr="un horaire plus tôt s’est libéré",
        vi="có giờ sớm hơn vừa trống",
        alone="Nothing is agreed yet: the coordinator takes it or passes it on.",
    ),
    "ConsultMissed": _occasion(
        Topic.TIMES,
        *(Side.REQUESTER, Side.SPECIALIST, Side.COORDINATORS),
        en="the booked session did not take place",
        fr="la séance prévue n’a pas eu lieu",
        vi="phiên đã hẹn không diễn ra",
    ),
    "ConsultNoteSigned": _occasion(
        Topic.ANSWERS,
        *(Side.REQUESTER, Side.SPECIALIST, Side.COORDINATORS),
        en="the answer is signed",
        fr="le compte rendu est signé",
        vi="câu trả lời đã được ký",
    ),
    "ConsultNoteAdded": _occasion(
        Topic.ANSWERS,
        *(Side.REQUESTER, Side.SPECIALIST, Side.COORDINATORS),
        en="something was added to the answer",
        fr="un complément à la réponse est signé",
        vi="câu trả lời có phần bổ sung",
    ),
    "ConsultNoteReplaced": _occasion(
        Topic.ANSWERS,
        *(Side.REQUESTER, Side.SPECIALIST, Side.COORDINATORS),
        en="the answer was corrected: a new version replaces it",
        fr="la réponse est corrigée : une nouvelle version la remplace",
        vi="câu trả lời đã được sửa: có phiên bản mới thay thế",
    ),
    "ConsultNoteRetracted": _occasion(
        Topic.ANSWERS,
        *(Side.REQUESTER, Side.SPECIALIST, Side.COORDINATORS),
        en="the answer was withdrawn: do not rely on it any more",
        fr="la réponse est retirée : ne plus s’y fier",
        vi="câu trả lời đã bị rút lại: không dựa vào đó nữa",
    ),
    "ConsultNoteDelivered": _occasion(
        Topic.ANSWERS,
        *(Side.REQUESTER, Side.SPECIALIST),
        en="the answer has arrived in the file",
        fr="le compte rendu est arrivé au dossier",
        vi="câu trả lời đã vào hồ sơ",
        is_quiet=True,
    ),
    "ConsultNoteAcknowledged": _occasion(
        Topic.ANSWERS,
        *(Side.REQUESTER, Side.SPECIALIST),
        en="the answer was read",
        fr="le compte rendu a été lu",
        vi="câu trả lời đã được đọc",
    ),
    "ConsultImagesAdded": _occasion(
        Topic.CONTENTS,
        *(Side.REQUESTER, Side.SPECIALIST),
        en="images were added",
        fr="des images ont été ajoutées",
        vi="đã thêm hình ảnh",
    ),
    "ConsultExcerptAdded": _occasion(
        Topic.CONTENTS,
        *(Side.REQUESTER, Side.SPECIALIST),
        en="more is shared",
        fr="d’autres éléments sont partagés",
        vi="đã chia sẻ thêm",
    ),
    "ConsultExcerptRevoked": _occasion(
        Topic.CONTENTS,
        *(Side.REQUESTER, Side.SPECIALIST),
        en="sharing was stopped",
        fr="le partage est arrêté",
        vi="đã ngừng chia sẻ",
    ),
    "ConsultConsentWithdrawn": _occasion(
        Topic.CONTENTS,
        *(Side.REQUESTER, Side.SPECIALIST, Side.COORDINATORS),
        en="the consent was withdrawn",
        fr="le consentement est retiré",
        vi="sự đồng ý đã được rút lại",
    ),
    "ConsultConsentConfirmed": _occasion(
        Topic.CONTENTS,
        *(Side.REQUESTER, Side.SPECIALIST),
        en="the consent was confirmed",
        fr="le consentement est confirmé",
        vi="sự đồng ý đã được xác nhận",
        is_quiet=True,
    ),
    "ConsultEmergencyRaised": _occasion(
        Topic.URGENT,
        *(Side.REQUESTER, Side.COORDINATORS),
        en="an emergency was raised",
        fr="une urgence est déclarée",
        vi="đã báo cấp cứu",
        is_quiet=True,  # who is to answer is paged (`EmergencyPage`)
    ),
    "ConsultEmergencyPaged": _occasion(
        Topic.URGENT,
        Side.REQUESTER,
        en="the next on duty is called",
        fr="la garde suivante est appelée",
        vi="đang gọi người trực tiếp theo",
        is_quiet=True,
        alone="Who is called is paged in person (`EmergencyPage`).",
    ),
    "ConsultEmergencyAnswered": _occasion(
        Topic.URGENT,
        *(Side.REQUESTER, Side.COORDINATORS),
        en="the emergency is answered",
        fr="l’urgence est prise en charge",
        vi="ca cấp cứu đã có người nhận",
        is_quiet=True,
    ),
    "ConsultEmergencyHandedBack": _occasion(
        Topic.URGENT,
        *(Side.REQUESTER, Side.SPECIALIST, Side.COORDINATORS),
        en="somebody else is called for the emergency",
        fr="quelqu’un d’autre est appelé pour l’urgence",
        vi="đang gọi người khác cho ca cấp cứu",
    ),
    "ConsultEmergencyUnanswered": _occasion(
        Topic.URGENT,
        *(Side.REQUESTER, Side.COORDINATORS),
        en="nobody answers the emergency",
        fr="personne ne répond à l’urgence",
        vi="chưa ai nhận ca cấp cứu",
    ),
    "ConsultEmergencyDecided": _occasion(
        Topic.ANSWERS,
        *(Side.REQUESTER, Side.SPECIALIST, Side.COORDINATORS),
        en="what to do was decided",
        fr="la conduite à tenir est décidée",
        vi="đã quyết định hướng xử trí",
    ),
    "ConsultTransferChanged": _occasion(
        Topic.ANSWERS,
        *(Side.REQUESTER, Side.SPECIALIST, Side.COORDINATORS),
        en="the transfer has changed",
        fr="le transfert a changé",
        vi="việc chuyển viện đã thay đổi",
    ),
    PAGE: _occasion(
        Topic.URGENT,
        *(Side.SPECIALIST, Side.COORDINATORS),
        en="an emergency calls you, answer now",
        fr="une urgence vous appelle, répondez maintenant",
        vi="ca cấp cứu đang gọi bạn, hãy trả lời ngay",
        alone="Who asked is told with `ConsultEmergencyPaged`.",
    ),
    TAKEN: _occasion(
        Topic.REQUESTS,
        Side.SPECIALIST,
        en="it went to another service, it is no longer yours",
        fr="elle est passée à un autre service, elle n’est plus à vous",
        vi="đã chuyển sang khoa khác, không còn thuộc về bạn",
        alone="Everybody else is told with `ConsultRedirected`.",
    ),
    FOLLOW_UP: _occasion(
        Topic.ANSWERS,
        Side.REQUESTER,
        en="what became of it? Two clicks tell",
        fr="quelles en ont été les suites ? Deux clics suffisent",
        vi="kết quả về sau thế nào? Chỉ cần hai lần bấm",
        alone="Only who asked knows.",
    ),
    INVITED: _occasion(
        Topic.TIMES,
        Side.INVITED,
        en="you are invited to a session on %(time)s",
        fr="vous êtes invité à une séance le %(time)s",
        vi="bạn được mời dự một phiên lúc %(time)s",
        by_calendar=True,
        alone="The two whose session it is are told with `ConsultBooked` and `ConsultTimeMoved`.",
    ),
    UNINVITED: _occasion(
        Topic.TIMES,
        Side.INVITED,
        en="you are no longer expected at the session",
        fr="vous n’êtes plus attendu à la séance",
        vi="bạn không còn phải dự phiên này nữa",
        by_calendar=True,
        alone="The two whose session it is are told by what happened to it.",
    ),
    REMINDER: _occasion(
        Topic.REMINDERS,
        *(Side.REQUESTER, Side.SPECIALIST),
        en="your session begins on %(time)s",
        fr="votre séance commence le %(time)s",
        vi="phiên của bạn bắt đầu lúc %(time)s",
    ),
    UNSIGNED_NOTE: _occasion(
        Topic.REMINDERS,
        Side.SPECIALIST,
        en="your note is still to be signed",
        fr="votre compte rendu reste à signer",
        vi="biên bản của bạn còn chờ ký",
        alone="Its author alone can sign it.",
    ),
    ARRIVAL: _occasion(
        Topic.REMINDERS,
        *(Side.REQUESTER, Side.SPECIALIST),
        en="the other side is in the room",
        fr="l’autre partie est dans la salle",
        vi="bên kia đã vào phòng",
        is_mailed=False,
    ),
}

__all__ = [
    "ANSWERING",
    "ARRIVAL",
    "ASKING",
    "FOLLOW_UP",
    "INVITED",
    "OCCASIONS",
    "PAGE",
    "REMINDER",
    "TAKEN",
    "UNINVITED",
    "UNSIGNED_NOTE",
    "Occasion",
    "Side",
    "Topic",
]
