"""A transfer: the patient travels to another establishment, step by step. No file moves, and the consult goes on."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults import states
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb
from teleconsult.directory.models import Organization
from teleconsult.emergencies.models import Transfer, TransferStatus, Transport
from teleconsult.errors import Invalid, NotFound, Refused

LONGEST: Final = 500
LEADS_TO: Final[Mapping[TransferStatus, tuple[TransferStatus, ...]]] = {
    TransferStatus.REQUESTED: (TransferStatus.ACCEPTED, TransferStatus.REFUSED, TransferStatus.CANCELLED),
    TransferStatus.ACCEPTED: (TransferStatus.DEPARTED, TransferStatus.CANCELLED),
    TransferStatus.DEPARTED: (TransferStatus.ARRIVED,),
}
"""What a transfer may become; from the rest nothing."""
ANSWERS: Final = (TransferStatus.ACCEPTED, TransferStatus.REFUSED)
"""What somebody of the destination says, who is named."""


async def ask_transfer(
    session: AsyncSession,
    actor: Actor,
    *,
    consult_id: uuid.UUID,
    destination_id: uuid.UUID | None,
    transport: str,
    note: str = "",
) -> Transfer:
    """Have the patient of a consult travel. One journey at a time.

    Raises NotFound, Forbidden for who has no part in it, Refused while another one stands, Invalid on `destination`,
    `transport`, `note`.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    states.require(consult, actor, Verb.TRANSFER)
    destination = next((place for place in await destinations(session, consult) if place.id == destination_id), None)
    wrong: dict[str, str] = {}
    if destination is None:
        wrong |= Invalid({"destination": "Choose where the patient goes."}).fields
    if transport not in set(Transport):
        wrong |= Invalid({"transport": "Choose how the patient travels."}).fields
    if len(note) > LONGEST:
        wrong |= Invalid({"note": "Say it in fewer words."}).fields
    if wrong or destination is None:
        raise Invalid(wrong)
    standing = select(Transfer.id).where(Transfer.service_request_id == consult.id, Transfer.status.in_(LEADS_TO))
    if await session.scalar(standing) is not None:
        raise Refused("A transfer of this patient is under way already.")
    transfer = Transfer(
        id=uuid.uuid4(),
        service_request_id=consult.id,
        destination_id=destination.id,
        transport=Transport(transport),
        note=" ".join(note.split()),
        requested_at=now(),
        requested_by_id=actor.role_id,
    )
    session.add(transfer)
    audit.record(session, actor, "transfer-requested", transfer, patient_id=consult.patient_id, consult=consult.id)
    await _tell(session, consult)
    return transfer


async def move_transfer(
    session: AsyncSession, actor: Actor, *, transfer_id: uuid.UUID, status: str, answered_by: str = ""
) -> Transfer:
    """Note what became of it: accepted or refused (by whom), departed, arrived, cancelled.

    Raises NotFound, Forbidden, Refused where it cannot come next, Invalid on `answered_by` where nobody is named.
    """
    found = await session.get(Transfer, transfer_id)
    if found is None:
        raise NotFound
    consult = await consult_for(session, actor, found.service_request_id, lock=True)
    states.require(consult, actor, Verb.FOLLOW_TRANSFER)
    await session.refresh(found)
    if status not in set(TransferStatus) or TransferStatus(status) not in LEADS_TO.get(found.status, ()):
        raise Refused("This is not what comes next for this transfer.")
    said_by, moment = " ".join(answered_by.split()), now()
    if status in ANSWERS:
        if not 0 < len(said_by) <= LONGEST:
            raise Invalid({"answered_by": "Say who answered there."})
        found.answered_at, found.answered_by = moment, said_by
    elif status == TransferStatus.DEPARTED:
        found.departed_at = moment
    elif status == TransferStatus.ARRIVED:
        found.arrived_at = moment
    else:
        found.cancelled_at = moment
    found.status = TransferStatus(status)
    audit.record(session, actor, "transfer-noted", found, patient_id=consult.patient_id, status=status)
    await _tell(session, consult)
    return found


async def transfers_of(session: AsyncSession, consult_id: uuid.UUID) -> Sequence[Transfer]:
    """The transfers of a consult that was looked up through the actor, latest first; destination loaded."""
    found = await session.scalars(
        select(Transfer)
        .where(Transfer.service_request_id == consult_id)
        .order_by(Transfer.requested_at.desc())
        .options(joinedload(Transfer.destination))
    )
    return found.all()


async def destinations(session: AsyncSession, consult: ServiceRequest) -> Sequence[Organization]:
    """Where the patient of a consult may travel: the other establishments of the network, by name."""
    house = consult.requester_organization
    if house.sharing_network is None:
        return ()
    found = await session.scalars(
        select(Organization)
        .where(Organization.sharing_network == house.sharing_network, Organization.id != house.id)
        .order_by(Organization.name)
    )
    return found.all()


async def _tell(session: AsyncSession, consult: ServiceRequest) -> None:
    await session.flush()
    await tell_consult(session, "ConsultTransferChanged", consult)
