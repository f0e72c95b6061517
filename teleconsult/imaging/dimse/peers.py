"""Which systems may send images: set by the establishment's administrators."""

import re
import uuid
from collections.abc import Sequence
from ipaddress import IPv4Network, ip_network
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.access.rows import dicom_peers_of_house
from teleconsult.accounts.actor import Actor
from teleconsult.client_certificates import fingerprint_in
from teleconsult.clock import now
from teleconsult.errors import Conflict, Invalid, NotFound
from teleconsult.imaging.dimse.addresses import host_and_port
from teleconsult.imaging.dimse.models import DicomPeer

LONGEST_NAME: Final = 100
MOST: Final = 100
WIDEST_IPV4, WIDEST_IPV6 = 24, 64
"""Bits that are fixed at least: a whole hospital is no scanner."""
AE_TITLE: Final = re.compile(r"[ -\[\]-~]{1,16}")


async def peers_here(session: AsyncSession, actor: Actor) -> Sequence[DicomPeer]:
    """The establishment's systems that send, by name; those turned off too. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    found = await session.scalars(
        select(DicomPeer).where(dicom_peers_of_house(actor)).order_by(DicomPeer.name, DicomPeer.id).limit(MOST)
    )
    return found.all()


async def add_peer(
    session: AsyncSession,
    actor: Actor,
    *,
    name: str,
    ae_title: str,
    address: str = "",
    certificate: str = "",
    report_address: str = "",
) -> DicomPeer:
    """Let a system send. It is known by its address or small network, by its client certificate in PEM, or by both.

    `report_address` is where it takes reports of storage commitment, `host:port`; empty where it takes none.
    Raises NotFound, Invalid with a sentence a field, Conflict where such a system is known.
    """
    require(actor, Permission.ADMINISTRATION)
    name, ae_title = " ".join(name.split()), ae_title.strip()
    errors = {}
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        errors["name"] = "Give it a short name."
    if not AE_TITLE.fullmatch(ae_title):
        errors["ae_title"] = "Give its AE title: 16 plain letters at most."
    network = fingerprint = None
    reports, wrong = _reports(report_address)
    errors |= wrong
    try:
        network = _network(address)
    except ValueError:
        errors["address"] = "Give one address, like 10.1.2.3, or a network of 256 at most, like 10.1.2.0/24."
    if certificate.strip():
        try:
            fingerprint = fingerprint_in(certificate)
        except ValueError:
            errors["certificate"] = "This is no certificate. Paste it from BEGIN CERTIFICATE to END CERTIFICATE."
    elif not address.strip():
        errors["address"] = "Say where it stands in the network, or paste its certificate."
    if errors:
        raise Invalid(errors)
    peer = DicomPeer(
        id=uuid.uuid4(),
        organization_id=actor.organization_id,
        name=name,
        ae_title=ae_title,
        network=network,
        certificate_sha256=fingerprint,
        report_address=reports,
        created_at=now(),
        created_by_id=actor.role_id,
    )
    try:
        async with session.begin_nested():
            session.add(peer)
    except IntegrityError as error:
        raise Conflict("A system with this title and address may send already.") from error
    audit.record(session, actor, "dicom-peer-added", peer, ae_title=ae_title)
    return peer


async def switch_peer(session: AsyncSession, actor: Actor, *, peer_id: uuid.UUID, is_on: bool) -> DicomPeer:
    """Turn a system off, or on again. Twice is once. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    peer = await _peer(session, actor, peer_id)
    if (peer.disabled_at is None) is not is_on:
        peer.disabled_at = None if is_on else now()
        audit.record(session, actor, "dicom-peer-enabled" if is_on else "dicom-peer-disabled", peer)
        await session.flush()
    return peer


async def change_reports(session: AsyncSession, actor: Actor, *, peer_id: uuid.UUID, report_address: str) -> DicomPeer:
    """Say where a system takes reports of storage commitment; nowhere, if empty. Raises NotFound, Invalid."""
    require(actor, Permission.ADMINISTRATION)
    reports, wrong = _reports(report_address)
    if wrong:
        raise Invalid(wrong)
    peer = await _peer(session, actor, peer_id)
    if peer.report_address != reports:
        peer.report_address = reports
        audit.record(session, actor, "dicom-peer-changed", peer, report_address=reports)
        await session.flush()
    return peer


async def _peer(session: AsyncSession, actor: Actor, peer_id: uuid.UUID) -> DicomPeer:
    peer: DicomPeer | None = await session.scalar(
        select(DicomPeer).where(DicomPeer.id == peer_id, dicom_peers_of_house(actor)).with_for_update()
    )
    if peer is None:
        raise NotFound
    return peer


def _reports(typed: str) -> tuple[str, dict[str, str]]:
    """The address as it is kept, and what is wrong with it."""
    try:
        return (host_and_port(typed.strip()) if typed.strip() else ""), {}
    except ValueError:
        return "", {"report_address": "Give its address and port, like 10.1.2.3:104."}


def _network(address: str) -> str | None:
    """As it is kept; None for nothing. Raises ValueError for what is no small network."""
    if not address.strip():
        return None
    network = ip_network(address.strip())
    if network.prefixlen < (WIDEST_IPV4 if isinstance(network, IPv4Network) else WIDEST_IPV6):
        raise ValueError
    return str(network)
