"""Where other systems of an establishment are reached (FHIR R4 Endpoint): written down, suspended, given up."""

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.access.rows import endpoints_of_house
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.directory.models import ConnectionType, Endpoint, EndpointStatus
from teleconsult.errors import Conflict, Invalid, NotFound

LONGEST_NAME: Final = 100
LONGEST_ADDRESS: Final = 300
LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
"""One part of a host's name (RFC 1123 §2.1)."""
AE_TITLE: Final = re.compile(r"[A-Z0-9_ .-]{1,16}")
"""PS3.5 §6.2 allows more; this is what systems use."""
MAILBOX: Final = re.compile(r"[a-z0-9._+-]{1,64}@[a-z0-9.-]{1,180}\.[a-z]{2,63}")
EXAMPLES: Final[Mapping[ConnectionType, str]] = {
    ConnectionType.FHIR: "https://fhir.hospital.example/r4",
    ConnectionType.HL7V2: "hl7.hospital.example:2575",
    ConnectionType.DICOM_WEB: "https://pacs.hospital.example/dicomweb",
    ConnectionType.DIMSE: "PACS@pacs.hospital.example:11112",
    ConnectionType.SECURE_MAIL: "neurology@hospital.mssante.example",
}
"""What an address of each kind looks like."""


async def endpoints_here(session: AsyncSession, actor: Actor) -> Sequence[Endpoint]:
    """The establishment's endpoints but those given up, by name. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    endpoints = await session.scalars(
        select(Endpoint)
        .where(endpoints_of_house(actor), Endpoint.status != EndpointStatus.OFF)
        .order_by(Endpoint.name, Endpoint.id)
    )
    return endpoints.all()


async def add_endpoint(
    session: AsyncSession, actor: Actor, *, connection_type: ConnectionType, name: str, address: str
) -> Endpoint:
    """Write down where a system is reached; one that was given up is taken up again.

    Raises NotFound, Invalid for an address that is none of its kind, Conflict where it is on the list.
    """
    require(actor, Permission.ADMINISTRATION)
    name, address = " ".join(name.split()), checked_address(connection_type, address)
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid({"name": "Give it a short name."})
    assert actor.organization_id is not None, "the permission is an establishment's"
    endpoint = await session.scalar(
        select(Endpoint)
        .where(
            endpoints_of_house(actor),
            Endpoint.connection_type == connection_type,
            Endpoint.address == address,
        )
        .with_for_update()
    )
    if endpoint is None:
        endpoint = Endpoint(
            id=uuid.uuid4(),
            organization_id=actor.organization_id,
            connection_type=connection_type,
            address=address,
            status=EndpointStatus.OFF,
        )
        session.add(endpoint)
    if endpoint.status is not EndpointStatus.OFF:
        raise Conflict("This address is on the list already.")
    endpoint.name, endpoint.status, endpoint.updated_at = name, EndpointStatus.ACTIVE, now()
    audit.record(session, actor, "endpoint-added", endpoint, kind=connection_type.value, address=address)
    await session.flush()
    return endpoint


async def change_endpoint(
    session: AsyncSession, actor: Actor, *, endpoint_id: uuid.UUID, status: EndpointStatus
) -> Endpoint:
    """Suspend an endpoint, take it up again, or give it up (`off`). Twice is once. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    endpoint = await session.scalar(
        select(Endpoint)
        .where(
            Endpoint.id == endpoint_id,
            endpoints_of_house(actor),
            Endpoint.status != EndpointStatus.OFF,
        )
        .with_for_update()
    )
    if endpoint is None:
        raise NotFound
    if endpoint.status is not status:
        endpoint.status, endpoint.updated_at = status, now()
        audit.record(session, actor, "endpoint-changed", endpoint, status=status.value)
        await session.flush()
    return endpoint


def checked_address(kind: ConnectionType, typed: str) -> str:
    """The address as it is kept. Raises Invalid on `address` for what is none of its kind, or is this very machine."""
    try:
        return _CHECKS[kind](_plain(typed.strip()))
    except ValueError as error:
        raise Invalid(
            {"address": "This is no address of that kind. It looks like this: %(example)s"}, example=EXAMPLES[kind]
        ) from error


def _plain(typed: str) -> str:
    if len(typed) > LONGEST_ADDRESS or not typed.isascii() or not typed.isprintable():
        raise ValueError
    return typed


def _web_address(typed: str) -> str:
    """An https address with a host and a path, and nothing that would be sent along (RFC 3986 §3)."""
    parts = urlsplit(typed)
    if parts.scheme != "https" or "@" in parts.netloc or parts.query or parts.fragment or set(typed) & set(' \\"<>?#'):
        raise ValueError
    host = _check_host(parts.hostname or "")
    port = f":{parts.port}" if parts.port is not None else ""
    if parts.port == 0 or ".." in parts.path:
        raise ValueError
    return f"https://{host}{port}{parts.path.rstrip('/')}"


def _title_and_place(typed: str) -> str:
    """An application entity and where it listens: `TITLE@host:port`."""
    title, at, place = typed.rpartition("@")
    if not at or not AE_TITLE.fullmatch(title) or title != title.strip():
        raise ValueError
    return f"{title}@{_host_and_port(place)}"


def _mailbox(typed: str) -> str:
    mailbox = typed.lower()
    if not MAILBOX.fullmatch(mailbox):
        raise ValueError
    _check_host(mailbox.rpartition("@")[2])
    return mailbox


def _host_and_port(typed: str) -> str:
    host, colon, port = typed.rpartition(":")
    if not colon or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError
    return f"{_check_host(host.removeprefix('[').removesuffix(']'))}:{int(port)}"


def _check_host(host: str) -> str:
    """A name with a dot in it, or an address that is no machine of ours: loopback, link-local, multicast and none."""
    host = host.lower().removesuffix(".")
    try:
        address = ip_address(host)
    except ValueError:
        labels = host.split(".")
        if len(host) > 253 or len(labels) < 2 or not all(LABEL.fullmatch(label) for label in labels):
            raise
        if labels[-1].isdigit() or labels[-1] in ("localhost", "local", "internal"):
            raise
        return host
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) and address.ipv4_mapped else address
    if inner.is_loopback or inner.is_link_local or inner.is_multicast or inner.is_unspecified or inner.is_reserved:
        raise ValueError
    return f"[{address}]" if isinstance(address, IPv6Address) else str(address)


_CHECKS: Final[Mapping[ConnectionType, Callable[[str], str]]] = {
    ConnectionType.FHIR: _web_address,
    ConnectionType.DICOM_WEB: _web_address,
    ConnectionType.HL7V2: _host_and_port,
    ConnectionType.DIMSE: _title_and_place,
    ConnectionType.SECURE_MAIL: _mailbox,
}
