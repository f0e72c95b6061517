"""What one message puts into one patient's file: known again by the sender's own numbers."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.hl7v2.reading import UNKNOWN_KEY, Fault
from teleconsult.records.actions import file_entry
from teleconsult.records.changing import make_next
from teleconsult.records.identifying import keep_numbers, numbered
from teleconsult.records.models import EntryStatus, Origin, RecordEntry


@dataclass(frozen=True, slots=True)
class Filing:
    """Entries of `patient_id`, by the system's name `source`; its facility's numbers are of `facility`."""

    session: AsyncSession
    actor: Actor
    patient_id: uuid.UUID
    facility: str
    source: str

    @property
    def system(self) -> str:
        """Whose numbers these are, as R4 Identifier.system."""
        return f"urn:teleconsult:hl7v2:{self.facility}"

    async def known(self, *numbers: str) -> dict[str, RecordEntry]:
        """What was filed under these numbers before, locked."""
        asked = numbered(self.actor, [(self.system, number) for number in numbers])
        found = await self.session.execute(asked.with_for_update(of=RecordEntry))
        return {row.value: row.RecordEntry for row in found}

    async def put(
        self,
        resource: Mapping[str, Any],
        *,
        number: str,
        before: RecordEntry | None,
        title: str,
        effective_at: datetime,
        wrong: str = "",
    ) -> RecordEntry:
        """File it, or make it the next version of what stood `before`; `wrong` says why it is an error from now on.

        What is an error already stays one. Raises Fault where the number is another patient's.
        """
        numbered = {**resource, "identifier": [{"system": self.system, "value": number}]}
        title = title[:300]
        if before is not None:
            if before.patient_id != self.patient_id:
                raise Fault(UNKNOWN_KEY, "This number is another patient's already.", where="PID-3")
            if before.status is EntryStatus.CURRENT:
                await make_next(
                    self.session,
                    self.actor,
                    before,
                    resource=numbered,
                    title=title,
                    effective_at=effective_at,
                    reason=wrong,
                )
            return before
        entry = await file_entry(
            self.session,
            self.actor,
            patient_id=self.patient_id,
            resource=numbered,
            title=title,
            effective_at=effective_at,
            author_name=self.source,
            origin=Origin.HL7,
            source=self.source,
        )
        await keep_numbers(self.session, entry, numbers=[(self.system, number)])
        return entry
