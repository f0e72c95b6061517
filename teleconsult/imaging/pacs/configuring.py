"""Which archives an establishment asks: set by its administrators."""

import base64
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.access.rows import dicom_peers_of_house, pacs_of_house
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.errors import Invalid, NotFound
from teleconsult.imaging.dimse.addresses import check_host, host_and_port
from teleconsult.imaging.dimse.models import DicomPeer
from teleconsult.imaging.dimse.peers import AE_TITLE, LONGEST_NAME
from teleconsult.imaging.pacs.models import Pacs, PacsKind
from teleconsult.sealing import Sealer
from teleconsult.settings import is_safe_address

MOST: Final = 10
"""Of one establishment."""
LONGEST_ADDRESS: Final = 500
LONGEST_SECRET: Final = 4000
UNSENDABLE: Final = "This is too long, or holds signs that cannot be sent."


@dataclass(frozen=True, slots=True)
class PacsForm:
    """What an administrator types. The credential is a user's name and password, or a token alone."""

    name: str
    kind: str
    address: str
    ae_title: str = ""
    calling_title: str = ""
    uses_tls: bool = False
    authority: str = ""
    user: str = ""
    secret: str = ""
    sender: str = ""
    """The id of the system that may send, for one that moves images."""


async def pacs_here(session: AsyncSession, actor: Actor) -> Sequence[Pacs]:
    """The establishment's archives, by name; those turned off too. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    found = await session.scalars(
        select(Pacs).where(pacs_of_house(actor)).order_by(Pacs.name, Pacs.id).options(joinedload(Pacs.sender))
    )
    return found.all()


async def add_pacs(session: AsyncSession, actor: Actor, *, form: PacsForm, own_title: str, sealer: Sealer) -> Pacs:
    """Have one asked. `own_title` is what our own door for images is called.

    Raises NotFound, Invalid with a sentence a field.
    """
    require(actor, Permission.ADMINISTRATION)
    errors: dict[str, str] = {}
    name = " ".join(form.name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        errors["name"] = "Give it a short name."
    kind = next((one for one in PacsKind if one == form.kind), None)
    if kind is None:
        raise Invalid({**errors, "kind": "Choose how images are fetched from it."})
    if len(await pacs_here(session, actor)) >= MOST:
        raise Invalid({"": "There are ten already. Turn to the operator for more."})
    kept = Pacs(
        id=uuid.uuid4(),
        organization_id=actor.organization_id,
        name=name,
        kind=kind,
        created_at=now(),
        created_by_id=actor.role_id,
    )
    try:
        kept.authority = _authority(form.authority)
    except ValueError:
        errors["authority"] = "This is no certificate. Paste it from BEGIN CERTIFICATE to END CERTIFICATE."
    if kind is PacsKind.DICOMWEB:
        errors |= _fill_web(kept, form, sealer)
    else:
        errors |= _fill_dimse(kept, form, own_title)
    if kind is PacsKind.C_MOVE:
        kept.dicom_peer_id = await _sender(session, actor, form.sender)
        if kept.dicom_peer_id is None:
            errors["sender"] = "Choose which of the systems that send images it is."
    if errors:
        raise Invalid(errors)
    session.add(kept)
    await session.flush()
    audit.record(session, actor, "pacs-added", kept, kind=kind.value)
    return kept


async def switch_pacs(session: AsyncSession, actor: Actor, *, pacs_id: uuid.UUID, is_on: bool) -> Pacs:
    """Turn an archive off, or on again. Twice is once. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    kept = await session.scalar(select(Pacs).where(Pacs.id == pacs_id, pacs_of_house(actor)).with_for_update())
    if kept is None:
        raise NotFound
    if (kept.disabled_at is None) is not is_on:
        kept.disabled_at = None if is_on else now()
        audit.record(session, actor, "pacs-enabled" if is_on else "pacs-disabled", kept)
        await session.flush()
    return kept


async def pacs_to_test(session: AsyncSession, actor: Actor, *, pacs_id: uuid.UUID) -> Pacs:
    """One of them, to be asked whether it is there; in the log before it is. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    kept = await session.scalar(select(Pacs).where(Pacs.id == pacs_id, pacs_of_house(actor)))
    if kept is None:
        raise NotFound
    audit.record(session, actor, "pacs-tested", kept)
    return kept


def _fill_web(kept: Pacs, form: PacsForm, sealer: Sealer) -> dict[str, str]:
    errors = {}
    try:
        kept.address = _url(form.address.strip())
    except ValueError:
        errors["address"] = "Give its https address, like https://pacs.hospital.example/dicom-web."
    if len(form.user + form.secret) > LONGEST_SECRET or not (form.user + form.secret).isprintable():
        errors["secret"] = UNSENDABLE
    elif form.user and ":" in form.user:
        errors["user"] = "A user name has no colon in it."
    elif form.user:
        pair = base64.b64encode(f"{form.user}:{form.secret}".encode()).decode()
        kept.credential_sealed = sealer.seal(f"Basic {pair}".encode())
    elif form.secret and not form.secret.isascii():
        errors["secret"] = UNSENDABLE
    elif form.secret:
        kept.credential_sealed = sealer.seal(f"Bearer {form.secret}".encode())
    return errors


def _fill_dimse(kept: Pacs, form: PacsForm, own_title: str) -> dict[str, str]:
    errors = {}
    try:
        kept.address = host_and_port(form.address.strip())
    except ValueError:
        errors["address"] = "Give its name or address and its port, like pacs.hospital.example:104."
    kept.ae_title, kept.uses_tls = form.ae_title.strip(), form.uses_tls
    kept.calling_title = own_title if kept.kind is PacsKind.C_MOVE else form.calling_title.strip() or own_title
    if not AE_TITLE.fullmatch(kept.ae_title):
        errors["ae_title"] = "Give its AE title: 16 plain letters at most."
    if not AE_TITLE.fullmatch(kept.calling_title):
        errors["calling_title"] = "An AE title has 16 plain letters at most."
    return errors


async def _sender(session: AsyncSession, actor: Actor, typed: str) -> uuid.UUID | None:
    try:
        wanted = uuid.UUID(typed)
    except ValueError:
        return None
    return await session.scalar(select(DicomPeer.id).where(DicomPeer.id == wanted, dicom_peers_of_house(actor)))


def _authority(typed: str) -> str:
    """Raises ValueError for what holds no certificate."""
    pem = typed.strip()
    if pem:
        x509.load_pem_x509_certificates(pem.encode())
    return pem


def _url(typed: str) -> str:
    """Raises ValueError for what is no address, or carries more than one."""
    parts = urlsplit(typed)
    is_plain = len(typed) <= LONGEST_ADDRESS and typed.isascii() and not set(typed) & set(' \\"<>?#@%')
    if not is_plain or not is_safe_address(typed) or ".." in parts.path or parts.port == 0:
        raise ValueError
    check_host(parts.hostname or "")
    return typed.rstrip("/")
