"""What a specialist has at hand to write a note: their own, and that of all specialists of the establishment."""

from sqlalchemy import and_, false, or_

from teleconsult.access.permissions import Permission
from teleconsult.access.rows.seam import Filter, has, is_house, is_role, row_filter
from teleconsult.accounts.actor import Actor
from teleconsult.notes.writing_models import NotePhrase, NoteTemplate


@row_filter
def note_templates(actor: Actor) -> Filter:
    """Templates the actor may use and change."""
    return _at_hand(NoteTemplate, actor)


@row_filter
def note_phrases(actor: Actor) -> Filter:
    """Phrases the actor may use and change."""
    return _at_hand(NotePhrase, actor)


def _at_hand(table: type[NoteTemplate] | type[NotePhrase], actor: Actor) -> Filter:
    if not has(actor, Permission.NOTE_WRITE):
        return false()
    whose = or_(table.practitioner_role_id.is_(None), is_role(table.practitioner_role_id, actor))
    return and_(is_house(table.organization_id, actor), whose)
