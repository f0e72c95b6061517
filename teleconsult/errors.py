"""The few ways an act can fail. One place in `web` maps each to a status and a page (or an OperationOutcome).

Messages are English msgids: the edge translates them for the reader.
"""

from collections.abc import Mapping


class TeleconsultError(Exception):
    """What every refusal of ours has in common: a sentence for the person, with named values."""

    status = 500

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message)
        self.message = message
        self.values = values


class Unauthenticated(TeleconsultError):
    """Nobody is signed in, or the sign-in is over."""

    status = 401


class Forbidden(TeleconsultError):
    """The actor may see the thing but not do this to it."""

    status = 403


class StepUpNeeded(TeleconsultError):
    """The act binds, and it is too long since the person last proved who they are."""

    status = 403

    def __init__(self) -> None:
        super().__init__("Confirm first that it is you.")


class NotFound(TeleconsultError):
    """There is no such thing, or none that this actor may know of. The two look alike."""

    status = 404

    def __init__(self, message: str = "There is nothing at this address, or it is not shared with you.") -> None:
        super().__init__(message)


class Refused(TeleconsultError):
    """The thing is not in a state that allows the act."""

    status = 409


class Conflict(TeleconsultError):
    """Someone else changed the thing meanwhile."""

    status = 409


class TooLarge(TeleconsultError):
    """More bytes than the limit allows."""

    status = 413


class Invalid(TeleconsultError):
    """What was typed cannot be taken: one sentence a field. The key "" speaks of the whole form."""

    status = 422

    def __init__(self, fields: Mapping[str, str], **values: object) -> None:
        super().__init__(fields.get("", "Some answers need another look."), **values)
        self.fields = dict(fields)


class TooMany(TeleconsultError):
    """Too many attempts in too short a time."""

    status = 429

    def __init__(self, message: str, *, retry_after: int, **values: object) -> None:
        super().__init__(message, **values)
        self.retry_after = retry_after


class Unavailable(TeleconsultError):
    """A part the act needs does not answer now."""

    status = 503
