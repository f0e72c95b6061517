"""A multipart body is taken apart alike in whatever pieces it comes, and holds what it was made of."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleconsult.multipart import BrokenBody, Parts

BOUNDARY = "a-boundary"
NEARLY = [b"\r\n--a-boundar", b"--a-boundary", b"\r\n", b"--", b"\r\n--A-boundary", b"\r", b"\r\n\r\n", b"\0"]
CONTENT = st.lists(st.one_of(st.sampled_from(NEARLY), st.binary(max_size=20)), max_size=6).map(b"".join)


async def taken_apart(body: bytes, size: int) -> list[tuple[str, bytes]]:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    parts = Parts(pieces(), boundary=BOUNDARY)
    return [(head.get("x", ""), b"".join([piece async for piece in parts.content()])) async for head in parts]


@given(st.lists(CONTENT.filter(lambda one: b"\r\n--a-boundary" not in one), max_size=5), st.integers(1, 60))
async def test_contents_come_out_as_they_went_in(contents: list[bytes], size: int) -> None:
    body = b"what stands before\r\n" + b"".join(
        f"--{BOUNDARY}  \r\nX: {number}\r\nY:z\r\n\r\n".encode() + content + b"\r\n"
        for number, content in enumerate(contents)
    )
    found = await taken_apart(body + f"--{BOUNDARY}--and after".encode(), size)
    assert found == [(str(number), content) for number, content in enumerate(contents)]


@given(st.integers(0, 60), st.integers(1, 60))
async def test_wherever_it_is_cut_off_it_is_broken(cut: int, size: int) -> None:
    body = f"--{BOUNDARY}\r\nX: 1\r\n\r\ncontent\r\n--{BOUNDARY}--".encode()
    with pytest.raises(BrokenBody):
        await taken_apart(body[: min(cut, len(body) - 1)], size)


async def test_what_nobody_reads_is_passed_over() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(3):
            yield f"--{BOUNDARY}\r\nX: {number}\r\n\r\ncontent\r\n".encode()
        yield f"--{BOUNDARY}--".encode()

    assert [head["x"] async for head in Parts(pieces(), boundary=BOUNDARY)] == ["0", "1", "2"]
