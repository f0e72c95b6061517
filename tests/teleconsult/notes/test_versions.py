"""Which signed notes of a consult count."""

import uuid

from teleconsult.db import transaction
from teleconsult.notes.content import Relation
from teleconsult.notes.drafting import save_draft
from teleconsult.notes.following import begin_addendum, begin_amendment
from teleconsult.notes.signing import Signing
from teleconsult.notes.versions import current_of_consult
from tests import note_steps
from tests.people import Cast


async def test_a_replaced_note_is_not_offered_beside_the_one_that_counts(cast: Cast, signing: Signing) -> None:
    first = (await note_steps.signed(cast, signing)).note
    async with transaction(signing.sessions, cast.specialist) as session:
        before = await current_of_consult(session, cast.specialist, first.service_request_id)
    assert before == {first.id: Relation.NONE}
    kept: dict[uuid.UUID, Relation] = {}
    for begin, relation in ((begin_amendment, Relation.REPLACES), (begin_addendum, Relation.APPENDS)):
        follows = next(iter(kept), first.id)
        async with transaction(signing.sessions, cast.specialist) as session:
            draft = await begin(session, cast.specialist, note_id=follows)
            draft = await save_draft(
                session, cast.specialist, note_id=draft.id, version=draft.version, sections={"opinion": "More."}
            )
        signed = await note_steps.sign(signing, cast.specialist, draft)
        kept[signed.id] = relation
    for actor in (cast.specialist, cast.rural):
        async with transaction(signing.sessions, actor) as session:
            assert await current_of_consult(session, actor, first.service_request_id) == kept
    async with transaction(signing.sessions, cast.stranger) as session:
        assert await current_of_consult(session, cast.stranger, first.service_request_id) == {}
