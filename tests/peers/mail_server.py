"""Debian's postfix and dovecot on loopback: a mail space of others', one for a run of tests.

It speaks SMTP under STARTTLS and IMAP under STARTTLS with a certificate of an authority of its own, takes mail from who
signs in or shows the one client certificate it knows, and delivers to mailboxes of its domain. Like the real ones it
accepts mail for a mailbox that does not exist and bounces it later. Only root can start postfix.
"""

import contextlib
import mailbox
import os
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path
from pwd import getpwnam
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.teleconsult.hl7v2.test_listener import issue, make_authority

HOST: Final = "127.0.0.1"
DOMAIN: Final = "hopital.mssante.test"
PASSWORD: Final = "correct horse battery staple"
PATIENCE: Final = 30
SENDER: Final = f"teleconsult@{DOMAIN}"
"""The application mailbox of ours: it signs in, or shows its certificate."""
READER: Final = f"neurologie@{DOMAIN}"
OTHER: Final = f"cabinet@{DOMAIN}"
FULL: Final = f"plein@{DOMAIN}"
"""Accepts, then bounces: over its quota."""
NOBODY: Final = f"personne@{DOMAIN}"
"""Accepts, then bounces: there is no such mailbox."""
REFUSED: Final = f"ferme@{DOMAIN}"
"""Refused at once, for good (550)."""
LATER: Final = f"occupe@{DOMAIN}"
"""Refused at once, for now (451)."""
MAILBOXES: Final = (SENDER, READER, OTHER, FULL)
_POSTFIX, _DOVECOT = Path("/usr/sbin/postfix"), Path("/usr/sbin/dovecot")
_USER: Final = "nobody"


def is_possible() -> bool:
    """Whether Debian's packages are here, and we may start them."""
    return _POSTFIX.exists() and _DOVECOT.exists() and os.geteuid() == 0


@dataclass
class MailServer:
    """The running server."""

    folder: Path
    smtp: int
    imap: int
    client: Path
    """The certificate it knows a client by: `client.pem` and `client.key`."""
    processes: "list[subprocess.Popen[bytes]]" = field(repr=False)

    @property
    def authority(self) -> Path:
        """What its certificate comes from, in PEM."""
        return self.folder / "pki" / "ca.pem"

    def mails(self, address: str) -> list[EmailMessage]:
        """What lies in a mailbox, oldest first, read or not."""
        box = self._box(address)
        found = sorted((path for part in ("new", "cur") for path in (box / part).glob("*")), key=_arrival)
        return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in found]

    def put(self, address: str, message: EmailMessage) -> None:
        """Hand a mail in from elsewhere, as any stranger of the mail space could."""
        with smtplib.SMTP(HOST, self.smtp, timeout=PATIENCE) as connection:
            connection.starttls(context=ssl.create_default_context(cafile=str(self.authority)))
            connection.login(OTHER, PASSWORD)
            connection.send_message(message, from_addr=OTHER, to_addrs=[address])

    def empty(self) -> None:
        """Forget every mail, those on their way too."""
        subprocess.run(
            ["/usr/sbin/postsuper", "-c", str(self.folder / "postfix"), "-d", "ALL"], capture_output=True, check=False
        )
        for address in MAILBOXES:
            for part in ("new", "cur"):
                for path in (self._box(address) / part).glob("*"):
                    path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Inside the block SMTP stands still, and hangs up on nobody."""
        os.kill(self.processes[0].pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.processes[0].pid, signal.SIGCONT)

    def log(self) -> str:
        """What both say happened."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def _box(self, address: str) -> Path:
        return self.folder / "mail" / address.partition("@")[0]


def start() -> Iterator[MailServer]:
    """Run it until the generator is closed. It needs a folder others may enter, which pytest's are not."""
    folder = Path(tempfile.mkdtemp(prefix="teleconsult-mail-"))
    folder.chmod(0o755)
    processes: list[subprocess.Popen[bytes]] = []
    # Both run as users of their own, who must read what we write here, whatever the mask of who tests.
    mask = os.umask(0o022)
    try:
        smtp, imap, lmtp, sasl = (_free_port() for _ in range(4))
        pki = folder / "pki"
        pki.mkdir()
        authority, key = make_authority(pki)
        for name in ("server", "client"):
            issue(pki, name, authority, key)
        _set_up_dovecot(folder, imap=imap, lmtp=lmtp, sasl=sasl)
        _set_up_postfix(folder, smtp=smtp, lmtp=lmtp, sasl=sasl)
        for command in (
            [_POSTFIX, "-c", folder / "postfix", "start-fg"],
            [_DOVECOT, "-F", "-c", folder / "dovecot.conf"],
        ):
            processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        os.umask(mask)
        running = MailServer(folder, smtp, imap, pki / "client.pem", processes)
        _wait(running)
        yield running
    finally:
        os.umask(mask)
        if processes:
            subprocess.run([_POSTFIX, "-c", folder / "postfix", "stop"], capture_output=True, check=False)
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(PATIENCE)
        shutil.rmtree(folder, ignore_errors=True)


def _set_up_dovecot(folder: Path, *, imap: int, lmtp: int, sasl: int) -> None:
    (folder / "mail").mkdir()
    shutil.chown(folder / "mail", _USER)
    user = getpwnam(_USER)
    for address in MAILBOXES:
        box = mailbox.Maildir(folder / "mail" / address.partition("@")[0])
        for path in (Path(str(box._path)), *Path(str(box._path)).iterdir()):  # type: ignore[attr-defined]
            shutil.chown(path, _USER)
    quota = {FULL: "userdb_quota_rule=*:bytes=100"}
    (folder / "users").write_text(
        "".join(f"{address}:{{PLAIN}}{PASSWORD}::::::{quota.get(address, '')}\n" for address in MAILBOXES)
    )
    (folder / "dovecot.conf").write_text(
        f"""
protocols = imap lmtp
listen = {HOST}
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
ssl = required
ssl_cert = <{folder}/pki/server.pem
ssl_key = <{folder}/pki/server.key
ssl_min_protocol = TLSv1.2
auth_username_format = %Lu
auth_mechanisms = plain login
first_valid_uid = 1
last_valid_uid = 0
mail_location = maildir:{folder}/mail/%n
mail_plugins = quota
plugin {{
  quota = maildir:user
  quota_rule = *:storage=1G
  quota_grace = 0
}}
passdb {{
  driver = passwd-file
  args = username_format=%u {folder}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {folder}/users
  default_fields = uid={user.pw_uid} gid={user.pw_gid} home={folder}/mail/%n
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = {HOST}
    port = {lmtp}
  }}
}}
service auth {{
  inet_listener {{
    address = {HOST}
    port = {sasl}
  }}
}}
protocol imap {{
  mail_plugins = quota
}}
namespace inbox {{
  inbox = yes
}}
"""
    )


def _set_up_postfix(folder: Path, *, smtp: int, lmtp: int, sasl: int) -> None:
    settings = folder / "postfix"
    for name in ("postfix", "queue", "data"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    certificate = x509.load_pem_x509_certificate((folder / "pki" / "client.pem").read_bytes())
    fingerprint = sha256(certificate.public_bytes(Encoding.DER)).hexdigest().upper()
    fingerprint = ":".join(fingerprint[at : at + 2] for at in range(0, len(fingerprint), 2))
    (settings / "main.cf").write_text(
        f"""
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
myhostname = mail.{DOMAIN}
mydestination =
inet_interfaces = {HOST}
inet_protocols = ipv4
mynetworks =
alias_maps =
alias_database =
smtp_dns_support_level = disabled
virtual_mailbox_domains = {DOMAIN}
virtual_mailbox_maps = inline:{{ {" ".join(f"{address}=x" for address in MAILBOXES)} }}
virtual_transport = lmtp:inet:{HOST}:{lmtp}
message_size_limit = 30000000
mailbox_size_limit = 0
smtpd_reject_unlisted_recipient = no
smtpd_tls_cert_file = {folder}/pki/server.pem
smtpd_tls_key_file = {folder}/pki/server.key
smtpd_tls_CAfile = {folder}/pki/ca.pem
smtpd_tls_security_level = encrypt
smtpd_tls_mandatory_protocols = >=TLSv1.2
smtpd_tls_ask_ccert = yes
smtpd_tls_fingerprint_digest = sha256
relay_clientcerts = inline:{{ {fingerprint}=teleconsult }}
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:{HOST}:{sasl}
smtpd_client_restrictions = permit_sasl_authenticated, permit_tls_clientcerts, reject
smtpd_relay_restrictions = permit_sasl_authenticated, permit_tls_clientcerts, reject
smtpd_recipient_restrictions = check_recipient_access inline:{{
  {{ {REFUSED} = 550 5.2.1 Mailbox closed }}, {{ {LATER} = 451 4.3.2 Later }} }}, permit
smtpd_discard_ehlo_keywords = chunking
bounce_notice_recipient = root
minimal_backoff_time = 5s
queue_run_delay = 5s
"""
    )
    services = dict.fromkeys(
        ("cleanup", "rewrite", "bounce", "defer", "trace", "lmtp", "smtp", "error", "retry", "showq", "proxymap"), 0
    ) | dict.fromkeys(("verify", "anvil", "scache"), 1)
    public = ("cleanup", "showq")
    programs = {"rewrite": "trivial-rewrite", "defer": "bounce", "trace": "bounce", "retry": "error"}
    lines = [f"{HOST}:{smtp} inet n - n - - smtpd", "pickup unix n - n 60 1 pickup", "qmgr unix n - n 300 1 qmgr"]
    lines += ["tlsmgr unix - - n 1000? 1 tlsmgr", "flush unix n - n 1000? 0 flush"]
    lines += ["postlog unix-dgram n - n - 1 postlogd"]
    lines += [
        f"{name} unix {'n' if name in public else '-'} - n - {most} {programs.get(name, name)}"
        for name, most in services.items()
    ]
    (settings / "master.cf").write_text("\n".join(lines) + "\n")


def _wait(running: MailServer) -> None:
    end = time.monotonic() + PATIENCE
    waiting = {running.smtp, running.imap}
    while waiting and time.monotonic() < end and all(process.poll() is None for process in running.processes):
        for port in list(waiting):
            with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1) as connection:
                if connection.recv(3):
                    waiting.discard(port)
        time.sleep(0.1)
    assert not waiting, f"the mail server did not start:\n{running.log()}"


def _arrival(path: Path) -> tuple[int, str]:
    return path.stat().st_mtime_ns, path.name


def _free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])
