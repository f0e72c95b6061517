"""A file worth taking out, and who takes it."""

import uuid
from datetime import UTC, datetime
from typing import Any

from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.records.actions import file_entry
from teleconsult.records.models import RecordEntry

HOSTILE = '<img src="file:///etc/hostname"><script>x</script>{{ 7*7 }}%(page)s'


def laboratory(value: float = 7.1) -> dict[str, Any]:
    """A potassium above its range."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [
            {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}
        ],
        "code": {"text": "Potassium"},
        "effectiveDateTime": "2026-03-01T08:00:00Z",
        "valueQuantity": {"value": value, "unit": "mmol/L"},
        "referenceRange": [{"low": {"value": 3.5}, "high": {"value": 5.1}}],
    }


def problem(name: str, note: str = "") -> dict[str, Any]:
    """A Condition that stands."""
    system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    return {
        "resourceType": "Condition",
        "clinicalStatus": {"coding": [{"system": system, "code": "active"}]},
        "code": {"text": name},
        **({"note": [{"text": note}]} if note else {}),
    }


async def filed(
    sessions: Sessions,
    actor: Actor,
    patient_id: uuid.UUID,
    resource: dict[str, Any],
    title: str,
    at: datetime | None = None,
) -> RecordEntry:
    """One entry more."""
    async with transaction(sessions) as session:
        return await file_entry(
            session, actor, patient_id=patient_id, resource=resource, title=title, effective_at=at or now()
        )


def day(text: str) -> datetime:
    """Noon of that day."""
    return datetime.fromisoformat(f"{text}T12:00:00").replace(tzinfo=UTC)
