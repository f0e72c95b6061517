"""The ways out, by channel. What is not here cannot be sent."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from teleconsult.delivery.models import Channel
from teleconsult.delivery.parcel import Sender

CHANNELS: Final[Mapping[Channel, Sender]] = MappingProxyType({})
"""Into a patient file that is here nothing is sent: `delivery.filing` writes it."""
