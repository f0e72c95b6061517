"""The addresses of emergencies. What each needs is said here, as in `web/routes.py`."""

from collections.abc import Callable

from teleconsult.access import Permission as P
from web.views import emergencies


def add_emergency_routes(route: Callable[..., object]) -> None:
    """The button, what rings, and what follows."""
    route("GET", "/emergencies/new", emergencies.new, P.CONSULT_REQUEST, name="emergencies.new")
    route("POST", "/emergencies", emergencies.create, P.CONSULT_REQUEST, name="emergencies.create")
    route("GET", "/emergencies/ringing", emergencies.show_ringing, P.CONSULTS_SEE, name="emergencies.ringing")
    route("POST", "/emergency-pages/{id}/ring", emergencies.rung, P.CONSULTS_SEE, name="emergencies.rung")
    route("POST", "/emergencies/{id}/answer", emergencies.answer, P.CONSULTS_SEE, name="emergencies.answer")
    route("POST", "/emergencies/{id}/refusal", emergencies.decline, P.CONSULTS_SEE, name="emergencies.decline")
    route("POST", "/duty/{id}/handover", emergencies.give_duty, P.CONSULT_ANSWER, name="duty.give")
    consult = "/consults/{id}"
    route("POST", f"{consult}/emergency", emergencies.escalate, P.CONSULT_REQUEST, name="emergencies.escalate")
    route("POST", f"{consult}/calming", emergencies.calm, P.CONSULT_REQUEST, name="emergencies.calm")
    route("POST", f"{consult}/ringing", emergencies.go_on, P.CONSULTS_SEE, name="emergencies.ring_on")
    route("POST", f"{consult}/others", emergencies.call_on, P.SESSION_JOIN, name="emergencies.call_others")
    route("POST", f"{consult}/emergency-end", emergencies.end, P.CONSULT_CANCEL, name="emergencies.end")
    route("POST", f"{consult}/decision", emergencies.decide, P.SESSION_JOIN, name="emergencies.decide")
    route("POST", f"{consult}/necessity", emergencies.justify, P.EXCERPT_REVOKE, name="emergencies.justify")
    route("POST", f"{consult}/transfers", emergencies.transfer, P.SESSION_JOIN, name="emergencies.transfer")
    route("POST", "/transfers/{id}/status", emergencies.follow_transfer, P.SESSION_JOIN, name="transfers.follow")
