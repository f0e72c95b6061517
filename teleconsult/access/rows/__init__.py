"""Whose things are whose: for each kind of row, which of them exist for an actor.

Every look-up that goes through an actor takes its condition from here, and nothing says such a rule a second time but
the database itself (`migrations/walls.py`). What a role may do at all stands in `permissions`, what a consult's state
allows in `consults.states`.

The system finds nothing here: a job looks up what it was told of, by id.
"""

from teleconsult.access.rows.consults import (
    communications,
    consents,
    consults,
    encounters,
    held_seats,
    is_permitted,
    open_tasks,
    owned_tasks,
    requests,
    services,
)
from teleconsult.access.rows.contents import (
    excerpts,
    held_looks,
    looks,
    notes,
    shared_excerpts,
    studies,
    studies_among,
    studies_of_house,
    waiting_studies,
)
from teleconsult.access.rows.directory import (
    dicom_peers_of_house,
    endpoints_of_house,
    fhir_clients_of_house,
    hl7_messages_of_house,
    hl7_senders_of_house,
    imports_of_house,
    own_sessions,
    own_tokens,
    pacs_fetches,
    pacs_of_house,
    practitioners_of_house,
    rules_of_house,
    services_of_house,
    sessions_of_house,
    tokens_of_house,
)
from teleconsult.access.rows.emergencies import emergencies, emergency_pages
from teleconsult.access.rows.notices import notices, push_devices
from teleconsult.access.rows.patients import (
    care_relations,
    entries,
    files,
    identity_cases,
    openings,
    openings_to_review,
    patient_links,
    patients,
    patients_of_house,
    patients_of_network,
    treated_entries,
    treated_patients,
)
from teleconsult.access.rows.people import audit_events, houses_that_share, roles_of_house, watched_patients
from teleconsult.access.rows.recordings import recordings
from teleconsult.access.rows.writing import note_phrases, note_templates

__all__ = [
    "audit_events",
    "care_relations",
    "communications",
    "consents",
    "consults",
    "dicom_peers_of_house",
    "emergencies",
    "emergency_pages",
    "encounters",
    "endpoints_of_house",
    "entries",
    "excerpts",
    "fhir_clients_of_house",
    "files",
    "held_looks",
    "held_seats",
    "hl7_messages_of_house",
    "hl7_senders_of_house",
    "houses_that_share",
    "identity_cases",
    "imports_of_house",
    "is_permitted",
    "looks",
    "note_phrases",
    "note_templates",
    "notes",
    "notices",
    "open_tasks",
    "openings",
    "openings_to_review",
    "own_sessions",
    "own_tokens",
    "owned_tasks",
    "pacs_fetches",
    "pacs_of_house",
    "patient_links",
    "patients",
    "patients_of_house",
    "patients_of_network",
    "practitioners_of_house",
    "push_devices",
    "recordings",
    "requests",
    "roles_of_house",
    "rules_of_house",
    "services",
    "services_of_house",
    "sessions_of_house",
    "shared_excerpts",
    "studies",
    "studies_among",
    "studies_of_house",
    "tokens_of_house",
    "treated_entries",
    "treated_patients",
    "waiting_studies",
    "watched_patients",
]
