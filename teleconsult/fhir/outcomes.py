"""FHIR R4 OperationOutcome: what went wrong, for programs (http://hl7.org/fhir/R4/operationoutcome.html)."""

from collections.abc import Mapping
from typing import Any, Final

from teleconsult.errors import Conflict, Invalid, NotFound, TeleconsultError

CODES: Final[Mapping[int, str]] = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    409: "conflict",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "invalid",
    429: "throttled",
    503: "transient",
}
"""IssueType of a status (http://hl7.org/fhir/R4/valueset-issue-type.html)."""


class BadRequest(Invalid):
    """A request that says something else than it means (R4 §3.1.0.1.5)."""

    status = 400

    def __init__(self, message: str) -> None:
        super().__init__({"": message})


class BadSearch(Invalid):
    """A search that says something else than it means (R4 §3.1.1.3): one sentence a parameter."""

    status = 400


class TooCostly(BadRequest):
    """A search over more than we look through at once."""

    code = "too-costly"


class BadResource(Invalid):
    """A resource that cannot be taken: one sentence an element, named by its FHIRPath (R4 OperationOutcome)."""

    code = "invalid"

    def __init__(self, element: str, message: str, *, code: str = "invalid") -> None:
        super().__init__({element: message})
        self.code = code


class NoSuchPatient(NotFound):
    """The resource is about a patient that does not exist for the actor."""

    status = 422
    code = "not-found"

    def __init__(self, element: str) -> None:
        super().__init__("There is no such patient, or none that you treat.")
        self.fields = {element: self.message}


class Stale(TeleconsultError):
    """What was to be changed is not at the version, or not alone under the identifier, that was named (R4 §3.1.0.5)."""

    status = 412
    code = "conflict"

    def __init__(
        self, message: str = "This is not the current version. Read the resource again, then change it."
    ) -> None:
        super().__init__(message)


class Several(Stale):
    """More than one resource answers to the condition."""

    code = "multiple-matches"

    def __init__(self) -> None:
        super().__init__("Several resources have this identifier. Name one of them by its id.")


class Unmatched(TeleconsultError):
    """A reference by a condition that one resource has to answer to: none does, or several do (R4 §3.1.0.11.3)."""

    status = 412

    def __init__(self, reference: str, answers: int) -> None:
        self.code = "multiple-matches" if answers else "not-found"
        words = "Several resources answer to" if answers else "Nothing that you may know of answers to"
        super().__init__(f"{words} %(reference)s.", reference=reference)


class NotOffered(TeleconsultError):
    """An interaction that the CapabilityStatement does not name."""

    status = 405

    def __init__(self) -> None:
        super().__init__("This cannot be done here.")


def expressions_of(error: TeleconsultError) -> Mapping[str, str]:
    """The elements of a resource that the error speaks of, with a sentence each."""
    found = error.fields if isinstance(error, BadResource | NoSuchPatient) else getattr(error, "expressions", {})
    return found if isinstance(found, Mapping) else {}


def sentence_of(error: TeleconsultError) -> str:
    """What went wrong, in English: all that an error says of elements and parameters, or its one sentence."""
    fields = getattr(error, "fields", None)
    said = "; ".join(fields.values()) if fields else error.message
    return said % error.values if error.values else said


def code_of(error: TeleconsultError) -> str | None:
    """The IssueType that an error brings with it, where its status does not say it."""
    code = getattr(error, "code", None)
    return code if isinstance(code, str) else None


def operation_outcome(
    status: int,
    text: str,
    *,
    fields: Mapping[str, str] | None = None,
    expressions: Mapping[str, str] | None = None,
    code: str | None = None,
) -> dict[str, Any]:
    """One issue for a failure of this HTTP status; one for each parameter that `fields`, and for each element that
    `expressions` says something of.
    """
    code = code or CODES.get(status, "exception" if status >= 500 else "processing")
    issue = {"severity": "error", "code": code}
    if expressions:
        return _outcome(
            [{**issue, "details": {"text": said}, "expression": [name]} for name, said in expressions.items()]
        )
    texts = [f"{name}: {words}" for name, words in (fields or {}).items() if name] or [text]
    return _outcome([{**issue, "details": {"text": said}} for said in texts])


def success(text: str) -> dict[str, Any]:
    """That all went well: what `Prefer: return=OperationOutcome` asks for."""
    return _outcome([{"severity": "information", "code": "informational", "details": {"text": text}}])


def conflict_of(error: Conflict) -> Stale:
    """The same as R4 says it of a version that was named."""
    return Stale(error.message)


def _outcome(issues: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": issues}
