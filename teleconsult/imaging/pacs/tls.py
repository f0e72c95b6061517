"""TLS to other systems of images (PS3.15 §B.12): whom we trust, what we show, and what it means when it fails."""

import ssl
from typing import Final

from teleconsult.imaging.pacs.faults import Fault, PacsFault
from teleconsult.settings import Settings

_EXPIRED: Final = (9, 10)
_OTHER_NAME: Final = (62, 64)
"""OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and _HAS_EXPIRED; _HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH."""
_ABOUT_OURS: Final = ("CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_FAILURE", "ACCESS_DENIED", "DECRYPT_ERROR")
"""What stands in the alerts of one that wants a certificate, or another one (RFC 8446 §6.2)."""


def trusting(authority: str, settings: Settings) -> ssl.SSLContext:
    """TLS 1.2 or newer, with whom has a certificate of this authority (PEM); without one, of those the machine trusts.

    Where it asks for our certificate, it is shown that of the settings. Raises PacsFault.
    """
    try:
        context = ssl.create_default_context(cadata=authority or None)
    except ssl.SSLError as error:
        raise PacsFault(Fault.CERTIFICATE) from error
    if settings.tls_cert and settings.tls_key:
        try:
            context.load_cert_chain(settings.tls_cert, settings.tls_key)
        except OSError as error:
            raise PacsFault(Fault.OURS) from error
    return context


def fault_in(error: BaseException) -> Fault | None:
    """What is wrong with TLS, where that is what an error comes from: not of a line that broke off."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, ssl.SSLError):
        seen = seen.__cause__ or seen.__context__
    if isinstance(seen, ssl.SSLCertVerificationError):
        if seen.verify_code in _EXPIRED:
            return Fault.CERTIFICATE_EXPIRED
        return Fault.CERTIFICATE_NAME if seen.verify_code in _OTHER_NAME else Fault.CERTIFICATE
    if seen is None or isinstance(seen, ssl.SSLEOFError):
        return None
    return Fault.OUR_CERTIFICATE if any(word in (seen.reason or "") for word in _ABOUT_OURS) else Fault.NO_TLS
