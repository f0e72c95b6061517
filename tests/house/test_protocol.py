"""The wire's one source, and those who must follow it: the browser's types and the document."""

import re
from pathlib import Path

from signaling import protocol, typescript

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "protocol.md"


def test_the_browsers_types_are_fresh() -> None:
    assert typescript.PATH.read_text(encoding="utf-8") == typescript.source(), "run: python -m signaling.protocol"


def test_every_message_is_documented() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## Namespace `(/\w+)`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    for source in (protocol.FROM_CLIENT, protocol.FROM_SERVER):
        for namespace, messages in source.items():
            documented = set(re.findall(r"^\| `([\w-]+)`", sections[namespace], re.MULTILINE))
            assert set(messages) <= documented, namespace


def test_every_error_and_reason_is_documented() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for words in (protocol.ErrorCode, protocol.ByeReason, protocol.Change, protocol.RoomState, protocol.What):
        for word in words.__args__:
            assert f"`{word}`" in text, word
