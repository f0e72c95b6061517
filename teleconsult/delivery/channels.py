"""The ways out, by channel. What is not here cannot be sent."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from teleconsult.delivery.fhir_channel import Fhir
from teleconsult.delivery.hl7v2_channel import Hl7v2
from teleconsult.delivery.models import Channel
from teleconsult.delivery.parcel import Sender
from teleconsult.delivery.secure_mail import SecureMail

CHANNELS: Final[Mapping[Channel, Sender]] = MappingProxyType(
    {Channel.FHIR: Fhir(), Channel.HL7V2: Hl7v2(), Channel.SECURE_MAIL: SecureMail()}
)
"""Into a patient file that is here nothing is sent: `delivery.filing` writes it."""
