"""What the sections of a note are called on a page. Printed, they speak the note's language (`documents.words`)."""

from collections.abc import Mapping
from typing import Final

from teleconsult.notes.content import Section
from web.i18n import LazyString
from web.i18n import lazy_gettext as _

NOTE_HEADINGS: Final[Mapping[str, LazyString]] = {
    Section.FINDINGS: _("Findings"),
    Section.OPINION: _("Opinion"),
    Section.PLAN: _("Plan"),
    Section.MEDICINES: _("Medicines"),
    Section.FOLLOW_UP: _("Follow-up"),
}
