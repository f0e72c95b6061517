"""The addresses of what helps to write a note. What each needs is said here, as in `web/routes.py`."""

from collections.abc import Callable

from teleconsult.access import Permission as P
from web.views import admin_services, co_signatures, earlier_words, notes, phrasing


def add_note_routes(route: Callable[..., object]) -> None:
    """Who signs a note too; earlier words of a draft; templates and phrases; whether notes may be dictated."""
    route("GET", "/notes/{id}/shown", notes.shown, P.NOTE_WRITE, name="notes.shown")
    co_signature = "/notes/{id}/co-signature"
    route("POST", "/notes/{id}/co-signers", co_signatures.ask, P.NOTE_WRITE, name="co_signatures.ask")
    route("GET", co_signature, co_signatures.show, P.NOTE_WRITE, name="co_signatures.show")
    route("POST", co_signature, co_signatures.sign, P.NOTE_WRITE)
    route("GET", f"{co_signature}/pdf", co_signatures.pdf, P.NOTE_WRITE, name="co_signatures.pdf")
    route("GET", "/notes/{id}/earlier", earlier_words.index, P.NOTE_WRITE, name="earlier_words.index")
    route("POST", "/notes/{id}/earlier", earlier_words.take_back, P.NOTE_WRITE)
    route("POST", "/admin/dictation", admin_services.dictation, P.ADMINISTRATION, name="admin_services.dictation")
    route("GET", "/phrasing", phrasing.index, P.NOTE_WRITE, name="phrasing.index")
    route("POST", "/note-templates", phrasing.add_template, P.NOTE_WRITE, name="phrasing.add_template")
    template, phrase = "/note-templates/{id}", "/note-phrases/{id}"
    route("GET", template, phrasing.show_template, P.NOTE_WRITE, name="phrasing.template")
    route("POST", template, phrasing.change_template, P.NOTE_WRITE)
    route("POST", f"{template}/removal", phrasing.remove_template, P.NOTE_WRITE, name="phrasing.remove_template")
    route("POST", "/note-phrases", phrasing.add_phrase, P.NOTE_WRITE, name="phrasing.add_phrase")
    route("POST", phrase, phrasing.change_phrase, P.NOTE_WRITE, name="phrasing.change_phrase")
    route("POST", f"{phrase}/removal", phrasing.remove_phrase, P.NOTE_WRITE, name="phrasing.remove_phrase")
