"""Who shared something reads who looked at it, at what, and when."""

from pathlib import Path

import pytest

from teleconsult.consults.queries import consult_for
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Forbidden, NotFound, Refused
from teleconsult.excerpts.queries import excerpt_for, readings_of
from teleconsult.imaging.queries import open_study, studies_of_consult
from tests import consult_steps
from tests.people import Cast
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import door


async def test_each_look_is_told_to_who_shared(cast: Cast, sessions: Sessions, tmp_path: Path) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with door(sessions, tmp_path) as opened:
        await opened.bring(cast.rural, consult.id, dicom_bytes(side=64))
    for actor in (cast.rural, cast.specialist):
        async with transaction(sessions, actor) as session:
            await excerpt_for(session, actor, consult.id)
            found = await consult_for(session, actor, consult.id)
            (card,) = await studies_of_consult(session, actor, found)
            await open_study(session, actor, card.study.study_instance_uid)
    async with transaction(sessions, cast.rural) as session:
        readings = await readings_of(session, cast.rural, consult.id)
        assert [(one.role.practitioner.name, one.study and one.study.id) for one in readings] == [
            (cast.specialist.name, card.study.id),
            (cast.specialist.name, None),
        ]
        assert {one.role.organization.name for one in readings} == {"CHU de la Capitale"}


@pytest.mark.parametrize(
    ("who", "error"), [("specialist", Forbidden), ("coordinator", Forbidden), ("colleague", NotFound)]
)
async def test_the_other_side_does_not(cast: Cast, sessions: Sessions, who: str, error: type[Exception]) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises(error):
            await readings_of(session, getattr(cast, who), consult.id)


async def test_a_draft_shares_nothing(cast: Cast, sessions: Sessions) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises(Refused):
            await readings_of(session, cast.rural, draft.id)
