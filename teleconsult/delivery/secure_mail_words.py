"""What a secure mail says besides its attachments, in the note's language: to a professional, and to the patient.

The attachments say everything that is clinical. `%(…)s` names what is filled in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class MailWords:
    """Every fixed word of a secure mail."""

    label: str
    """Of the subject, and by `file_label` of the PDF's name."""
    file_label: str
    replaces: str
    appends: str
    retracts: str
    to_professional: str
    to_patient: str
    replaced: str
    added: str
    retracted: str


FRENCH: Final = MailWords(
    label="Compte-rendu de télémédecine",
    file_label="CR-TLM",
    replaces="annule et remplace",
    appends="complément",
    retracts="Annulation du compte-rendu",
    to_professional=(
        "Bonjour,\n\nVeuillez trouver ci-joint le compte-rendu signé de %(author)s (%(organization)s), destiné au"
        " dossier de votre patient. IHE_XDM.ZIP est fait pour votre logiciel, le PDF pour la lecture.\n"
    ),
    to_patient=(
        "Bonjour,\n\nVeuillez trouver ci-joint le compte-rendu signé de %(author)s (%(organization)s). Pour toute"
        " question, adressez-vous à votre médecin.\n"
    ),
    replaced="Ce compte-rendu annule et remplace celui qui vous a été adressé précédemment.\n",
    added="Ce document complète un compte-rendu antérieur, qui reste valable.\n",
    retracted=(
        "Bonjour,\n\nLe compte-rendu de %(author)s (%(organization)s) auquel répond ce message a été émis par erreur."
        " Il est annulé : merci de ne pas en tenir compte et de le signaler comme tel dans le dossier.\n"
    ),
)
ENGLISH: Final = MailWords(
    label="Telemedicine report",
    file_label="CR-TLM",
    replaces="cancels and replaces",
    appends="addendum",
    retracts="Report withdrawn",
    to_professional=(
        "Hello,\n\nAttached is the signed report of %(author)s (%(organization)s), for your patient's file. IHE_XDM.ZIP"
        " is for your software, the PDF is for reading.\n"
    ),
    to_patient=(
        "Hello,\n\nAttached is the signed report of %(author)s (%(organization)s). Please ask your doctor if you have"
        " any question.\n"
    ),
    replaced="This report cancels and replaces the one you were sent before.\n",
    added="This document adds to an earlier report, which still holds.\n",
    retracted=(
        "Hello,\n\nThe report of %(author)s (%(organization)s) that this message answers was issued in error. It is"
        " withdrawn: please do not rely on it, and mark it so in the file.\n"
    ),
)
VIETNAMESE: Final = MailWords(
    label="Báo cáo khám từ xa",
    file_label="CR-TLM",
    replaces="hủy và thay thế",
    appends="bổ sung",
    retracts="Hủy báo cáo",
    to_professional=(
        "Kính gửi,\n\nĐính kèm là báo cáo đã ký của %(author)s (%(organization)s) để đưa vào hồ sơ bệnh nhân của quý"
        " vị. IHE_XDM.ZIP dành cho phần mềm, PDF để đọc.\n"
    ),
    to_patient=(
        "Kính gửi,\n\nĐính kèm là báo cáo đã ký của %(author)s (%(organization)s). Nếu có thắc mắc, xin hỏi bác sĩ của"
        " quý vị.\n"
    ),
    replaced="Báo cáo này hủy và thay thế báo cáo đã gửi trước đây.\n",
    added="Tài liệu này bổ sung cho một báo cáo trước, báo cáo đó vẫn còn hiệu lực.\n",
    retracted=(
        "Kính gửi,\n\nBáo cáo của %(author)s (%(organization)s) mà thư này trả lời đã được phát hành nhầm. Báo cáo đó"
        " đã bị hủy: xin không sử dụng và ghi chú như vậy trong hồ sơ.\n"
    ),
)
MAIL_WORDS: Final[Mapping[str, MailWords]] = {"fr": FRENCH, "en": ENGLISH, "vi": VIETNAMESE}
