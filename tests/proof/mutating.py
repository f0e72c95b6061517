"""Harm done to what was good, by chance that comes again: the same seed makes the same bytes."""

import json
import random
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Final

NASTY: Final = (
    *(
        "",
        "\0",
        "\r\n",
        "\ud800",
        "é" * 300,
        "a" * 9000,
        "../../etc/passwd",
        "%00",
        "%",
        "%ff%fe",
        "' or 1=1 --",
        "\u202e",
    ),
    *("<script>alert(1)</script>", "{{7*7}}", "${jndi:ldap://x}", "-1", "0", "1e309", "NaN", "9" * 40, "2026-13-45"),
    *(
        "0000-00-00T99:99:99Z",
        "null",
        "[]",
        "{}",
        "true",
        "٣",
        "ﷺ",
        "\x7f",
        "\\",
        '"',
        "&",
        "|^~\\&",
        "=?utf-8?q?=0a?=",
    ),
)
ODD: Final = (None, True, False, 0, -1, 1e308, 2**63, 2**70, "", "\0", "\ud800", [], {}, [[]], [None], {"": None})
NASTY_BYTES: Final = (
    b"\0",
    b"\xff" * 8,
    b"\r\n\r\n",
    b"\xff\xff\xff\xff",
    b"\0" * 300,
    b"\x80",
    b"\xed\xa0\x80",
    b"\x1c\r\x0b",
)
DEEP: Final = 300


class Mutator:
    """Makes what is hostile."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def one_of(self, options: Sequence[Any]) -> Any:
        """Any of them."""
        return self.chance.choice(options)

    def word(self) -> str:
        """Something nobody expects in a field."""
        word: str = self.chance.choice(NASTY)
        return word if self.chance.random() < 0.8 else word + self.chance.choice(NASTY)

    def bytes(self, whole: bytes, *, most: int = 8) -> bytes:
        """The same with a few places changed, cut, doubled or moved."""
        content = bytearray(whole)
        for _ in range(self.chance.randint(1, most)):
            at = self.chance.randrange(len(content) + 1)
            size = self.chance.choice((1, 1, 2, 4, 16, 200))
            match self.chance.randrange(6):
                case 0:
                    content[at : at + size] = self.chance.randbytes(min(size, len(content) - at))
                case 1:
                    content[at:at] = self.chance.choice(NASTY_BYTES)
                case 2:
                    del content[at : at + size]
                case 3:
                    content[at:at] = content[at : at + size]
                case 4 if at < len(content):
                    content[at] ^= 1 << self.chance.randrange(8)
                case _:
                    if self.chance.random() < 0.1:
                        del content[at:]
        return bytes(content)

    def tree(self, whole: Any, *, most: int = 3) -> Any:
        """JSON with a few values that are of the wrong kind, missing, doubled, too large or too deep."""
        tree = deepcopy(whole)
        for _ in range(self.chance.randint(1, most)):
            tree = self._changed(tree)
        return tree

    def json(self, whole: Any) -> bytes:
        """The same as bytes, sometimes no JSON any more."""
        content = json.dumps(self.tree(whole)).encode("utf-8", "surrogatepass")
        return self.bytes(content, most=2) if self.chance.random() < 0.2 else content

    def _changed(self, node: Any) -> Any:
        if isinstance(node, dict) and node and self.chance.random() < 0.9:
            key = self.chance.choice(list(node))
            match self.chance.randrange(8):
                case 0:
                    del node[key]
                case 1:
                    node[self.word()] = node[key]
                case 2:
                    node[key] = self._leaf()
                case _:
                    node[key] = self._changed(node[key])
            return node
        if isinstance(node, list) and node and self.chance.random() < 0.8:
            at = self.chance.randrange(len(node))
            if self.chance.random() < 0.3:
                return node + [node[at]] * self.chance.choice((1, 50))
            node[at] = self._changed(node[at])
            return node
        return self._leaf()

    def _leaf(self) -> Any:
        if self.chance.random() < 0.05:
            deep: Any = self.word()
            for _ in range(DEEP):
                deep = [deep] if self.chance.random() < 0.5 else {"extension": deep}
            return deep
        return self.word() if self.chance.random() < 0.6 else deepcopy(self.chance.choice(ODD))
