"""To which mailboxes of the mail space a document may go, by how it is marked and for whom it is meant.

ANS, volet Transmission de documents CDA en HL7 v2, règles de gestion MSSanté: the table is exhaustive, and what it does
not list is an error. A document that the patient must not see is never mailed to them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from teleconsult.errors import Refused


def _(message: str) -> str:
    """Mark a sentence for the catalogues; it is translated where it is shown."""
    return message


class Exchange(StrEnum):
    """Whom a document is mailed to."""

    BOTH = "professionals-and-patient"
    PROFESSIONALS = "professionals"
    PATIENT = "patient"


@dataclass(frozen=True, slots=True)
class Marks:
    """How a document is marked (MASQUE_PS, INVISIBLE_PATIENT, INVISIBLE_REP_LEGAUX, CONNEXION_SECRETE) and for whom
    it is meant (DESTDMP, DESTMSSANTEPS, DESTMSSANTEPAT)."""

    hidden_from_professionals: bool = False
    invisible_to_patient: bool = False
    invisible_to_guardians: bool = False
    secret_connection: bool = False
    to_record: bool = False
    to_professionals: bool = False
    to_patient: bool = False


_ANY: Final = None
"""Either; in the order of `Marks`."""
_MATRIX: Final = (
    ((False, False, False, False, _ANY, True, True), Exchange.BOTH),
    ((_ANY, True, False, False, _ANY, True, False), Exchange.PROFESSIONALS),
    ((_ANY, False, _ANY, False, False, False, True), Exchange.PATIENT),
)


def exchange_of(marks: Marks) -> Exchange:
    """Whom it is mailed to. Raises Refused for a combination the table does not list."""
    asked = (
        marks.hidden_from_professionals,
        marks.invisible_to_patient,
        marks.invisible_to_guardians,
        marks.secret_connection,
        marks.to_record,
        marks.to_professionals,
        marks.to_patient,
    )
    for row, exchange in _MATRIX:
        if all(wanted is _ANY or wanted is found for wanted, found in zip(row, asked, strict=True)):
            return exchange
    raise Refused(_why_not(marks))


def _why_not(marks: Marks) -> str:
    """What is wrong with a combination that the table does not list, and what to do."""
    if marks.invisible_to_guardians and marks.to_professionals:
        return _(
            "A note that the patient’s legal representatives must not see may be mailed to the patient alone, not to"
            " professionals."
        )
    if marks.invisible_to_patient and marks.to_patient:
        return _("A note that the patient must not see yet may be mailed to professionals alone, not to the patient.")
    if marks.to_professionals and not marks.to_patient:
        return _("A note that is mailed to professionals alone is one that the patient must not see yet: mark it so.")
    return _("A note marked so may not be mailed to these recipients. Choose again who may see it.")
