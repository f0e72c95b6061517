"""Answers that were made lately: a series is asked for again by who comes back to it, and by the next who opens it."""

from collections import OrderedDict
from typing import Final

MIB: Final = 1024 * 1024
ROOM: Final = 16 * MIB
LARGEST: Final = 4 * MIB
"""Of one answer; a longer one is made each time."""


class KeptAnswers:
    """By an entity tag, which says all that an answer is made of. Whoever looks here may see what is described."""

    def __init__(self, *, room: int = ROOM) -> None:
        """`room` in bytes; those not asked for longest go first."""
        self._room, self._held = room, 0
        self._answers: OrderedDict[str, bytes] = OrderedDict()

    def get(self, tag: str) -> bytes | None:
        """The whole answer, where it is here."""
        if tag in self._answers:
            self._answers.move_to_end(tag)
        return self._answers.get(tag)

    def keep(self, tag: str, answer: bytes) -> None:
        """Hold it for a while, unless it is too long."""
        if tag in self._answers or len(answer) > min(LARGEST, self._room):
            return
        self._answers[tag] = answer
        self._held += len(answer)
        while self._held > self._room:
            _tag, oldest = self._answers.popitem(last=False)
            self._held -= len(oldest)
