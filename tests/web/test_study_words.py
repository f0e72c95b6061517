"""Names, titles and contents of studies, as people write them."""

import pytest

from teleconsult.imaging.queries import Contents
from web.i18n import using_locale
from web.study_words import contents_in_words, written


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("DOE^JOHN", "DOE JOHN"),
        ("DOE^JOHN^^DR^", "DOE JOHN DR"),
        ("HEAD^WITHOUT", "HEAD WITHOUT"),
        ("Yamada^Tarou=山田^太郎", "Yamada Tarou"),
        ("^=山田^太郎=やまだ^たろう", "山田 太郎"),
        ("T1 TE=5", "T1 TE=5"),
        ("^^^", ""),
        ("", ""),
    ],
)
def test_no_signs_between_parts(told: str, said: str) -> None:
    assert written(told) == said


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        (Contents(series=2, images=30), ["2 series", "30 images"]),
        (Contents(photographs=1, videos=1, documents=1), ["1 photograph", "1 video", "1 document"]),
        (Contents(series=1, images=1, documents=3), ["1 series", "1 image", "3 documents"]),
        (Contents(), []),
    ],
)
def test_what_a_study_holds(contents: Contents, said: list[str]) -> None:
    with using_locale("en"):
        assert contents_in_words(contents) == said
