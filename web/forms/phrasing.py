"""The forms of templates and phrases: from fields to the arguments of their actions."""

from teleconsult.directory.models import Specialty
from teleconsult.notes.content import SECTIONS
from teleconsult.notes.phrasing import PhraseText, TemplateText
from web.bodies import Form
from web.forms.administration import read_code


def read_template(form: Form) -> TemplateText:
    """What a template is to say. Raises Invalid for a specialty that is none of ours."""
    specialty = read_code(form, "specialty", Specialty) if form.get("specialty") else None
    return TemplateText(form.get("name", ""), specialty, {name: form.get(name, "") for name in SECTIONS})


def read_phrase(form: Form) -> PhraseText:
    """What a phrase is to say."""
    return PhraseText(form.get("shortcut", ""), form.get("text", ""))


def read_is_shared(form: Form) -> bool:
    """Whether it is for all specialists of the establishment."""
    return form.get("for") == "everybody"
