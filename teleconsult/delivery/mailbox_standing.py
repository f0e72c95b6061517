"""Whether a mailbox may still be written to, asked again at the moment of sending."""

from sqlalchemy import Exists, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.delivery.mailing import PATIENTS, oppositions_of
from teleconsult.delivery.models import Delivery, DeliveryStatus, Purpose
from teleconsult.delivery.reasons import Reason
from teleconsult.delivery.recipient_models import OpposedTo
from teleconsult.delivery.secure_mail_message import is_patients
from teleconsult.directory.mailboxes.models import WRITABLE, Mailbox
from teleconsult.patients.models import IdentifierStatus, PatientIdentifier
from teleconsult.patients.national_ids import NIA, NIR


async def why_closed(session: AsyncSession, delivery: Delivery) -> tuple[DeliveryStatus, Reason] | None:
    """Where it stands and why, if nothing may be sent there now; None where it may.

    A professional's mailbox is one the establishment's directory marks as secure, in use and not red-listed; a
    patient's is made of their qualified number. Word that a document was withdrawn goes to who has it, whatever the
    patient is opposed to since.
    """
    is_theirs = is_patients(delivery.destination)
    if delivery.purpose is Purpose.DOCUMENT:
        opposed = await oppositions_of(session, delivery.patient_id)
        if (OpposedTo.PATIENT if is_theirs else OpposedTo.PROFESSIONALS) in opposed:
            return DeliveryStatus.CANCELLED, Reason.OPPOSED
    known = await session.scalar(select(_patients(delivery) if is_theirs else _listed(delivery)))
    return None if known else (DeliveryStatus.DEAD, Reason.NO_MAILBOX)


def _listed(delivery: Delivery) -> Exists:
    return exists().where(
        Mailbox.organization_id == delivery.organization_id,
        Mailbox.address == delivery.destination.lower(),
        WRITABLE,
    )


def _patients(delivery: Delivery) -> Exists:
    return exists().where(
        PatientIdentifier.patient_id == delivery.patient_id,
        PatientIdentifier.system.in_((NIR, NIA)),
        PatientIdentifier.status == IdentifierStatus.QUALIFIED,
        func.lower(PatientIdentifier.value) + f"@{PATIENTS}" == delivery.destination.lower(),
    )
