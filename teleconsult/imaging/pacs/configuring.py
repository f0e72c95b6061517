"""Which archives an establishment asks: set by its administrators."""

import base64
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final
from urllib.parse import urlsplit

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
from teleconsult.imaging.dimse.peers import AE_TITLE, read_authority
from teleconsult.imaging.pacs.models import Pacs, PacsKind
from teleconsult.other_systems import change, read_name, turn
from teleconsult.sealing import Sealer
from teleconsult.settings import is_safe_address

MOST: Final = 10
"""Of one establishment."""
LONGEST_ADDRESS: Final = 500
LONGEST_SECRET: Final = 4000


@dataclass(frozen=True, slots=True)
class PacsForm:
    """What an administrator types. The credential is a user's name and password, or a token alone; where both are
    empty, the one that is set stays, unless it `forgets` it.
    """

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
    forgets: bool = False


@dataclass(frozen=True, slots=True)
class _Settings:
    """What of a row an administrator sets."""

    name: str
    kind: PacsKind
    address: str
    ae_title: str
    calling_title: str
    uses_tls: bool
    authority: str
    credential_sealed: bytes | None
    dicom_peer_id: uuid.UUID | None

    def values(self) -> dict[str, object]:
        """By column."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


async def pacs_here(session: AsyncSession, actor: Actor) -> Sequence[Pacs]:
    """The establishment's archives, by name; those turned off too. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    found = await session.scalars(
        select(Pacs).where(pacs_of_house(actor)).order_by(Pacs.name, Pacs.id).options(joinedload(Pacs.sender))
    )
    return found.all()


async def pacs_of_id(session: AsyncSession, actor: Actor, *, pacs_id: uuid.UUID, lock: bool = False) -> Pacs:
    """One of them. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    query = select(Pacs).where(Pacs.id == pacs_id, pacs_of_house(actor))
    kept: Pacs | None = await session.scalar(query.with_for_update() if lock else query)
    if kept is None:
        raise NotFound
    return kept


async def add_pacs(session: AsyncSession, actor: Actor, *, form: PacsForm, own_title: str, sealer: Sealer) -> Pacs:
    """Have one asked. `own_title` is what our own door for images is called.

    Raises NotFound, Invalid with a sentence a field.
    """
    require(actor, Permission.ADMINISTRATION)
    read = await _read(session, actor, form, None, own_title=own_title, sealer=sealer)
    if len(await pacs_here(session, actor)) >= MOST:
        raise Invalid({"": "There are ten already. Turn to the operator for more."})
    kept = _row(actor, read)
    session.add(kept)
    await session.flush()
    audit.record(session, actor, "pacs-added", kept, kind=kept.kind.value, place=kept.address)
    return kept


async def change_pacs(
    session: AsyncSession, actor: Actor, *, pacs_id: uuid.UUID, form: PacsForm, own_title: str, sealer: Sealer
) -> Pacs:
    """Have it asked otherwise, also for what waits to be fetched; the log says what was changed.

    A credential stays with the place it was given for. Raises as `add_pacs`.
    """
    kept = await pacs_of_id(session, actor, pacs_id=pacs_id, lock=True)
    read = await _read(session, actor, form, kept, own_title=own_title, sealer=sealer)
    if told := change(kept, read.values()):
        audit.record(session, actor, "pacs-changed", kept, changed=told)
        await session.flush()
    return kept


async def pacs_to_try(
    session: AsyncSession,
    actor: Actor,
    *,
    form: PacsForm,
    own_title: str,
    sealer: Sealer,
    pacs_id: uuid.UUID | None = None,
) -> Pacs:
    """One as it would be with this form, kept nowhere; in the log before it is asked. Raises as `change_pacs`."""
    require(actor, Permission.ADMINISTRATION)
    known = await pacs_of_id(session, actor, pacs_id=pacs_id) if pacs_id else None
    read = await _read(session, actor, form, known, own_title=own_title, sealer=sealer)
    audit.record(session, actor, "pacs-tested", known, kind=read.kind.value, place=read.address)
    return _row(actor, read)


async def switch_pacs(session: AsyncSession, actor: Actor, *, pacs_id: uuid.UUID, is_on: bool) -> Pacs:
    """Turn an archive off, or on again. Twice is once. Raises NotFound."""
    kept = await pacs_of_id(session, actor, pacs_id=pacs_id, lock=True)
    if turn(kept, is_on=is_on):
        audit.record(session, actor, "pacs-enabled" if is_on else "pacs-disabled", kept)
        await session.flush()
    return kept


async def pacs_to_test(session: AsyncSession, actor: Actor, *, pacs_id: uuid.UUID) -> Pacs:
    """One of them, to be asked whether it is there; in the log before it is. Raises NotFound."""
    kept = await pacs_of_id(session, actor, pacs_id=pacs_id)
    audit.record(session, actor, "pacs-tested", kept, kind=kept.kind.value, place=kept.address)
    return kept


def _row(actor: Actor, read: _Settings) -> Pacs:
    return Pacs(
        id=uuid.uuid4(),
        organization_id=actor.organization_id,
        created_at=now(),
        created_by_id=actor.role_id,
        **read.values(),
    )


async def _read(
    session: AsyncSession, actor: Actor, form: PacsForm, known: Pacs | None, *, own_title: str, sealer: Sealer
) -> _Settings:
    """What was typed, as it is kept. Raises Invalid."""
    errors: dict[str, str] = {}
    name = read_name(form.name, errors)
    kind = next((one for one in PacsKind if one == form.kind), None)
    if kind is None:
        raise Invalid({**errors, "kind": "Choose how images are fetched from it."})
    is_web = kind is PacsKind.DICOMWEB
    address, authority = _address(form, errors, is_web=is_web), read_authority(form.authority, errors)
    ae_title, calling_title = ("", "") if is_web else _titles(form, kind, own_title, errors)
    credential = _credential(form, errors, sealer) if is_web else None
    if is_web and known is not None and known.credential_sealed and credential is None and not form.forgets:
        credential = known.credential_sealed
        if (known.address, read_authority(known.authority, {})) != (address, authority):
            errors["secret"] = "Type it again: it was given for another address or certificate."  # noqa: S105  # no secret
    sender = None
    if kind is PacsKind.C_MOVE:
        sender = await _sender(session, actor, form.sender)
        if sender is None:
            errors["sender"] = "Choose which of the systems that send images it is."
    if errors:
        raise Invalid(errors)
    return _Settings(
        name=name,
        kind=kind,
        address=address,
        ae_title=ae_title,
        calling_title=calling_title,
        uses_tls=form.uses_tls and not is_web,
        authority=authority,
        credential_sealed=credential,
        dicom_peer_id=sender,
    )


def _address(form: PacsForm, errors: dict[str, str], *, is_web: bool) -> str:
    try:
        return _url(form.address.strip()) if is_web else host_and_port(form.address.strip())
    except ValueError:
        if is_web:
            errors["address"] = "Give its https address, like https://pacs.hospital.example/dicom-web."
        else:
            errors["address"] = "Give its name or address and its port, like pacs.hospital.example:104."
        return ""


def _titles(form: PacsForm, kind: PacsKind, own_title: str, errors: dict[str, str]) -> tuple[str, str]:
    """What it is called, and what we call ourselves there."""
    theirs = form.ae_title.strip()
    ours = own_title if kind is PacsKind.C_MOVE else form.calling_title.strip() or own_title
    if not AE_TITLE.fullmatch(theirs):
        errors["ae_title"] = "Give its AE title: 16 plain letters at most."
    if not AE_TITLE.fullmatch(ours):
        errors["calling_title"] = "An AE title has 16 plain letters at most."
    return theirs, ours


def _credential(form: PacsForm, errors: dict[str, str], sealer: Sealer) -> bytes | None:
    """The Authorization header, sealed; None where nothing was typed."""
    typed = form.user + form.secret
    if len(typed) > LONGEST_SECRET or not typed.isprintable() or (not form.user and not form.secret.isascii()):
        errors["secret"] = "This is too long, or holds signs that cannot be sent."  # noqa: S105  # no secret, but words
    elif ":" in form.user:
        errors["user"] = "A user name has no colon in it."
    elif form.user:
        pair = base64.b64encode(f"{form.user}:{form.secret}".encode()).decode()
        return sealer.seal(f"Basic {pair}".encode())
    elif form.secret:
        return sealer.seal(f"Bearer {form.secret}".encode())
    return None


async def _sender(session: AsyncSession, actor: Actor, typed: str) -> uuid.UUID | None:
    try:
        wanted = uuid.UUID(typed)
    except ValueError:
        return None
    return await session.scalar(select(DicomPeer.id).where(DicomPeer.id == wanted, dicom_peers_of_house(actor)))


def _url(typed: str) -> str:
    """Raises ValueError for what is no address, or carries more than one."""
    parts = urlsplit(typed)
    is_plain = len(typed) <= LONGEST_ADDRESS and typed.isascii() and not set(typed) & set(' \\"<>?#@%')
    if not is_plain or not is_safe_address(typed) or ".." in parts.path or parts.port == 0:
        raise ValueError
    check_host(parts.hostname or "")
    return typed.rstrip("/")
