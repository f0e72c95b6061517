"""Thousands of correspondents, for figures: `python -m tests.teleconsult.directory.mailboxes.many NUMBER KIND FILE`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.teleconsult.directory.mailboxes.files import (
    COLUMNS,
    ndjson,
    organization,
    person_line,
    practitioner,
    role,
    telecom,
)


def resources(number: int) -> Iterator[dict[str, Any]]:
    """People of whom each has a box at a structure of fifty; each structure has one of its own."""
    for person in range(number):
        rpps, finess = f"1{person:010}", f"54{person // 50:07}"
        if person % 50 == 0:
            yield organization(finess, telecom(f"app-{person // 50}@chru.mssante.fr", "APP"))
        yield practitioner(rpps)
        yield role(rpps, finess, telecom(f"p{person}@chru.mssante.fr"))


def lines(number: int) -> Iterator[str]:
    """The same as an extract."""
    for person in range(number):
        yield person_line(f"p{person}@chru.mssante.fr", f"81{person:010}", place=f"154{person // 50:07}")


def write(number: int, kind: str, path: Path) -> None:
    """Write the file piece by piece."""
    with path.open("wb") as file:
        if kind == "extract":
            file.write(("|".join(COLUMNS) + "\n").encode())
            for line in lines(number):
                file.write((line + "\n").encode())
        else:
            file.write(b'{"resourceType": "Bundle", "type": "collection", "entry": [\n')
            for place, resource in enumerate(resources(number)):
                file.write((b",\n" if place else b"") + b'{"resource": ' + ndjson([resource]).rstrip() + b"}")
            file.write(b"]}\n")


if __name__ == "__main__":
    write(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
