"""The secure mail channel: SMTP under TLS 1.2 or newer, with the server's certificate checked (RFC 5321, RFC 8314).

Nothing here decides where a note goes: the address was taken from the directory (`delivery.mailing`), and is looked up
there once more before this is called. What cannot be a secure mailbox by its domain is refused all the same.
"""

import asyncio
import ssl
from dataclasses import replace
from email.errors import HeaderParseError
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib

from teleconsult.delivery.models import DeliveryStatus
from teleconsult.delivery.parcel import Means, Outcome, Parcel
from teleconsult.delivery.reasons import Reason
from teleconsult.delivery.secure_mail_message import Letter, TooMuch, is_patients, write_letter
from teleconsult.delivery.server_standing import require_standing
from teleconsult.messages.mail import SMTPS_PORT, SUBMISSION_PORT, TIMEOUT_SECONDS
from teleconsult.settings import Settings

GREETED: Final = 250
PASSING: Final = range(400, 500)


class SecureMail:
    """Each mail over a connection of its own: one that breaks spoils no other."""

    async def send(self, parcel: Parcel, means: Means) -> Outcome:
        """ACCEPTED where the server took it; the receipts come by mail (`delivery.mail_receipts`)."""
        settings = means.settings
        if settings.secure_mail_url is None:
            return Outcome(DeliveryStatus.DEAD, reason=Reason.NO_CHANNEL)
        if not is_secure_place(parcel.destination, settings):
            return Outcome(DeliveryStatus.DEAD, reason=Reason.FORBIDDEN_PLACE)
        try:
            letter = await asyncio.to_thread(write_letter, parcel, settings)
        except TooMuch:
            return Outcome(DeliveryStatus.DEAD, reason=Reason.TOO_LARGE)
        except (ValueError, HeaderParseError, IndexError):  # the last two: what is no address at all
            return Outcome(DeliveryStatus.DEAD, reason=Reason.OURS, detail="a name or address that no header may hold")
        outcome = await post(letter, settings)
        return replace(outcome, external_id=letter.envelope_id, payload_sha256=letter.sha256)


def is_secure_place(address: str, settings: Settings) -> bool:
    """Whether the mailbox lies in a domain of the mail space."""
    domain = address.rpartition("@")[2].lower()
    allowed = settings.secure_mail_space
    return is_patients(address) or any(domain == one or domain.endswith(f".{one}") for one in allowed)


def tls_of(settings: Settings) -> ssl.SSLContext:
    """How the server is checked, and how we show who we are. Raises OSError, ssl.SSLError for files that are none."""
    context = ssl.create_default_context(cafile=str(settings.secure_mail_ca) if settings.secure_mail_ca else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.secure_mail_crl:
        context.load_verify_locations(cafile=str(settings.secure_mail_crl))
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    if settings.secure_mail_certificate and settings.secure_mail_key:
        context.load_cert_chain(settings.secure_mail_certificate, settings.secure_mail_key)
    return context


async def connected_to(settings: Settings) -> aiosmtplib.SMTP:
    """The server, signed in to. Raises aiosmtplib.SMTPException, OSError (which TLS errors are)."""
    server = urlsplit(settings.secure_mail_url or "")
    is_tls = server.scheme == "smtps"
    client = aiosmtplib.SMTP(
        hostname=server.hostname,
        port=server.port or (SMTPS_PORT if is_tls else SUBMISSION_PORT),
        username=unquote(server.username) if server.username else None,
        password=unquote(server.password) if server.password else None,
        use_tls=is_tls,
        start_tls=not is_tls,
        tls_context=await asyncio.to_thread(tls_of, settings),
        timeout=TIMEOUT_SECONDS,
    )
    await client.connect()
    try:
        shown = client.transport.get_extra_info("ssl_object") if client.transport is not None else None
        await asyncio.to_thread(require_standing, shown, settings)
    except OSError:
        client.close()
        raise
    return client


async def post(letter: Letter, settings: Settings) -> Outcome:
    """Hand it to the server: ACCEPTED, SENT_UNKNOWN, RETRY_WAIT or DEAD, with a reason."""
    try:
        client = await connected_to(settings)
    except (aiosmtplib.SMTPException, OSError) as error:
        return _not_connected(error)
    try:
        return await _hand_over(client, letter)
    finally:
        client.close()


async def _hand_over(client: aiosmtplib.SMTP, letter: Letter) -> Outcome:
    """Up to the mail's end nothing has arrived; from then on, without an answer, it may have."""
    try:
        await client.ehlo()  # under TLS anew (RFC 3207 §4.2): only now it is known what the server can do
    except (aiosmtplib.SMTPException, OSError) as error:
        return _refused(error)
    options, wishes = [f"SIZE={len(letter.message)}"] if client.supports_extension("size") else [], []
    if client.supports_extension("dsn"):
        options += ["RET=HDRS", f"ENVID={letter.envelope_id}"]
        wishes = [f"NOTIFY={letter.notify}", f"ORCPT=rfc822;{letter.recipient}"]
    try:
        await client.mail(letter.sender, options=options)
        await client.rcpt(letter.recipient, options=wishes)
    except (aiosmtplib.SMTPException, OSError) as error:
        return _refused(error)
    try:
        answer = await client.data(letter.message)
    except aiosmtplib.SMTPResponseException as error:
        return _refused(error)
    except aiosmtplib.SMTPTimeoutError:
        return Outcome(DeliveryStatus.SENT_UNKNOWN, reason=Reason.SILENT)
    except (aiosmtplib.SMTPException, OSError):
        return Outcome(DeliveryStatus.SENT_UNKNOWN, reason=Reason.LOST)
    return Outcome(DeliveryStatus.ACCEPTED, receipt={"answer": f"{answer.code} {answer.message}"[:200]})


def _refused(error: Exception) -> Outcome:
    """Before the mail was whole: 4xx may pass, 5xx will not (RFC 5321 §4.2.1); a line that broke is tried again."""
    if not isinstance(error, aiosmtplib.SMTPResponseException) or error.code < GREETED:
        return Outcome(DeliveryStatus.RETRY_WAIT, reason=Reason.UNREACHABLE)
    said = f"{error.code} {error.message}"
    if error.code in PASSING:
        return Outcome(DeliveryStatus.RETRY_WAIT, reason=Reason.TROUBLE, detail=said)
    is_too_large = " 5.3.4" in said or " 5.2.3" in said  # RFC 3463 §3.3, §3.4
    return Outcome(DeliveryStatus.DEAD, reason=Reason.TOO_LARGE if is_too_large else Reason.REFUSED, detail=said)


def _not_connected(error: Exception) -> Outcome:
    """Our set-up or their server, not this mail: it goes again."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return Outcome(DeliveryStatus.RETRY_WAIT, reason=Reason.CERTIFICATE)
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return Outcome(DeliveryStatus.RETRY_WAIT, reason=Reason.UNAUTHORIZED, detail=f"{error.code} {error.message}")
    if "STARTTLS" in str(error):
        return Outcome(DeliveryStatus.RETRY_WAIT, reason=Reason.NO_TLS)
    return Outcome(DeliveryStatus.RETRY_WAIT, reason=Reason.UNREACHABLE)
