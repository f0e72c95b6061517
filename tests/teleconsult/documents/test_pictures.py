"""Key images as they are printed: numbers as the note's language writes them, lines and words over the picture."""

from xml.etree import ElementTree

import pytest

from teleconsult.documents.pictures import shown_images
from teleconsult.notes.content import DrawnMark, MeasuredValue
from tests import note_steps

SVG = "{http://www.w3.org/2000/svg}"


def lengths(*lines: str) -> tuple[DrawnMark, ...]:
    return tuple(DrawnMark("length", line, (MeasuredValue("length", "5.0000", "mm"),)) for line in lines)


@pytest.mark.parametrize(
    ("language", "place", "length", "area"),
    [
        (
            "fr",
            "image 12 · largeur 1\u202f500, centre \u2212600",
            "Longueur · 1\u202f234,6\u00a0mm",
            "Surface · 12,3\u00a0mm² · au détecteur · moyenne \u2212812\u00a0UH · "
            "\u22121\u202f000\u00a0…\u00a00\u00a0UH",
        ),
        (
            "en",
            "image 12 · width 1,500, centre \u2212600",
            "Length · 1,234.6\u00a0mm",
            "Area · 12.3\u00a0mm² · at the detector · mean \u2212812\u00a0HU · \u22121,000\u00a0…\u00a00\u00a0HU",
        ),
        (
            "vi",
            "ảnh 12 · độ rộng 1.500, tâm \u2212600",
            "Độ dài · 1.234,6\u00a0mm",
            "Diện tích · 12,3\u00a0mm² · tại đầu dò · trung bình \u2212812\u00a0HU · \u22121.000\u00a0…\u00a00\u00a0HU",
        ),
    ],
)
def test_numbers_and_words_are_the_notes(language: str, place: str, length: str, area: str) -> None:
    (shown,) = shown_images([note_steps.key_image()], language)
    assert shown.place == f"Axial < 5 mm · {place}"
    assert shown.measurements == (length, area)
    assert shown.study.startswith("Scanner cérébral · ")


def test_lines_and_labels_lie_over_the_picture_in_its_pixels() -> None:
    image = note_steps.key_image()
    (shown,) = shown_images([image], "fr")
    drawing = ElementTree.fromstring(shown.drawing)
    assert drawing.get("viewBox") == "0 0 32 16"
    (picture,) = drawing.iter(f"{SVG}image")
    assert picture.get("href") == f"data:image/jpeg;base64,{image.picture}"
    assert [line.get("points") for line in drawing.iter(f"{SVG}polyline")] == [mark.line for mark in image.marks] * 2
    words = [text.text for text in drawing.iter(f"{SVG}text")]
    assert words[: len(words) // 2] == words[len(words) // 2 :]
    assert words[:2] == ["1\u202f234,6\u00a0mm", "12,3\u00a0mm²"]


def test_labels_stay_on_the_picture_and_off_each_other() -> None:
    marks = lengths("10,100 500,100", "10,104 500,104", "100,300 200,300")
    (shown,) = shown_images([note_steps.key_image(columns=512, rows=512, marks=marks)], "en")
    texts = list(ElementTree.fromstring(shown.drawing).iter(f"{SVG}text"))[:3]
    places = [(float(text.get("x", "")), float(text.get("y", ""))) for text in texts]
    letter = 512 / 23
    assert all(0 <= x <= 512 - 3.5 * letter and 0 <= y <= 512 for x, y in places)
    assert abs(places[0][1] - places[1][1]) >= letter
    assert places[2][0] > 200


def test_what_was_put_into_a_note_before_lines_were_drawn() -> None:
    old = note_steps.key_image(columns=0, rows=0, marks=(), reports=(), measurements=("Length · 20.0 mm",), study="")
    (shown,) = shown_images([old], "fr")
    assert (shown.width, shown.height) == (32, 16)
    assert shown.measurements == ("Length · 20.0 mm",)
    assert "<polyline" not in shown.drawing


def test_words_of_strangers_are_words() -> None:
    odd = note_steps.key_image(series='"><script>x</script>', marks=(DrawnMark("length", "1,1 2,2", ()),))
    (shown,) = shown_images([odd], "fr")
    assert "<script" not in shown.drawing
    assert shown.measurements == ("Longueur",)


@pytest.mark.parametrize(
    ("language", "letters"),
    [("en", ["A", "LP", "F", "R"]), ("fr", ["A", "GP", "I", "D"]), ("vi", ["Tr", "TS", "C", "P"])],
)
def test_sides_of_the_patient_stand_at_the_edges_in_the_notes_language(language: str, letters: list[str]) -> None:
    image = note_steps.key_image(columns=512, rows=512, marks=(), sides=("A", "LP", "F", "R"))
    (shown,) = shown_images([image], language)
    texts = list(ElementTree.fromstring(shown.drawing).iter(f"{SVG}text"))
    assert [text.text for text in texts] == letters * 2
    assert [text.get("text-anchor") for text in texts[:4]] == ["middle", "end", "middle", "start"]
    assert float(texts[3].get("x", "")) < 20 < 490 < float(texts[1].get("x", "")) < 512
