"""Writes the protocol and the negotiation table as TypeScript, so that both ends share one source."""

import dataclasses
import json
import uuid
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from signaling import (
    ladder,
    negotiation,
    protocol,
    protocol_chat,
    protocol_keys,
    protocol_looking,
    protocol_manners,
    protocol_net,
    protocol_recall,
    protocol_recording,
    protocol_through,
)
from signaling.wire import fields_of, to_wire

PATH: Final = Path(__file__).parent.parent / "web" / "assets" / "protocol.gen.ts"
PLAIN: Final = {str: "string", int: "number", float: "number", bool: "boolean", uuid.UUID: "string", datetime: "string"}
MODULES: Final = (
    protocol,
    protocol_chat,
    protocol_keys,
    protocol_looking,
    protocol_manners,
    protocol_net,
    protocol_recall,
    protocol_recording,
    protocol_through,
    ladder,
)
ALIASES: Final = {
    hint: name for module in MODULES for name, hint in vars(module).items() if get_origin(hint) is Literal
}


def write() -> None:
    """Write the file anew."""
    PATH.write_text(source(), encoding="utf-8")


def source() -> str:
    """The whole text of `protocol.gen.ts`."""
    parts = ["// Written by `python -m signaling.protocol`. Change that file, not this one.\n"]
    parts.append(f"export const CHAT_LENGTH = {protocol_chat.CHAT_LENGTH};\n")
    parts.append(f"export const LOGGED = {json.dumps(protocol.LOGGED)} as const;\n")
    parts += [f"export type {name} = {_words(hint)};\n" for hint, name in ALIASES.items()]
    parts += [_interface(kind) for kind in _messages()]
    parts.append("export type Reply<T> = (answer: T | Refusal) => void;\n")
    for namespace in protocol.FROM_CLIENT:
        parts += _events(namespace)
    parts.append(_negotiation())
    parts.append(_ladder())
    return "\n".join(parts)


def _messages() -> list[type]:
    return [
        kind
        for module in MODULES
        for kind in vars(module).values()
        if isinstance(kind, type) and kind.__module__ == module.__name__ and kind is not protocol.Ask
    ]


def _interface(kind: type) -> str:
    comment = (kind.__doc__ or "").strip().splitlines()[0]
    rows = [
        f"  {name}{'?' if optional else ''}: {_type(hint)}{' | null' if optional else ''};"
        for name, (hint, optional) in fields_of(kind).items()
    ]
    head = f"/** {comment} */\n"
    if not rows:
        return f"{head}export type {kind.__name__} = Record<string, never>;\n"
    return f"{head}export interface {kind.__name__} {{\n" + "\n".join(rows) + "\n}\n"


def _type(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) is Literal:
        return ALIASES.get(hint) or _words(hint)
    if get_origin(hint) is dict:
        return "unknown"
    if get_origin(hint) is tuple:
        inner = _type(get_args(hint)[0])
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    if dataclasses.is_dataclass(hint):
        assert isinstance(hint, type)
        return hint.__name__
    return PLAIN[hint]


def _words(hint: Any) -> str:
    return " | ".join(json.dumps(word) for word in get_args(hint))


def _events(namespace: str) -> list[str]:
    title = namespace.strip("/").capitalize()
    asks = [
        f"  {name}: (message: {ask.message.__name__}, reply: Reply<{ask.answer.__name__}>) => void;"
        for name, ask in protocol.FROM_CLIENT[namespace].items()
    ]
    tells = [
        f"  {name}: (message: {kind.__name__}{', number: number' if _is_logged(namespace, name) else ''}) => void;"
        for name, kind in protocol.FROM_SERVER[namespace].items()
    ]
    blocks = []
    if asks:
        blocks.append(f"export interface {title}Asks {{\n" + "\n".join(asks) + "\n}\n")
    blocks.append(f"export interface {title}Tells {{\n" + "\n".join(tells) + "\n}\n")
    return blocks


def _is_logged(namespace: str, name: str) -> bool:
    return namespace == "/room" and name in protocol.LOGGED


def _negotiation() -> str:
    kinds = (negotiation.State, negotiation.Event, negotiation.Action, negotiation.Role)
    names = ("NegotiationState", "NegotiationEvent", "NegotiationAction", "NegotiationRole")
    lines = [
        f"export type {name} = " + " | ".join(json.dumps(word) for word in kind) + ";\n"
        for name, kind in zip(names, kinds, strict=True)
    ]
    lines.append(
        "/** Keyed `event/state`. */\n"
        "export const NEGOTIATION: Record<NegotiationRole, Record<string, [NegotiationState, NegotiationAction]>> = {"
    )
    for role, table in negotiation.TABLES.items():
        lines.append(f"  {role}: {{")
        lines += [
            f'    "{event}/{state}": ["{after}", "{action}"],' for (event, state), (after, action) in table.items()
        ]
        lines.append("  },")
    lines.append("};\n")
    return "\n".join(lines)


def _ladder() -> str:
    return (
        f"export const OPENING: RungName = {json.dumps(ladder.OPENING)};\n\n"
        f"export const PACE: Pace = {json.dumps(to_wire(ladder.PACE))};\n\n"
        "/** From the best to the last. */\n"
        "export const RUNGS: readonly Rung[] = [\n"
        + "".join(f"  {json.dumps(to_wire(rung))},\n" for rung in ladder.RUNGS)
        + "];\n"
    )
