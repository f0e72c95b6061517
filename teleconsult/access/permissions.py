"""What each role may do at all, and what a token for one purpose may do of it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from teleconsult.accounts.actor import Actor
from teleconsult.directory.models import RoleCode
from teleconsult.errors import NotFound


class Permission(StrEnum):
    """One kind of act. Every route, socket message and machine interface names the one it needs."""

    HOME = "home"
    OWN_ACCOUNT = "own-account"
    PATIENTS_FIND = "patients-find"
    PATIENT_REGISTER = "patient-register"
    IDENTITY_DECIDE = "identity-decide"
    """Whether two patients are one person, where numbers and traits contradict each other."""
    FILE_READ = "file-read"
    FILE_WRITE = "file-write"
    BREAK_GLASS = "break-glass"
    CONSULTS_SEE = "consults-see"
    CONSULT_REQUEST = "consult-request"
    CONSULT_ANSWER = "consult-answer"
    CONSULT_TRIAGE = "consult-triage"
    CONSULT_DISCUSS = "consult-discuss"
    """Words from one side to the other, and where, when and how a request is answered."""
    CONSULT_CANCEL = "consult-cancel"
    EXCERPT_REVOKE = "excerpt-revoke"
    SESSION_JOIN = "session-join"
    GUEST_INVITE = "guest-invite"
    RECORDING_PLAY = "recording-play"
    """Recordings of one's own sessions; also, by the doctor, their deletion."""
    IMAGES_READ = "images-read"
    IMAGES_ADD = "images-add"
    """To one's own request, where nothing else of it changes; and, by a program, to the establishment."""
    NOTE_READ = "note-read"
    NOTE_WRITE = "note-write"
    DELIVERIES = "deliveries"
    """What of the establishment's signed notes is on its way, and what to do where it cannot arrive."""
    AGENDA = "agenda"
    HOURS = "hours"
    """When one can be had; whose roster one keeps, when they can."""
    ROSTER = "roster"
    SESSIONS_OVERVIEW = "sessions-overview"
    """How the sessions of an establishment went, in numbers, and no session in particular."""
    ADMINISTRATION = "administration"
    """The console of one's own establishment."""
    NETWORK = "network"
    """The console of all of them: establishments, keys, the health of every part."""
    RECEIVED_SORT = "received-sort"
    """What others mailed to the establishment, and that it is not ours. Whose it is says who registers patients."""
    AUDIT_READ = "audit-read"
    AUDIT_CHECK = "audit-check"
    """Whether the log is whole; says nothing of what is in it."""


_P = Permission
_EVERYONE: Final = frozenset({_P.HOME, _P.OWN_ACCOUNT})
_TREATS: Final = frozenset(
    {_P.PATIENTS_FIND, _P.FILE_READ, _P.FILE_WRITE, _P.BREAK_GLASS, _P.IMAGES_READ, _P.NOTE_READ}
)

OF_ROLE: Final[Mapping[RoleCode, frozenset[Permission]]] = {
    RoleCode.DOCTOR: _EVERYONE
    | _TREATS
    | {
        _P.RECEIVED_SORT,
        _P.PATIENT_REGISTER,
        _P.CONSULTS_SEE,
        _P.CONSULT_REQUEST,
        _P.CONSULT_DISCUSS,
        _P.IMAGES_ADD,
        _P.CONSULT_CANCEL,
        _P.EXCERPT_REVOKE,
        _P.SESSION_JOIN,
        _P.GUEST_INVITE,
        _P.RECORDING_PLAY,
        _P.AGENDA,
        _P.HOURS,
    },
    RoleCode.NURSE: _EVERYONE | _TREATS | {_P.PATIENT_REGISTER, _P.CONSULTS_SEE, _P.AGENDA, _P.HOURS, _P.RECEIVED_SORT},
    RoleCode.SPECIALIST: _EVERYONE
    | _TREATS
    | {
        _P.RECEIVED_SORT,
        _P.PATIENT_REGISTER,
        _P.CONSULTS_SEE,
        _P.CONSULT_ANSWER,
        _P.CONSULT_DISCUSS,
        _P.SESSION_JOIN,
        _P.GUEST_INVITE,
        _P.RECORDING_PLAY,
        _P.NOTE_WRITE,
        _P.AGENDA,
        _P.HOURS,
    },
    RoleCode.COORDINATOR: _EVERYONE
    | {
        _P.CONSULTS_SEE,
        _P.CONSULT_TRIAGE,
        _P.CONSULT_DISCUSS,
        _P.CONSULT_CANCEL,
        _P.DELIVERIES,
        _P.AGENDA,
        _P.HOURS,
        _P.ROSTER,
        _P.SESSIONS_OVERVIEW,
        _P.RECEIVED_SORT,
    },
    RoleCode.SECRETARY: _EVERYONE
    | {_P.PATIENTS_FIND, _P.PATIENT_REGISTER, _P.IDENTITY_DECIDE, _P.AGENDA, _P.RECEIVED_SORT},
    RoleCode.ADMINISTRATOR: _EVERYONE
    | {
        _P.ADMINISTRATION,
        _P.DELIVERIES,
        _P.ROSTER,
        _P.HOURS,
        _P.SESSIONS_OVERVIEW,
        _P.AUDIT_CHECK,
        _P.IDENTITY_DECIDE,
        _P.RECEIVED_SORT,
    },
    RoleCode.PRIVACY_OFFICER: _EVERYONE | {_P.AUDIT_READ, _P.AUDIT_CHECK},
    RoleCode.OPERATOR: _EVERYONE | {_P.NETWORK, _P.AUDIT_CHECK},
}

OF_GUEST: Final = frozenset({_P.SESSION_JOIN})
OF_CLIENT: Final = frozenset({_P.PATIENTS_FIND, _P.FILE_READ, _P.FILE_WRITE, _P.IMAGES_READ, _P.IMAGES_ADD})
"""A system that comes by itself (`teleconsult.systems`), at the FHIR and DICOMweb doors; its scopes narrow it."""


class Purpose(StrEnum):
    """What a bearer token may be asked for: a part of what its owner's role may do (RFC 6749 §3.3)."""

    CONSULTS = "consults"
    FILES = "files"
    IMAGES = "images"
    LIVE = "live"
    AUDIT = "audit"


OF_PURPOSE: Final[Mapping[Purpose, frozenset[Permission]]] = {
    Purpose.CONSULTS: frozenset(
        {
            *(_P.CONSULTS_SEE, _P.CONSULT_REQUEST, _P.CONSULT_ANSWER, _P.CONSULT_TRIAGE, _P.CONSULT_CANCEL),
            *(_P.CONSULT_DISCUSS, _P.AGENDA, _P.NOTE_READ, _P.EXCERPT_REVOKE, _P.IMAGES_ADD),
        }
    ),
    Purpose.FILES: frozenset({_P.PATIENTS_FIND, _P.PATIENT_REGISTER, _P.FILE_READ, _P.FILE_WRITE, _P.NOTE_READ}),
    Purpose.IMAGES: frozenset({_P.IMAGES_READ, _P.IMAGES_ADD}),
    Purpose.LIVE: frozenset({_P.SESSION_JOIN}),
    Purpose.AUDIT: frozenset({_P.AUDIT_READ}),
}
"""No token opens a home page, an account, administration, break-glass or the writing of notes: those want a person."""


def purposes_for(role: RoleCode | None) -> list[Purpose]:
    """What a token for this role could be good for: purposes that open something of what the role may do."""
    may_do = OF_ROLE[role] - _EVERYONE if role is not None else frozenset()
    return [purpose for purpose, opened in OF_PURPOSE.items() if opened & may_do]


def may(actor: Actor, permission: Permission) -> bool:
    """Whether the actor's role, narrowed by the purposes of a token, allows this kind of act at all."""
    if actor.is_system:
        return True
    if actor.guest_pass_id is not None:
        return permission in OF_GUEST
    if actor.client_id is not None:
        return permission in OF_CLIENT
    if actor.role is None or permission not in OF_ROLE[actor.role]:
        return False
    return actor.scope is None or any(permission in OF_PURPOSE[Purpose(purpose)] for purpose in actor.scope)


def require(actor: Actor, permission: Permission) -> None:
    """Raise NotFound where the actor may not: what is not theirs to do is not there."""
    if not may(actor, permission):
        raise NotFound
