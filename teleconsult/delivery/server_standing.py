"""Whether a mail server's certificate was revoked: its authority is asked (OCSP, else its CRL) beside the check of TLS.

The last list that has not expired still tells while nobody can be asked (REF2 ECO.1.1.5 to 1.1.7: ANS, Référentiel
socle MSSanté #2). The chain is that which TLS has just verified.
"""

import _ssl
import ssl
from itertools import chain
from typing import Final

from asn1crypto import x509

from teleconsult.notes.authorities_asked import QUICK_SECONDS, open_client
from teleconsult.settings import RevocationCheck, Settings

FOLDER: Final = "mail-revocation"


class RevokedServer(ssl.SSLCertVerificationError):
    """The server shows a certificate that its authority has revoked, or of which it says nothing and must."""


def require_standing(connection: ssl.SSLObject | ssl.SSLSocket | None, settings: Settings) -> None:
    """Look at who answers, in a thread: authorities are asked over HTTP. Raises RevokedServer."""
    wanted = settings.secure_mail_revocation
    if wanted is RevocationCheck.OFF or connection is None:
        return
    path = [x509.Certificate.load(der) for der in _verified(connection)]
    if wanted is RevocationCheck.WHEN_TOLD and (len(path) < 2 or not _tells(path[0])):
        return
    from teleconsult.notes.revocation import KeptAnswers, Standing  # a large library: only where it is needed

    with open_client(seconds=QUICK_SECONDS) as client:
        standing = KeptAnswers(settings.data / FOLDER).standing(path, path[-1:], client)
    if standing is Standing.REVOKED or (standing is Standing.UNKNOWN and wanted is RevocationCheck.ALWAYS):
        raise RevokedServer("the certificate of the mail server does not stand")


def _tells(certificate: x509.Certificate) -> bool:
    """Whether the certificate says where its standing can be asked for."""
    return any(chain(certificate.ocsp_urls, certificate.crl_distribution_points))


def _verified(connection: ssl.SSLObject | ssl.SSLSocket) -> list[bytes]:
    """The chain, the server's own first. Python has a public name for it from 3.13 on."""
    if hasattr(connection, "get_verified_chain"):
        return list(connection.get_verified_chain())
    held = connection._sslobj  # type: ignore[union-attr]
    return [one.public_bytes(_ssl.ENCODING_DER) for one in held.get_verified_chain()]
