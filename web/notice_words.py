"""What the channels and the kinds of news are called on a page."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from teleconsult.messages.models import Channel
from teleconsult.messages.occasions import Topic
from web.i18n import LazyString
from web.i18n import lazy_gettext as _

NOTICE_LABELS: Final[Mapping[type[StrEnum], Mapping[StrEnum, LazyString]]] = {
    Channel: {
        Channel.EMAIL: _("E-mail"),
        Channel.SMS: _("SMS"),
        Channel.PUSH: _("Messages on my devices"),
    },
    Topic: {
        Topic.REQUESTS: _("Requests: received, accepted, declined, called off"),
        Topic.TIMES: _("Times: proposed, booked, missed"),
        Topic.ANSWERS: _("Answers"),
        Topic.CONTENTS: _("Images, shared files and consents"),
        Topic.REMINDERS: _("Reminders of my sessions"),
        Topic.URGENT: _("Emergencies"),
    },
}
