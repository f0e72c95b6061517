"""The addresses of mailboxes and of what is received. What each needs is said here, as in `web/routes.py`."""

from collections.abc import Callable

from teleconsult.access import Permission as P
from web.views import admin_mailboxes, received, recipients


def add_mailbox_routes(route: Callable[..., object]) -> None:
    """The directory of mailboxes, what others mailed, and who receives the notes of a request."""
    needs, door = P.ADMINISTRATION, "/admin/mailboxes"
    route("GET", door, admin_mailboxes.index, needs, name="mailboxes.index")
    route("POST", door, admin_mailboxes.create, needs)
    route("POST", f"{door}/number", admin_mailboxes.number, needs, name="mailboxes.number")
    route("GET", f"{door}/questions", admin_mailboxes.questions, needs, name="mailboxes.questions")
    route("POST", f"{door}/questions", admin_mailboxes.decide_question, needs)
    file = "/admin/mailbox-imports/{id}"
    route("GET", file, admin_mailboxes.show, needs, name="mailbox_imports.show")
    route("POST", f"{file}/decisions", admin_mailboxes.decide, needs, name="mailbox_imports.decide")
    route("POST", f"{file}/cancellation", admin_mailboxes.cancel, needs, name="mailbox_imports.cancel")
    route("GET", "/received", received.index, P.RECEIVED_SORT, name="received.index")
    route("GET", "/received/{id}", received.show, P.RECEIVED_SORT, name="received.show")
    route("POST", "/received/{id}/filing", received.file, P.PATIENT_REGISTER, name="received.file")
    route("POST", "/received/{id}/rejection", received.reject, P.RECEIVED_SORT, name="received.reject")
    sent = "/consults/{id}/recipients"
    route("GET", sent, recipients.show, P.CONSULT_DISCUSS, name="recipients.show")
    route("POST", sent, recipients.add, P.CONSULT_DISCUSS)
    route("POST", f"{sent}/removal", recipients.remove, P.CONSULT_DISCUSS, name="recipients.remove")
    route("POST", f"{sent}/choice", recipients.choose, P.NOTE_WRITE, name="recipients.choose")
    route("POST", f"{sent}/signed-note", recipients.send, P.CONSULT_DISCUSS, name="recipients.send")
    route("POST", "/notes/{id}/audience", recipients.mean, P.NOTE_WRITE, name="recipients.mean")
    route("POST", f"{sent}/opposition", recipients.oppose, P.CONSULT_REQUEST, name="recipients.oppose")
    route("POST", f"{sent}/family-doctor", recipients.name_doctor, P.CONSULT_REQUEST, name="recipients.doctor")
