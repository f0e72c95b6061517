"""Out to a system of another's: an address that was checked, TLS by whom we trust, and what it means when it fails.

Who administers one establishment must not make our machine speak to others of ours: the place is looked up once, held
against the networks that are allowed, and what is connected to is what was checked.
"""

import ssl
from typing import Final

from teleconsult.delivery.models import DeliveryStatus
from teleconsult.delivery.parcel import Outcome, Place
from teleconsult.delivery.reasons import Reason
from teleconsult.imaging.pacs.faults import Fault, PacsFault
from teleconsult.imaging.pacs.places import address_of
from teleconsult.imaging.pacs.tls import fault_in, trusting
from teleconsult.settings import Settings

_REASONS: Final = {
    Fault.FORBIDDEN_PLACE: Reason.FORBIDDEN_PLACE,
    Fault.CERTIFICATE: Reason.CERTIFICATE,
    Fault.CERTIFICATE_EXPIRED: Reason.CERTIFICATE,
    Fault.CERTIFICATE_NAME: Reason.CERTIFICATE,
    Fault.OUR_CERTIFICATE: Reason.CERTIFICATE,
    Fault.NO_TLS: Reason.NO_TLS,
    Fault.OURS: Reason.OURS,
}


class NoLine(Exception):
    """It cannot be reached, and nothing was sent."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


async def checked_address(host: str, port: int, settings: Settings) -> str:
    """Where to connect to. Raises NoLine."""
    try:
        return await address_of(host, port, networks=settings.delivery_networks)
    except PacsFault as fault:
        raise NoLine(_not_sent(fault.fault)) from fault


def tls_to(place: Place, settings: Settings) -> ssl.SSLContext:
    """TLS 1.2 or newer with who has a certificate of the place's authority. Raises NoLine."""
    try:
        return trusting(place.authority, settings)
    except PacsFault as fault:
        raise NoLine(_not_sent(fault.fault)) from fault


def unsent(error: BaseException) -> Outcome:
    """What it means that no connection came about."""
    fault = fault_in(error)
    return _not_sent(fault) if fault is not None else _not_sent(Fault.UNREACHABLE)


def _not_sent(fault: Fault) -> Outcome:
    """A place that is forbidden stays so; anything else may pass."""
    reason = _REASONS.get(fault, Reason.UNREACHABLE)
    state = DeliveryStatus.DEAD if reason is Reason.FORBIDDEN_PLACE else DeliveryStatus.RETRY_WAIT
    return Outcome(state, reason=reason)
