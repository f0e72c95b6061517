"""FHIR R4 OperationOutcome: what went wrong, for programs (http://hl7.org/fhir/R4/operationoutcome.html)."""

from collections.abc import Mapping
from typing import Any, Final

CODES: Final[Mapping[int, str]] = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    409: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "invalid",
    429: "throttled",
    503: "transient",
}
"""IssueType of a status (http://hl7.org/fhir/R4/valueset-issue-type.html)."""


def operation_outcome(status: int, text: str, *, fields: Mapping[str, str] | None = None) -> dict[str, Any]:
    """One issue for a failure of this HTTP status; one for each parameter that `fields` says something of."""
    code = CODES.get(status, "exception" if status >= 500 else "processing")
    texts = [f"{name}: {words}" for name, words in (fields or {}).items() if name] or [text]
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": code, "details": {"text": said}} for said in texts],
    }
