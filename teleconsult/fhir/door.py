"""What the door offers: each interaction with what it needs, in one table. The CapabilityStatement is made of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import Permission, require
from teleconsult.accounts.actor import Actor
from teleconsult.errors import NotFound
from teleconsult.fhir import (
    binaries,
    consents,
    everything,
    history,
    matching,
    reading,
    request_search,
    request_writing,
    writing,
)
from teleconsult.fhir.asking import Answered, Asked
from teleconsult.fhir.entry_search import grammar_of
from teleconsult.fhir.outcomes import NotOffered
from teleconsult.fhir.patient_search import GRAMMAR as PATIENTS
from teleconsult.fhir.questions import Grammar
from teleconsult.fhir.scoping import require_scope
from teleconsult.records.models import ResourceType

Act = Callable[[AsyncSession, Actor, Asked], Awaitable[Answered]]


class Interaction(StrEnum):
    """R4 type-restful-interaction, and the operations we have."""

    READ = "read"
    VREAD = "vread"
    HISTORY = "history-instance"
    SEARCH = "search-type"
    CREATE = "create"
    UPDATE = "update"
    EVERYTHING = "$everything"
    MATCH = "$match"


@dataclass(frozen=True, slots=True)
class Offer:
    """What an interaction needs, and what does it."""

    needs: Permission
    act: Act


_FILE: Final = Permission.FILE_READ
_OF_ENTRIES: Final = {
    Interaction.READ: Offer(_FILE, reading.read_entry),
    Interaction.VREAD: Offer(_FILE, reading.read_version),
    Interaction.HISTORY: Offer(_FILE, history.read_history),
    Interaction.SEARCH: Offer(_FILE, reading.search_entries),
}
_OF_CONSULTS: Final = {
    Interaction.READ: Offer(Permission.CONSULTS_SEE, request_search.read_request),
    Interaction.SEARCH: Offer(Permission.CONSULTS_SEE, request_search.search_requests),
}
_WRITTEN: Final = {
    Interaction.CREATE: Offer(Permission.FILE_WRITE, writing.create_entry),
    Interaction.UPDATE: Offer(Permission.FILE_WRITE, writing.update_entry),
}
WRITTEN: Final = frozenset(ResourceType) - {ResourceType.PROVENANCE}
"""What others may write. In R4 a Provenance does not say whose file it belongs to."""
OFFERS: Final[Mapping[str, Mapping[Interaction, Offer]]] = {
    "Patient": {
        Interaction.READ: Offer(Permission.PATIENTS_FIND, reading.read_patient),
        Interaction.SEARCH: Offer(Permission.PATIENTS_FIND, reading.search_patients),
        Interaction.EVERYTHING: Offer(Permission.FILE_READ, everything.read_everything),
        Interaction.MATCH: Offer(Permission.PATIENTS_FIND, matching.match_patients),
    },
    "ServiceRequest": _OF_CONSULTS
    | {Interaction.CREATE: Offer(Permission.CONSULT_REQUEST, request_writing.create_request)},
    "Task": _OF_CONSULTS,
    binaries.KIND: {Interaction.READ: Offer(_FILE, binaries.read_binary)},
    consents.KIND: {
        Interaction.READ: Offer(_FILE, consents.read_consent),
        Interaction.SEARCH: Offer(_FILE, consents.search_consents),
    },
    **{kind.value: _OF_ENTRIES | (_WRITTEN if kind in WRITTEN else {}) for kind in ResourceType},
}

GRAMMARS: Final[Mapping[str, Grammar]] = {
    "Patient": PATIENTS,
    "ServiceRequest": request_search.REQUESTS,
    "Task": request_search.TASKS,
    binaries.KIND: Grammar(parameters={}),
    consents.KIND: consents.GRAMMAR,
    **{kind.value: grammar_of(kind) for kind in ResourceType},
}
"""What a search of each may say."""
_ADDRESSES: Final[Mapping[tuple[str, ...], Interaction]] = {
    ("GET",): Interaction.SEARCH,
    ("POST",): Interaction.CREATE,
    ("PUT",): Interaction.UPDATE,
    ("POST", "_search"): Interaction.SEARCH,
    ("POST", "$match"): Interaction.MATCH,
    ("GET", "*"): Interaction.READ,
    ("PUT", "*"): Interaction.UPDATE,
    ("GET", "*", "$everything"): Interaction.EVERYTHING,
    ("GET", "*", "_history"): Interaction.HISTORY,
    ("GET", "*", "_history", "*"): Interaction.VREAD,
}
"""What a method means on an address below a type; `*` is an id or a version."""
_WORDS: Final = frozenset(word for address in _ADDRESSES for word in address[1:])


async def interact(session: AsyncSession, actor: Actor, asked: Asked) -> Answered:
    """Do what is asked, as far as the actor may. Raises as `act_for`, and as the interaction does."""
    return await act_for(actor, asked)(session, actor, asked)


def act_for(actor: Actor, asked: Asked) -> Act:
    """What does it, for an actor whose role and scopes have a part in it: known before anything is looked at.

    Raises NotFound for an address that is none and for a role that has none, NotOffered for a method that is not taken
    there, MissingScope.
    """
    offers = OFFERS.get(asked.segments[0]) if asked.segments else None
    if offers is None:
        raise NotFound
    interaction = interaction_of(asked)
    if interaction is None or (offer := offers.get(interaction)) is None:
        raise NotOffered
    require(actor, offer.needs)
    require_scope(actor, asked, interaction)
    return offer.act


def interaction_of(asked: Asked) -> Interaction | None:
    """What kind of interaction a method on an address is; None where it is none."""
    return _ADDRESSES.get((asked.method, *_shape(asked.segments)))


def methods_on(segments: Sequence[str]) -> list[str]:
    """The methods that are taken on this address (RFC 9110 §10.2.1)."""
    offers, shape = OFFERS.get(segments[0], {}), _shape(segments)
    return sorted(method for (method, *parts), one in _ADDRESSES.items() if tuple(parts) == shape and one in offers)


def _shape(segments: Sequence[str]) -> tuple[str, ...]:
    return tuple(segment if segment in _WORDS else "*" for segment in segments[1:])
