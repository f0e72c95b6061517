"""Whole numbers as people and pages write them."""


def read_number(typed: str, *, digits: int) -> int | None:
    """A number of at most so many digits; None for anything else, a sign or another script's digits included."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= digits else None
