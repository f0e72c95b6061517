"""Imports every model, so that `Base.metadata` is whole: for migrations, and for string references to resolve."""

import teleconsult.accounts.models
import teleconsult.audit.models
import teleconsult.consents.models
import teleconsult.consults.models
import teleconsult.delivery.models
import teleconsult.delivery.recipient_models
import teleconsult.directory.mailboxes.models
import teleconsult.directory.models
import teleconsult.emergencies.models
import teleconsult.encounters.call_models
import teleconsult.encounters.link_models
import teleconsult.encounters.models
import teleconsult.encounters.recording_models
import teleconsult.encounters.session_log
import teleconsult.excerpts.models
import teleconsult.hl7v2.models
import teleconsult.imaging.commitment.models
import teleconsult.imaging.dimse.models
import teleconsult.imaging.models
import teleconsult.imaging.pacs.models
import teleconsult.meetings.models
import teleconsult.messages.models
import teleconsult.notes.co_signing_models
import teleconsult.notes.evidence_models
import teleconsult.notes.models
import teleconsult.notes.writing_models
import teleconsult.patients.links
import teleconsult.patients.models
import teleconsult.received.models
import teleconsult.records.models
import teleconsult.scheduling.hours_models
import teleconsult.scheduling.models
import teleconsult.systems.models  # noqa: F401  (one name binds the package; all are imported for their tables)
from teleconsult.db import Base

metadata = Base.metadata

__all__ = ["metadata"]
