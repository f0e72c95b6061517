"""Which systems may send images: set by the establishment's administrators."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.access.rows import dicom_peers_of_house
from teleconsult.accounts.actor import Actor
from teleconsult.client_certificates import certificates_in, fingerprint_in, holds_private_key
from teleconsult.clock import now
from teleconsult.errors import Conflict, Invalid, NotFound
from teleconsult.imaging.dimse.addresses import host_and_port
from teleconsult.imaging.dimse.models import DicomPeer
from teleconsult.other_systems import change, read_name, turn

MOST: Final = 100
MOST_CERTIFICATES: Final = 10
"""Of an authority: its own, those it stands on, and those that follow them."""
WIDEST_IPV4, WIDEST_IPV6 = 24, 64
"""Bits that are fixed at least: a whole hospital is no scanner."""
AE_TITLE: Final = re.compile(r"[ -\[\]-~]{1,16}")


@dataclass(frozen=True, slots=True)
class PeerForm:
    """What an administrator types. It is known by its address or small network, by its client certificate in PEM, or
    by both; where no certificate is pasted, the one that is set stays, unless it `forgets` it.
    """

    name: str
    ae_title: str
    address: str = ""
    certificate: str = ""
    forgets: bool = False
    report_address: str = ""
    """Where it takes reports of storage commitment, `host:port`; empty where it takes none."""
    reports_by_tls: bool = False
    report_authority: str = ""


async def peers_here(session: AsyncSession, actor: Actor) -> Sequence[DicomPeer]:
    """The establishment's systems that send, by name; those turned off too. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    found = await session.scalars(
        select(DicomPeer).where(dicom_peers_of_house(actor)).order_by(DicomPeer.name, DicomPeer.id).limit(MOST)
    )
    return found.all()


async def add_peer(session: AsyncSession, actor: Actor, *, form: PeerForm) -> DicomPeer:
    """Let a system send. Raises NotFound, Invalid with a sentence a field, Conflict where such a system is known."""
    require(actor, Permission.ADMINISTRATION)
    peer = _row(actor, _read(form, None))
    try:
        async with session.begin_nested():
            session.add(peer)
    except IntegrityError as error:
        raise _known_already() from error
    audit.record(session, actor, "dicom-peer-added", peer, ae_title=peer.ae_title)
    return peer


async def change_peer(session: AsyncSession, actor: Actor, *, peer_id: uuid.UUID, form: PeerForm) -> DicomPeer:
    """Know it otherwise from now on; the log says what was changed. Raises as `add_peer`."""
    peer = await peer_of_id(session, actor, peer_id=peer_id, lock=True)
    values = _read(form, peer)
    try:
        async with session.begin_nested():
            told = change(peer, values)
    except IntegrityError as error:
        raise _known_already() from error
    if told:
        audit.record(session, actor, "dicom-peer-changed", peer, changed=told)
    return peer


async def switch_peer(session: AsyncSession, actor: Actor, *, peer_id: uuid.UUID, is_on: bool) -> DicomPeer:
    """Turn a system off, or on again. Twice is once. Raises NotFound."""
    peer = await peer_of_id(session, actor, peer_id=peer_id, lock=True)
    if turn(peer, is_on=is_on):
        audit.record(session, actor, "dicom-peer-enabled" if is_on else "dicom-peer-disabled", peer)
        await session.flush()
    return peer


async def peer_to_try(
    session: AsyncSession, actor: Actor, *, form: PeerForm, peer_id: uuid.UUID | None = None
) -> DicomPeer:
    """One as it would be with this form, kept nowhere; in the log before it is called. Raises as `change_peer`."""
    require(actor, Permission.ADMINISTRATION)
    known = await peer_of_id(session, actor, peer_id=peer_id) if peer_id else None
    tried = _row(actor, _read(form, known))
    if not tried.report_address:
        raise Invalid({"report_address": "Say first where it takes reports: nothing else of it can be called."})
    audit.record(session, actor, "dicom-peer-tried", known, place=tried.report_address)
    return tried


async def peer_of_id(session: AsyncSession, actor: Actor, *, peer_id: uuid.UUID, lock: bool = False) -> DicomPeer:
    """One of them. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    query = select(DicomPeer).where(DicomPeer.id == peer_id, dicom_peers_of_house(actor))
    peer: DicomPeer | None = await session.scalar(query.with_for_update() if lock else query)
    if peer is None:
        raise NotFound
    return peer


def read_authority(typed: str, errors: dict[str, str], *, field: str = "authority") -> str:
    """The certificates among what was typed and nothing else, written anew in PEM; `errors` says what is wrong."""
    if not typed.strip() or _is_key(typed, errors, field):
        return ""
    try:
        certificates = certificates_in(typed)
    except ValueError:
        errors[field] = "This is no certificate. Paste it from BEGIN CERTIFICATE to END CERTIFICATE."
        return ""
    if len(certificates) > MOST_CERTIFICATES:
        errors[field] = "Paste ten certificates at most."
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)


def _is_key(typed: str, errors: dict[str, str], field: str) -> bool:
    if found := holds_private_key(typed):
        errors[field] = (
            "This holds a private key. Paste the certificate alone, from BEGIN CERTIFICATE to END CERTIFICATE."
        )
    return found


def _known_already() -> Conflict:
    return Conflict("A system with this title and address may send already.")


def _row(actor: Actor, values: dict[str, object]) -> DicomPeer:
    return DicomPeer(
        id=uuid.uuid4(),
        organization_id=actor.organization_id,
        created_at=now(),
        created_by_id=actor.role_id,
        **values,
    )


def _read(form: PeerForm, known: DicomPeer | None) -> dict[str, object]:
    """What was typed, by column. Raises Invalid."""
    errors: dict[str, str] = {}
    name, ae_title = read_name(form.name, errors), form.ae_title.strip()
    if not AE_TITLE.fullmatch(ae_title):
        errors["ae_title"] = "Give its AE title: 16 plain letters at most."
    network, reports = None, ""
    try:
        network = _network(form.address)
    except ValueError:
        errors["address"] = "Give one address, like 10.1.2.3, or a network of 256 at most, like 10.1.2.0/24."
    fingerprint = known.certificate_sha256 if known and not form.forgets else None
    if form.certificate.strip() and not _is_key(form.certificate, errors, "certificate"):
        try:
            fingerprint = fingerprint_in(form.certificate)
        except ValueError:
            errors["certificate"] = "This is no certificate. Paste it from BEGIN CERTIFICATE to END CERTIFICATE."
    elif not form.address.strip() and fingerprint is None:
        errors["address"] = "Say where it stands in the network, or paste its certificate."
    try:
        reports = host_and_port(form.report_address.strip()) if form.report_address.strip() else ""
    except ValueError:
        errors["report_address"] = "Give its address and port, like 10.1.2.3:104."
    authority = read_authority(form.report_authority, errors, field="report_authority")
    if errors:
        raise Invalid(errors)
    return {
        "name": name,
        "ae_title": ae_title,
        "network": network,
        "certificate_sha256": fingerprint,
        "report_address": reports,
        "reports_by_tls": form.reports_by_tls,
        "report_authority": authority,
    }


def _network(address: str) -> str | None:
    """As it is kept; None for nothing. Raises ValueError for what is no small network."""
    if not address.strip():
        return None
    network = ip_network(address.strip())
    if network.prefixlen < (WIDEST_IPV4 if isinstance(network, IPv4Network) else WIDEST_IPV6):
        raise ValueError
    return str(network)
