"""Settings from the environment: `TELECONSULT_X`, or `TELECONSULT_X_FILE` naming a file that holds the value.

A wrong value stops the start with one sentence. Every setting is described in `docs/operations.md`.
"""

import contextlib
import json
import os
import secrets
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "TELECONSULT_"
MIB = 1024 * 1024
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
EXCERPT_DAYS = 30


class SettingsError(Exception):
    """A setting that cannot be used; the text names it."""


class RevocationCheck(StrEnum):
    """How it is looked whether a mail server's certificate was revoked."""

    OFF = "off"
    WHEN_TOLD = "when-told"
    """Its authority is asked where the certificate says how. It counts where nobody answers, and nothing kept tells."""
    ALWAYS = "always"
    """One of which nothing is known does not count."""


class Settings(BaseSettings):
    """What the environment says. Sizes are in bytes, durations in seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    data: Path = Path("var")
    database_url: str | None = None
    migration_database_url: str | None = None
    objects_url: str | None = None
    redis_url: str | None = None
    process: str = Field(default="", pattern=r"^[a-z0-9-]{0,32}$")
    public_url: str | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    trust_port: int | None = Field(default=None, ge=0, le=65535)
    secret_key: str = ""
    turn_url: str | None = None
    turn_secret: str | None = None
    janus_url: str | None = None
    janus_secret: str = ""
    media_host: str = ""
    media_ports: str = ""
    metrics_addresses: str = "127.0.0.1,::1"
    trusted_proxies: str = ""
    upload_limit: int = Field(default=2048 * MIB, ge=MIB)
    upload_file_limit: int = Field(default=1024 * MIB, ge=MIB)
    session_idle_minutes: int = Field(default=60, ge=5, le=720)
    session_hours: int = Field(default=12, ge=1, le=24)
    smtp_url: str | None = None
    mail_from: str = "teleconsult@localhost"
    sms_url: str | None = None
    sms_body: str = ""
    sms_secret: str = ""
    push_hosts: str = "fcm.googleapis.com,push.services.mozilla.com,push.apple.com,notify.windows.com"
    oidc_issuer: str | None = None
    oidc_name: str = "OpenID Connect"
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_scope: str = "openid"
    oidc_acr: str = ""
    oidc_vouches_for_ids: bool = False
    audit_checkpoints: Path | None = None
    backup_recipients: str = ""
    backup_database_url: str | None = None
    missed_minutes: int = Field(default=15, ge=0, le=1440)
    session_end_minutes: int = Field(default=5, ge=1, le=120)
    excerpt_days: int = Field(default=EXCERPT_DAYS, ge=0, le=365)
    mllp_port: int | None = Field(default=None, ge=0, le=65535)
    mllp_host: str = "127.0.0.1"
    mllp_client_ca: Path | None = None
    dimse_port: int | None = Field(default=None, ge=0, le=65535)
    dimse_host: str = "127.0.0.1"
    dimse_ae_title: str = Field(default="TELECONSULT", pattern=r"^[!-\[\]-~]([ -\[\]-~]{0,14}[!-\[\]-~])?$")
    dimse_client_ca: Path | None = None
    pacs_networks: str = ""
    delivery_networks: str = ""
    secure_mail_url: str | None = None
    secure_mail_from: str = ""
    secure_mail_reply_to: str = ""
    secure_mail_domains: str = "mssante.fr"
    secure_mail_nil: str = Field(default="", pattern=r"^[!-~]{0,64}$")
    secure_mail_ca: Path | None = None
    secure_mail_crl: Path | None = None
    secure_mail_revocation: RevocationCheck = RevocationCheck.WHEN_TOLD
    secure_mail_certificate: Path | None = None
    secure_mail_key: Path | None = None
    inbox_url: str | None = None
    inbox_address: str = ""
    inbox_ca: Path | None = None
    delivery_evidence_minutes: int = Field(default=10, ge=0, le=1440)
    commitment_days: int = Field(default=30, ge=1, le=3650)
    recording_days: int = Field(default=30, ge=1, le=3650)
    dicomweb_origins: str = ""
    log_level: str = "INFO"
    timestamp_urls: str = ""
    trust: Path | None = None
    pkcs11_module: Path | None = None
    pkcs11_token: str = ""
    pkcs11_pin: str = ""
    remote_signing_url: str | None = None
    remote_signing_secret: str = ""

    @field_validator("data")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("database_url", "migration_database_url", "backup_database_url")
    @classmethod
    def _postgresql(cls, value: str | None) -> str | None:
        if value and urlsplit(value).scheme not in ("postgresql", "postgres"):
            raise ValueError("must begin with postgresql://")
        return value

    @field_validator("smtp_url", "secure_mail_url")
    @classmethod
    def _smtp(cls, value: str | None) -> str | None:
        if value and urlsplit(value).scheme not in ("smtp", "smtps"):
            raise ValueError("must begin with smtp:// or smtps://")
        return value

    @field_validator("inbox_url")
    @classmethod
    def _imap(cls, value: str | None) -> str | None:
        if value and (urlsplit(value).scheme not in ("imap", "imaps") or not urlsplit(value).hostname):
            raise ValueError("must begin with imaps:// (or imap://, for STARTTLS)")
        return value

    @field_validator("janus_url")
    @classmethod
    def _janus(cls, value: str | None) -> str | None:
        if value and (urlsplit(value).scheme not in ("ws", "wss", "http", "https") or not urlsplit(value).hostname):
            raise ValueError("must begin with ws://, wss://, http:// or https://")
        return value

    @field_validator("sms_url")
    @classmethod
    def _gateway(cls, value: str | None) -> str | None:
        if value and not is_safe_address(value):
            raise ValueError("must begin with https:// (http:// only on this machine)")
        return value

    @field_validator("sms_body")
    @classmethod
    def _json_or_form(cls, value: str) -> str:
        if value.lstrip().startswith("{"):
            try:
                json.loads(value)
            except ValueError as error:
                raise ValueError("begins like JSON and is none") from error
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _issuer(cls, value: str | None) -> str | None:
        if value and not is_safe_address(value):
            raise ValueError("must begin with https:// (http:// only on this machine)")
        if value and ("?" in value or "#" in value):
            raise ValueError("must have neither ? nor #")
        return value

    @field_validator("remote_signing_url")
    @classmethod
    def _signing_service(cls, value: str | None) -> str | None:
        if value and not is_safe_address(value):
            raise ValueError("must begin with https:// (http:// only on this machine)")
        return value

    @field_validator("timestamp_urls")
    @classmethod
    def _clocks(cls, value: str) -> str:
        for address in addresses_in(value):
            if urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).hostname:
                raise ValueError("takes addresses that begin with http:// or https://, separated by commas")
        return value

    @field_validator("media_host")
    @classmethod
    def _address(cls, value: str) -> str:
        return str(ip_address(value)) if value else value

    @field_validator("media_ports")
    @classmethod
    def _ports(cls, value: str) -> str:
        port_range(value)
        return value

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: str) -> str:
        if value and len(value.encode()) < 32:
            raise ValueError("must be at least 32 bytes")
        return value

    @field_validator("backup_recipients")
    @classmethod
    def _age_keys(cls, value: str) -> str:
        if any(not part.strip().startswith("age1") for part in value.split(",") if part.strip()):
            raise ValueError("takes public keys of age (age1…), separated by commas")
        return value

    @field_validator("metrics_addresses", "trusted_proxies", "pacs_networks", "delivery_networks")
    @classmethod
    def _networks(cls, value: str) -> str:
        networks_in(value)
        return value

    @field_validator("dicomweb_origins")
    @classmethod
    def _origins(cls, value: str) -> str:
        for origin in origins_in(value):
            parts = urlsplit(origin)
            if not is_safe_address(origin) or f"{parts.scheme}://{parts.netloc}" != origin or "@" in parts.netloc:
                raise ValueError("takes origins such as https://viewer.example (http:// only on this machine)")
        return value

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if self.secure_mail_url and "@" not in self.secure_mail_from:
            raise ValueError("TELECONSULT_SECURE_MAIL_URL needs TELECONSULT_SECURE_MAIL_FROM, a mailbox")
        if bool(self.secure_mail_certificate) != bool(self.secure_mail_key):
            raise ValueError("TELECONSULT_SECURE_MAIL_CERTIFICATE and TELECONSULT_SECURE_MAIL_KEY come together")
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("TELECONSULT_TLS_CERT and TELECONSULT_TLS_KEY come together")
        if self.trust_port is not None and not self.tls_cert:
            raise ValueError("TELECONSULT_TRUST_PORT needs TELECONSULT_TLS_CERT and TELECONSULT_TLS_KEY")
        if self.turn_url and not self.turn_secret:
            raise ValueError("TELECONSULT_TURN_URL needs TELECONSULT_TURN_SECRET")
        if self.oidc_issuer and not (self.oidc_client_id and self.oidc_client_secret):
            raise ValueError(
                "TELECONSULT_OIDC_ISSUER needs TELECONSULT_OIDC_CLIENT_ID and TELECONSULT_OIDC_CLIENT_SECRET"
            )
        sms = (self.sms_url or "") + self.sms_body
        if self.sms_url and not ("{to}" in sms and "{text}" in sms):
            raise ValueError("TELECONSULT_SMS_URL or TELECONSULT_SMS_BODY must say where {to} and {text} go")
        if self.pkcs11_module and not self.pkcs11_token:
            raise ValueError("TELECONSULT_PKCS11_MODULE needs TELECONSULT_PKCS11_TOKEN, the token’s label")
        if self.mllp_client_ca and not self.tls_cert:
            raise ValueError("TELECONSULT_MLLP_CLIENT_CA needs TELECONSULT_TLS_CERT and TELECONSULT_TLS_KEY")
        if self.dimse_client_ca and not self.tls_cert:
            raise ValueError("TELECONSULT_DIMSE_CLIENT_CA needs TELECONSULT_TLS_CERT and TELECONSULT_TLS_KEY")
        if self.oidc_issuer and "openid" not in self.oidc_scope.split():
            raise ValueError("TELECONSULT_OIDC_SCOPE needs openid among its words")
        return self

    @property
    def media_port_range(self) -> range | None:
        """The UDP ports of media; None: any."""
        return port_range(self.media_ports)

    @property
    def timestamp_addresses(self) -> tuple[str, ...]:
        """Time-stamp authorities (RFC 3161), the preferred one first; none: notes stay as they were signed."""
        return addresses_in(self.timestamp_urls)

    @property
    def trust_folder(self) -> Path:
        """Where the roots stand whose signatures we believe: PEM files."""
        return self.trust or self.data / "trust"

    @property
    def push_services(self) -> tuple[str, ...]:
        """Hosts a push is sent to, and what lies beneath them."""
        return tuple(part.strip() for part in self.push_hosts.split(",") if part.strip())

    @property
    def secure_mail_space(self) -> tuple[str, ...]:
        """Domains whose mailboxes are secure ones, and what lies beneath them."""
        return tuple(part.strip().lower() for part in self.secure_mail_domains.split(",") if part.strip())

    @property
    def base_url(self) -> str:
        """Where people reach us: `TELECONSULT_PUBLIC_URL`, or what host and port say. No slash at the end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        scheme = "https" if self.tls_cert else "http"
        return f"{scheme}://{self.host}:{self.port}"

    @property
    def is_secure(self) -> bool:
        """True where browsers reach us by https, so cookies may carry `__Host-`."""
        return self.base_url.startswith("https://")

    @property
    def allowed_origins(self) -> frozenset[str]:
        """The exact origins a browser's socket or form may come from (RFC 6454)."""
        own = {self.base_url}
        if not self.public_url:
            scheme = "https" if self.tls_cert else "http"
            own |= {f"{scheme}://{name}:{self.port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        return frozenset(own)


def is_safe_address(url: str) -> bool:
    """https; plain http only on this very machine."""
    parts = urlsplit(url)
    is_here = parts.scheme == "http" and parts.hostname in LOOPBACK
    return bool(parts.hostname) and (parts.scheme == "https" or is_here)


def addresses_in(text: str) -> tuple[str, ...]:
    """Addresses separated by commas, in their order."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def origins_in(text: str) -> frozenset[str]:
    """Origins separated by commas (RFC 6454)."""
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def networks_in(text: str) -> list[IPv4Network | IPv6Network]:
    """Addresses and networks separated by commas. Raises ValueError for what is none."""
    return [ip_network(part.strip()) for part in text.split(",") if part.strip()]


def port_range(text: str) -> range | None:
    """`first-last`, both included; None for nothing. Raises ValueError for what is none."""
    if not text:
        return None
    first, dash, last = text.partition("-")
    if not (dash and first.isdecimal() and last.isdecimal() and 1024 <= int(first) <= int(last) < 65_536):
        raise ValueError("takes ports above 1023 such as 40000-40999")
    return range(int(first), int(last) + 1)


def load_settings(*, keeps_secret: bool = True, **overrides: Any) -> Settings:
    """Read the environment; make a secret key in the data folder where none is given and `keeps_secret`.

    Raises SettingsError with one sentence a person can act on.
    """
    values: dict[str, Any] = {}
    for name in Settings.model_fields:
        variable = f"{PREFIX}{name.upper()}"
        path = os.environ.get(f"{variable}_FILE")
        if path and variable in os.environ:
            raise SettingsError(f"Set {variable} or {variable}_FILE, not both.")
        if path:
            try:
                values[name] = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SettingsError(f"{variable}_FILE cannot be read: {error.strerror}.") from error
    values |= overrides
    try:
        settings = Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(f"{PREFIX + name if name else 'Settings'}: {first['msg']}.") from error
    if not settings.secret_key and keeps_secret:
        settings = settings.model_copy(update={"secret_key": _kept_secret(settings.data)})
    return settings


def _kept_secret(data: Path) -> str:
    """The secret of a machine that was given none: random, made once, readable by its owner alone."""
    path = data / "secret-key"
    data.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_text(encoding="utf-8").strip()
