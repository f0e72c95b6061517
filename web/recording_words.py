"""What recordings are called on a page."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from teleconsult.encounters.recording_models import RecordingEnd
from web.i18n import LazyString
from web.i18n import lazy_gettext as _

RECORDING_LABELS: Final[Mapping[type[StrEnum], Mapping[StrEnum, LazyString]]] = {
    RecordingEnd: {
        RecordingEnd.STOPPED: _("Stopped"),
        RecordingEnd.DECLINED: _("Somebody said no"),
        RecordingEnd.WITHDRAWN: _("Somebody no longer agreed"),
        RecordingEnd.LEFT: _("The session was left"),
        RecordingEnd.FAILED: _("It could not be written"),
        RecordingEnd.CUT_OFF: _("The server stopped"),
    },
}

RECORDING_ACTS: Final[Mapping[str, LazyString]] = {
    "recording-asked": _("Asked whether a session may be recorded"),
    "recording-agreed": _("Agreed to be recorded"),
    "recording-declined": _("Did not agree to be recorded"),
    "recording-consent-withdrawn": _("No longer agreed to be recorded"),
    "recording-started": _("Began to record a session"),
    "recording-paused": _("Paused a recording"),
    "recording-resumed": _("Went on recording"),
    "recording-ended": _("Ended a recording"),
    "recording-viewed": _("Opened a recording"),
    "recording-deleted": _("Deleted a recording"),
    "recording-expired": _("Deleted a recording whose time was over"),
}
