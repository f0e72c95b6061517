"""The forms of how one is reached: from fields to the arguments of the actions."""

import binascii
from base64 import urlsafe_b64decode
from typing import TypedDict

from teleconsult.errors import Invalid
from teleconsult.messages.choices import Wishes
from teleconsult.messages.models import Channel
from teleconsult.messages.occasions import Topic
from web.bodies import Form


class Subscription(TypedDict):
    """What a browser tells of its subscription (W3C Push API, `PushSubscription`)."""

    endpoint: str
    p256dh: bytes
    auth: bytes


def read_wishes(form: Form) -> Wishes:
    """What is ticked. Raises Invalid for what is on no list."""
    try:
        return Wishes(
            channels=frozenset(Channel(code) for code in form.getall("channels", [])),
            topics=frozenset(Topic(code) for code in form.getall("topics", [])),
            reminders=frozenset(int(minutes) for minutes in form.getall("reminders", [])),
            phone=form.get("phone", ""),
        )
    except ValueError as error:
        raise Invalid({"channels": "Choose from the list."}) from error


def read_subscription(form: Form) -> Subscription:
    """Raises Invalid for keys that are not written as such."""
    try:
        p256dh, auth = (_bytes(form.get(name, "")) for name in ("p256dh", "auth"))
    except (ValueError, binascii.Error) as error:
        raise Invalid({"endpoint": "This browser’s way of receiving messages is not known here."}) from error
    return {"endpoint": form.get("endpoint", ""), "p256dh": p256dh, "auth": auth}


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
