"""What came of trying a connection that is typed in a form and kept nowhere yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from aiohttp import web

from teleconsult.errors import Invalid
from web.flash import Tone
from web.i18n import gettext as _
from web.rendering import render
from web.requests import frame_of

FRAME: Final = "trial"


@dataclass(frozen=True, slots=True)
class Trial:
    """A sentence and how it is meant; where nothing was tried, what is wrong with which field."""

    tone: Tone
    words: str
    errors: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_errors(cls, error: Invalid) -> Self:
        """Of a form that cannot be tried."""
        return cls("warn", " ".join(_(sentence) for sentence in error.fields.values()), error.fields)


def trial_page(request: web.Request, trial: Trial) -> web.StreamResponse | None:
    """The answer beside the form, where the browser keeps the form as it is; None where it wants a whole page."""
    return render(request, "admin/_trial.html.jinja", trial=trial) if frame_of(request) == FRAME else None
