"""What an emergency's codes are called on a page."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from teleconsult.emergencies.models import Decision, TransferStatus, Transport
from teleconsult.emergencies.times import Moment
from web.i18n import LazyString
from web.i18n import lazy_gettext as _

EMERGENCY_LABELS: Final[Mapping[type[StrEnum], Mapping[StrEnum, LazyString]]] = {
    Decision: {
        Decision.TREAT_HERE: _("Treat where the patient is"),
        Decision.TRANSFER: _("Transfer"),
        Decision.TEAM_SENT: _("A team is sent"),
        Decision.OTHER: _("Something else"),
    },
    Moment: {
        Moment.PRESSED: _("Button pressed"),
        Moment.PAGED: _("First person called"),
        Moment.RUNG: _("First device rang"),
        Moment.ANSWERED: _("Answered"),
        Moment.ON_VIDEO: _("Both in the room"),
        Moment.IMAGES: _("Images looked at"),
        Moment.DECIDED: _("Decided"),
    },
    TransferStatus: {
        TransferStatus.REQUESTED: _("Asked for"),
        TransferStatus.ACCEPTED: _("Accepted there"),
        TransferStatus.REFUSED: _("Refused"),
        TransferStatus.DEPARTED: _("Left"),
        TransferStatus.ARRIVED: _("Arrived"),
        TransferStatus.CANCELLED: _("Cancelled"),
    },
    Transport: {
        Transport.AMBULANCE: _("Ambulance"),
        Transport.HELICOPTER: _("Helicopter"),
        Transport.PLANE: _("Plane"),
        Transport.OTHER: _("Other"),
    },
}
