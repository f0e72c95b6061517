"""The chat's messages."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

from signaling.wire import Size

CHAT_LENGTH: Final = 2000


@dataclass(frozen=True, slots=True)
class ChatFile:
    """A file of the chat: what it is, and how many bytes."""

    kind: Literal["image/jpeg", "application/pdf"]
    size: int


@dataclass(frozen=True, slots=True)
class ChatLine:
    """One line of the chat, as it was kept. With a `file`, its text is the file's name."""

    id: uuid.UUID
    sender: uuid.UUID
    name: str
    text: str
    sent_at: datetime
    file: ChatFile | None = None


@dataclass(frozen=True, slots=True)
class Say:
    """A line for the chat. The sender draws the id, so that a line sent again is kept once."""

    id: uuid.UUID
    text: Annotated[str, Size(1, CHAT_LENGTH)]

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError("the text is empty")
