"""What is said of archives of images on a page, and what to do about it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from teleconsult.imaging.identity import Difference
from teleconsult.imaging.pacs.faults import Fault
from teleconsult.imaging.pacs.models import FetchStatus, PacsKind
from web.i18n import LazyString
from web.i18n import lazy_gettext as _

FAULTS: Final[Mapping[Fault, LazyString]] = {
    Fault.FORBIDDEN_PLACE: _("Its address is one that may not be asked. The operator can allow its network."),
    Fault.UNREACHABLE: _("Nothing answers at its address. Check the address, the port and the firewall."),
    Fault.SILENT: _("It did not answer in time. Try again later."),
    Fault.LOST: _("The connection broke off. Try again."),
    Fault.CERTIFICATE: _("Its certificate is not one that we trust. Paste the certificate of its authority."),
    Fault.CERTIFICATE_EXPIRED: _(
        "Its certificate is out of date, or not good yet. Have it renewed; check both clocks."
    ),
    Fault.CERTIFICATE_NAME: _("Its certificate is for another name. Call it by the name in the certificate."),
    Fault.OUR_CERTIFICATE: _(
        "It hung up at once. It may want a certificate of ours that it trusts: ask the operator, and who runs the PACS."
    ),
    Fault.NO_TLS: _(
        "It does not agree to TLS there. Check the port. It needs TLS 1.2 or newer, and may want a certificate of ours."
    ),
    Fault.HUNG_UP: _("It hung up at once. Check that it lets our address in, and whether it wants TLS."),
    Fault.NOT_DICOM: _("What answers there is no PACS, or nothing we can read. Check the address and the port."),
    Fault.UNKNOWN_CALLER: _("It does not know our AE title. Register that title in the PACS."),
    Fault.UNKNOWN_CALLED: _("It has another AE title. Check its title."),
    Fault.BUSY: _("It takes no more requests at the moment. Try again later."),
    Fault.REJECTED: _("It turned us away. Check in the PACS what it lets us do."),
    Fault.UNSUPPORTED: _("It does not offer this way of searching or fetching. Choose another one."),
    Fault.NO_REPORTS: _("It answers, but takes no reports there. Check the port, and what the system is set to."),
    Fault.UNAUTHORIZED: _("It does not accept our user name, password or token."),
    Fault.REDIRECTED: _("It sends us on to another address. If you trust that address, set it here."),
    Fault.QUERY_REFUSED: _("It refused what we asked for. Check in the PACS what it lets us do."),
    Fault.NO_DESTINATION: _("It does not know where to send images. Register our AE title, address and port in it."),
    Fault.TOO_MUCH: _("It sent more than can be taken."),
    Fault.GONE: _("It does not have these images any more."),
    Fault.NOTHING_CAME: _("It says that it sent the images, but none came. Check that it may send them here."),
    Fault.INCOMPLETE: _("Some images did not come. Fetch them again."),
    Fault.NOT_WANTED: _("Images can no longer be added to this request."),
    Fault.TURNED_OFF: _("The administrator has turned it off."),
    Fault.SEALED: _("Its password can no longer be read. Type it again in its settings."),
    Fault.OURS: _("Something went wrong here. Try again later."),
}

PACS_LABELS: Final[Mapping[type[StrEnum], Mapping[StrEnum, LazyString]]] = {
    PacsKind: {
        PacsKind.C_GET: _("DICOM, over our own connection (C-GET)"),
        PacsKind.C_MOVE: _("DICOM, it sends to us (C-MOVE)"),
        PacsKind.DICOMWEB: _("DICOMweb"),
    },
    FetchStatus: {
        FetchStatus.QUEUED: _("Waiting"),
        FetchStatus.RUNNING: _("On its way"),
        FetchStatus.DONE: _("Here"),
        FetchStatus.FAILED: _("Failed"),
        FetchStatus.CANCELLED: _("Stopped"),
    },
    Difference: {
        Difference.NAME: _("another name"),
        Difference.BIRTH_DATE: _("another birth date"),
        Difference.SEX: _("another sex"),
        Difference.NUMBER: _("another number"),
    },
}


def fault_in_words(code: str) -> str:
    """The sentence for a stored code; a general one for a code we no longer know."""
    known = {fault.value: words for fault, words in FAULTS.items()}
    return str(known.get(code, FAULTS[Fault.OURS]))
