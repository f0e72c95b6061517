"""A description that was made lately is told again, to who may read it."""

import pytest

from teleconsult.db import Sessions
from tests.people import Cast
from tests.web.dicomweb_steps import CT, JSON, US, Client, address, asker, images
from web.api.kept_answers import KeptAnswers

__all__ = ["images"]


@pytest.mark.usefixtures("images")
async def test_it_is_told_again(client: Client, sessions: Sessions, cast: Cast) -> None:
    specialist, stranger = [await asker(client, sessions, person) for person in (cast.specialist, cast.stranger)]
    path = f"{address(CT, level='series')}/metadata"
    for coding in ("gzip", "identity"):
        first, again = [await specialist.get(path, JSON["Accept"], **{"Accept-Encoding": coding}) for _ in range(2)]
        assert await again.read() == await first.read()
        assert [one.headers.get("Content-Encoding", "identity") for one in (first, again)] == [coding] * 2
        assert first.headers["ETag"] == again.headers["ETag"]
    assert (await stranger.get(path, JSON["Accept"])).status == 404
    other = await specialist.get(f"{address(US, level='series')}/metadata", JSON["Accept"])
    assert await other.read() != await again.read()


def test_the_oldest_go_first_and_long_ones_never_come() -> None:
    answers = KeptAnswers(room=10)
    for tag, length in (("a", 4), ("b", 4), ("long", 11)):
        answers.keep(tag, bytes(length))
    assert answers.get("a") == bytes(4)
    answers.keep("c", bytes(4))
    assert [tag for tag in ("a", "b", "c", "long") if answers.get(tag)] == ["a", "c"]
