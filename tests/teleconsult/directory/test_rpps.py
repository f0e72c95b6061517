"""Reading an extract of the French directory: as it comes, and as nobody should send it."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teleconsult.directory import rpps
from teleconsult.directory.rpps import Listed, RefusedLine, read_extract
from teleconsult.errors import Invalid, TooLarge
from tests.teleconsult.directory.extracts import HEADER, WIDTH, line, quoted, write

MARTIN = line("10101234567", "MARTIN", "Élodie")
LISTED = Listed("10101234567", "Martin", "Élodie", "Dr", "Médecin")


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (HEADER, MARTIN),
        (quoted(HEADER), quoted(MARTIN)),
        (HEADER, quoted(MARTIN)),
        (HEADER + "|", MARTIN + "|"),
        (b"\xef\xbb\xbf" + HEADER.encode(), MARTIN),
        (HEADER, MARTIN + "\r"),
        (HEADER.replace("'", "’"), MARTIN),
        ("|".join(reversed(HEADER.split("|"))), "|".join(reversed(MARTIN.split("|")))),
        ("Une colonne de plus|" + HEADER, "x|" + MARTIN),
    ],
)
def test_the_file_is_read_in_every_dress(tmp_path: Path, header: str | bytes, row: str) -> None:
    assert list(read_extract(write(tmp_path / "extract.txt", [row], header=header))) == [LISTED]


def test_titles_capitals_and_old_numbers(tmp_path: Path) -> None:
    rows = [
        line("10101234568", "DE LA TOUR", "Jean-Pierre", title="Professeur"),
        line("10101234569", "L'HÔPITAL", "ANNE", title="", profession="Infirmier"),
        line("2A1234567", "Nguyễn", "Văn An", kind="0", title="Madame"),
    ]
    first, second, third = read_extract(write(tmp_path / "extract.txt", rows))
    assert first == Listed("10101234568", "De La Tour", "Jean-Pierre", "Pr", "Médecin")
    assert second == Listed("10101234569", "L'Hôpital", "Anne", "", "Infirmier")
    assert third == Listed("2A1234567", "Nguyễn", "Văn An", "", "Médecin")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (line("1010123456", "A", "B"), rpps.NO_NUMBER),
        (line("١٠١٠١٢٣٤٥٦٧", "A", "B"), rpps.NO_NUMBER),
        (line("130783293/000012", "A", "B", kind="3"), rpps.NO_NUMBER),
        (line("10101234567", "", "B"), rpps.NO_NAME),
        (line("10101234567", "A" * 101, "B"), rpps.NO_NAME),
        (line("10101234567", "A\0", "B"), rpps.NO_NAME),
        (line("10101234567", "A", "\x1b[31mB"), rpps.NO_NAME),
        (line("10101234567", "A", "\u202eB"), rpps.NO_NAME),
        (line("10101234567", "A", "B", profession="x" * 201), rpps.NOT_TEXT),
        (MARTIN.encode("latin-1"), rpps.NOT_TEXT),
        (MARTIN.encode("utf-16"), None),
        (MARTIN.replace("MARTIN", '"MARTIN'), rpps.NOT_TEXT),
        (MARTIN + "|x", rpps.WRONG_COLUMNS),
        ("|".join(MARTIN.split("|")[:-2]), rpps.WRONG_COLUMNS),
        ("<html>", rpps.WRONG_COLUMNS),
        ("x" * 10_000, rpps.TOO_LONG),
        (b"x" * 3_000_000, rpps.TOO_LONG),
    ],
)
def test_a_bad_line_is_refused_by_its_number_and_the_next_is_read(
    tmp_path: Path, row: str | bytes, reason: str | None
) -> None:
    found = list(read_extract(write(tmp_path / "extract.txt", [MARTIN, "", row, MARTIN])))
    refused = [one for one in found if isinstance(one, RefusedLine)]
    assert refused[0].line == 4
    if reason:
        assert refused == [RefusedLine(4, reason)]
        assert [one for one in found if isinstance(one, Listed)] == [LISTED, LISTED]


@pytest.mark.parametrize(
    "header",
    [b"", b"\0" * 100, b"PK\x03\x04", b"a;b;c", b"x" * 100_000, HEADER.encode("latin-1"), b'"' + HEADER.encode()],
)
def test_what_is_no_extract_is_said_at_once(tmp_path: Path, header: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        list(read_extract(write(tmp_path / "extract.txt", [MARTIN], header=header)))
    assert "extract" in refused.value.fields


def test_a_header_of_thousands_of_columns_is_none(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        list(read_extract(write(tmp_path / "extract.txt", [], header=HEADER + "|x" * 1000)))


def test_more_lines_than_can_be_looked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpps, "MOST_LINES", 3)
    with pytest.raises(TooLarge):
        list(read_extract(write(tmp_path / "extract.txt", [MARTIN] * 3)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(st.binary(max_size=200) | st.text(max_size=WIDTH * 2).map(str.encode), max_size=5))
def test_no_bytes_break_it(tmp_path: Path, rows: list[bytes]) -> None:
    for one in read_extract(write(tmp_path / "extract.txt", rows)):
        assert isinstance(one, RefusedLine | Listed)
