"""Where a consult goes and in which way, and the board it is steered from."""

from collections.abc import Callable

from teleconsult.access import Permission as P
from web.views import board, steering


def add_consult_routes(route: Callable[..., object]) -> None:
    """What both sides do with a request besides answering it."""
    consult = "/consults/{id}"
    route("POST", f"{consult}/information-request", steering.ask, P.CONSULT_DISCUSS, name="consults.ask")
    route("POST", f"{consult}/information", steering.give, P.CONSULT_DISCUSS, name="consults.give")
    route("POST", f"{consult}/redirection", steering.redirect, P.CONSULT_DISCUSS, name="consults.redirect")
    route("POST", f"{consult}/assignment", steering.assign, P.CONSULT_TRIAGE, name="consults.assign")
    route("POST", f"{consult}/mode", steering.set_mode, P.CONSULT_DISCUSS, name="consults.mode")
    route("POST", f"{consult}/messages", steering.write, P.CONSULT_DISCUSS, name="consults.write")
    route("POST", f"{consult}/follow-up", steering.follow_up, P.CONSULT_REQUEST, name="consults.follow_up")
    route("POST", "/board", board.act, P.CONSULT_TRIAGE, name="board.act")
