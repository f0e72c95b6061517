"""Why an archive could not be asked, or did not give what it was asked for."""

from enum import StrEnum


class Fault(StrEnum):
    """What is wrong, for people: each has its sentence (`web/pacs_words.py`)."""

    FORBIDDEN_PLACE = "forbidden-place"
    UNREACHABLE = "unreachable"
    SILENT = "silent"
    LOST = "lost"
    CERTIFICATE = "certificate"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_NAME = "certificate-name"
    OUR_CERTIFICATE = "our-certificate"
    NO_TLS = "no-tls"
    HUNG_UP = "hung-up"
    NOT_DICOM = "not-dicom"
    UNKNOWN_CALLER = "unknown-caller"
    UNKNOWN_CALLED = "unknown-called"
    BUSY = "busy"
    REJECTED = "rejected"
    UNSUPPORTED = "unsupported"
    NO_REPORTS = "no-reports"
    UNAUTHORIZED = "unauthorized"
    REDIRECTED = "redirected"
    QUERY_REFUSED = "query-refused"
    NO_DESTINATION = "no-destination"
    TOO_MUCH = "too-much"
    GONE = "gone"
    NOTHING_CAME = "nothing-came"
    INCOMPLETE = "incomplete"
    NOT_WANTED = "not-wanted"
    TURNED_OFF = "turned-off"
    SEALED = "sealed"
    OURS = "ours"
    """Something broke at our side; the log says what."""


class PacsFault(Exception):
    """The archive cannot be asked, or its answer not be used."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault
