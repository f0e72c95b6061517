"""What national numbers are called on a page, and what a link rests on."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from teleconsult.patients.links import CaseDecision, CaseKind, LinkBasis
from teleconsult.patients.matching import Sign
from teleconsult.patients.models import IdentifierStatus
from teleconsult.patients.national_ids import NIA, NIR, QUEBEC, VIETNAM, Doubt
from teleconsult.patients.scanning import CARD
from web.i18n import LazyString
from web.i18n import lazy_gettext as _

SYSTEMS: Final[Mapping[str, LazyString]] = {
    NIR: _("French health number (INS)"),
    NIA: _("French waiting number (INS, NIA)"),
    QUEBEC: _("Québec health insurance number"),
    VIETNAM: _("Vietnamese personal number"),
}

READ_OFF_A_CARD: Final = _("Read off a card")

IDENTITY_LABELS: Final[Mapping[type[StrEnum], Mapping[StrEnum, LazyString]]] = {
    IdentifierStatus: {
        IdentifierStatus.UNVERIFIED: _("Not checked"),
        IdentifierStatus.QUALIFIED: _("Checked"),
        IdentifierStatus.WITHDRAWN: _("Withdrawn"),
    },
    Doubt: {
        Doubt.GENDER: _("The number says another sex."),
        Doubt.BIRTH_DATE: _("The number says another birth date."),
        Doubt.BIRTH_PLACE: _("The number says another birth place."),
        Doubt.NAME: _("The number says another name."),
    },
    LinkBasis: {
        LinkBasis.NUMBER: _("Same number, same traits"),
        LinkBasis.DECISION: _("Somebody decided it"),
        LinkBasis.RESOLUTION: _("An unknown patient who was recognized"),
        LinkBasis.MERGE: _("Registered twice"),
    },
    CaseKind: {
        CaseKind.SAME_NUMBER: _("Same number, other traits"),
        CaseKind.SAME_TRAITS: _("Same traits, other number"),
    },
    CaseDecision: {
        CaseDecision.SAME_PERSON: _("The same person"),
        CaseDecision.TWO_PEOPLE: _("Two people"),
    },
    Sign: {
        Sign.SAME_NUMBER: _("Same number"),
        Sign.OTHER_NUMBER: _("Other number"),
        Sign.SAME_NAME: _("Same name"),
        Sign.SWAPPED_NAME: _("Names the other way round"),
        Sign.USED_NAME: _("Same used name"),
        Sign.SAME_FAMILY: _("Only the family name"),
        Sign.SAME_GIVEN: _("Only the given name"),
        Sign.OTHER_NAME: _("Other name"),
        Sign.SAME_BIRTH_DATE: _("Same birth date"),
        Sign.NEAR_BIRTH_DATE: _("Birth date nearly the same"),
        Sign.OTHER_BIRTH_DATE: _("Other birth date"),
        Sign.SAME_BIRTH_PLACE: _("Same birth place"),
        Sign.OTHER_BIRTH_PLACE: _("Other birth place"),
        Sign.OTHER_GENDER: _("Other sex"),
        Sign.SAME_PHONE: _("Same telephone"),
    },
}


def system_name(system: str) -> str:
    """Whose number it is, in the reader's words; the system's own name where we have none."""
    return str(SYSTEMS.get(system, system))


def source_name(source: str) -> str:
    """Where a number was learnt, in the reader's words where it was not written by somebody."""
    return str(READ_OFF_A_CARD) if source == CARD else source
