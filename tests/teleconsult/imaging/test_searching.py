"""What a search reads of its parameters, and that it asks the database twice, whatever it finds."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from teleconsult.db import Sessions, transaction
from teleconsult.imaging.asking import MOST, BadQuery, read_wanted
from teleconsult.imaging.keys import KEYS, Level, tag_of
from teleconsult.imaging.searching import readable, search
from tests import consult_steps
from tests.people import Cast
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import door


def test_names_and_tags() -> None:
    assert tag_of("PatientName") == tag_of("00100010") == "00100010"
    assert tag_of("0020000d") == "0020000D"
    assert tag_of("RequestAttributesSequence.ScheduledProcedureStepID") == "00400275.00400009"
    for none in ("", "Patient Name", "0010001", "x.PatientName", "PatientName."):
        assert tag_of(none) is None


def test_every_key_the_standard_demands() -> None:
    """PS3.18 table 10.6.1-5."""
    demanded = (
        *("StudyDate", "StudyTime", "AccessionNumber", "ModalitiesInStudy", "ReferringPhysicianName", "PatientName"),
        *("PatientID", "StudyInstanceUID", "StudyID", "Modality", "SeriesInstanceUID", "SeriesNumber"),
        *("PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime", "SOPClassUID", "SOPInstanceUID"),
        *("RequestAttributesSequence.ScheduledProcedureStepID", "RequestAttributesSequence.RequestedProcedureID"),
        "InstanceNumber",
    )
    assert {tag_of(name) for name in demanded} <= KEYS.keys()


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("StudyDate", "20260301", ("20260301", "20260301")),
        ("StudyDate", "20260301-", ("20260301", "")),
        ("StudyDate", "-20260301", ("", "20260301")),
        ("StudyTime", "08:30-17", ("0830", "17")),
        ("StudyInstanceUID", "1.2,1.3\\1.4", ("1.2", "1.3", "1.4")),
        ("PatientName", "Rose*", ("Rose*",)),
    ],
)
def test_a_value_is_taken_apart(name: str, value: str, read: tuple[str, ...]) -> None:
    (match,) = read_wanted(Level.STUDY, [(name, value)], under={}).matches
    assert match.values == read


def test_an_answer_has_an_end() -> None:
    assert read_wanted(Level.STUDY, [("limit", "999999999")], under={}).limit == MOST
    with pytest.raises(BadQuery):
        read_wanted(Level.STUDY, [("SeriesNumber", "1")], under={})


async def test_two_questions_whatever_the_number(
    cast: Cast, sessions: Sessions, engine: AsyncEngine, tmp_path: Path
) -> None:
    consult = await consult_steps.drafted(cast, sessions)
    async with door(sessions, tmp_path) as opened:
        await opened.bring(cast.rural, consult.id, *(dicom_bytes(PatientID=f"X{number}") for number in range(6)))
    asked: list[str] = []

    def note(*given: Any) -> None:
        asked.append(given[2])

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        for level in Level:
            for limit in (1, 5):
                wanted = read_wanted(level, [("limit", str(limit))], under={})
                async with transaction(sessions, cast.rural, is_planned_anew=True) as session:
                    asked.clear()
                    within = await readable(session, cast.rural)
                    found, is_more = await search(session, cast.rural, wanted, within=within)
                assert (len(found), is_more) == (limit, True)
                assert len(asked) == 3  # who acts, whose studies, which of them
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)
