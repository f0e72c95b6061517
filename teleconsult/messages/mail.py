"""Mail by SMTP (RFC 5321), under TLS unless it goes to this very machine.

Where no server is set up, mails become files in the data folder.
"""

import asyncio
import ssl
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib

from teleconsult.clock import now
from teleconsult.documents.letters import Letter
from teleconsult.settings import Settings

TIMEOUT_SECONDS: Final = 20
SMTPS_PORT: Final = 465
SUBMISSION_PORT: Final = 587


def compose(settings: Settings, letter: Letter, *, to: str) -> EmailMessage:
    """The letter as a message (RFC 5322). Raises ValueError for an address or subject that could add a header."""
    message = EmailMessage()
    message["From"] = _address(settings.mail_from, "Téléconsult")
    message["To"] = _address(to)
    message["Subject"] = header_text(letter.subject)
    message["Date"] = format_datetime(now())
    message["Message-ID"] = make_msgid(domain=settings.mail_from.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: nobody's absence note answers
    message.set_content(letter.body, cte="quoted-printable")
    return message


def header_text(value: str) -> str:
    """The value as a header may hold it. An encoded line break becomes a real one, and then a header: refused.

    Raises ValueError.
    """
    text = str(make_header(decode_header(value)))
    if not text.isprintable():
        raise ValueError("a mail's header holds a character that no header may hold")
    return text


def _address(address: str, name: str = "") -> Address:
    try:
        return Address(name, addr_spec=header_text(address))
    except (HeaderParseError, IndexError) as error:  # what the parser raises for a text that is no address at all
        raise ValueError("this is no address a mail can be sent to") from error


async def send(settings: Settings, message: EmailMessage) -> None:
    """Hand the message to the mail server, or write it to `mail/` in the data folder where there is none.

    Raises aiosmtplib.SMTPException, OSError or ssl.SSLError; nothing was sent then.
    """
    if settings.smtp_url is None:
        await asyncio.to_thread(_write, settings.data / "mail", message)
        return
    server = urlsplit(settings.smtp_url)
    host = server.hostname or "localhost"
    is_smtps = server.scheme == "smtps"
    must_upgrade = not is_smtps and (server.username is not None or not _is_this_machine(host))
    await aiosmtplib.send(
        message,
        hostname=host,
        port=server.port or (SMTPS_PORT if is_smtps else SUBMISSION_PORT),
        username=unquote(server.username) if server.username else None,
        password=unquote(server.password) if server.password else None,
        use_tls=is_smtps,
        start_tls=must_upgrade,
        tls_context=ssl.create_default_context(),
        timeout=TIMEOUT_SECONDS,
    )


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _write(folder: Path, message: EmailMessage) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{now():%Y%m%dT%H%M%S%f}-{str(message['Message-ID']).strip('<>').split('@')[0]}"
    unfinished = folder / f"{name}.part"
    unfinished.touch(mode=0o600)
    unfinished.write_bytes(message.as_bytes())
    unfinished.rename(folder / f"{name}.eml")
