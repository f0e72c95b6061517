"""An entry as it leaves: pure."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from teleconsult.fhir.entries import encounter_in, entry_resource, is_error
from teleconsult.fhir.types import TYPES
from teleconsult.records.models import EntryStatus, RecordEntry, ResourceType


def entry(kind: ResourceType, resource: dict[str, Any] | None = None, **more: Any) -> RecordEntry:
    """One of our rows, in no database."""
    columns = {"version": 3, "status": EntryStatus.CURRENT, "recorded_at": datetime(2026, 11, 22, tzinfo=UTC), **more}
    stored = {"resourceType": kind.value, "subject": {"reference": "Patient/1"}, **(resource or {})}
    return RecordEntry(id=uuid.uuid4(), resource_type=kind, resource=stored, **columns)


@pytest.mark.parametrize("kind", ResourceType)
def test_every_kind_has_its_row_in_the_table(kind: ResourceType) -> None:
    shown = entry_resource(entry(kind))
    assert (shown["resourceType"], shown["meta"]["versionId"]) == (kind.value, "3")
    assert shown["meta"]["lastUpdated"] == "2026-11-22T00:00:00.000+00:00"
    wrong = entry_resource(entry(kind, status=EntryStatus.ENTERED_IN_ERROR))
    assert is_error(wrong, kind) is bool(TYPES[kind].error)
    assert not is_error(shown, kind)


def test_what_the_sender_said_of_itself_is_kept() -> None:
    one = entry(ResourceType.OBSERVATION, {"meta": {"versionId": "9", "profile": ["http://example.test/p"]}})
    assert entry_resource(one)["meta"]["profile"] == ["http://example.test/p"]
    assert entry_resource(one)["meta"]["versionId"] == "3"


def test_a_provenance_has_no_subject() -> None:
    assert "subject" not in entry_resource(entry(ResourceType.PROVENANCE))


@pytest.mark.parametrize("kind", [kind for kind in ResourceType if TYPES[kind].encounter])
def test_the_encounter_stands_where_the_kind_has_it(kind: ResourceType) -> None:
    visit = uuid.uuid4()
    shown = entry_resource(entry(kind, episode_id=visit))
    assert encounter_in(shown, kind) == f"Encounter/{visit}"
    assert encounter_in(entry_resource(entry(kind)), kind) == ""
    said = entry_resource(entry(kind, shown, episode_id=uuid.uuid4()))
    assert encounter_in(said, kind) == f"Encounter/{visit}", "what the sender said stays"


@pytest.mark.parametrize("odd", [1, "x", [], {}, {"reference": 1}, [1], [{"reference": None}]])
def test_odd_elements_name_no_encounter(odd: Any) -> None:
    assert encounter_in({"encounter": odd}, ResourceType.OBSERVATION) == ""
    assert encounter_in({"context": {"encounter": odd}}, ResourceType.DOCUMENT_REFERENCE) == ""
    assert encounter_in({"context": odd}, ResourceType.DOCUMENT_REFERENCE) == ""
    assert not is_error({"verificationStatus": odd}, ResourceType.CONDITION)
