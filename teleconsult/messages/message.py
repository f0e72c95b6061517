"""What is said to a person outside, whichever way it goes: few words and a link, nothing clinical."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """`subject` alone must do where there is no room for more."""

    subject: str
    body: str
    link: str
    tag: str
    """What a later message with the same one replaces on a device."""
    seconds: int
    """After so long it is of no more use."""
    is_urgent: bool = False


class Unreachable(Exception):
    """The address takes nothing any more, and is not tried again. Whatever else goes wrong is tried later."""


class Undelivered(Exception):
    """It was not taken this time. Says a status alone: an address holds keys, numbers, words, and logs are read."""
