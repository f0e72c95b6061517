"""Key images as they are printed and shown: the picture, what was measured drawn over it, and words beneath.

Page and PDF show the same drawing, its words in the reader's language or in that of the note; the picture itself stays
as it was taken.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Final

from babel.dates import format_date
from babel.numbers import format_decimal
from markupsafe import Markup
from PIL import Image

from teleconsult.documents.templating import note_templates
from teleconsult.documents.words import NOTE_WORDS, NoteWords
from teleconsult.notes.content import DrawnMark, KeyImage

_LETTERS_ACROSS: Final = 23
"""So many of a label's height make the longer side: it can be read where the picture is 8 cm wide."""
_LINE_HEIGHT: Final = 1.2
_LETTER_WIDTH: Final = 0.62
"""Of the letters' height: bold digits."""
_AWAY: Final = 0.6
"""From the mark, as a share of the letters' height."""
_DECIMALS: Final = {"mm": "#,##0.0", "mm2": "#,##0.0", "deg": "#,##0.0"}
_SPACE: Final = "\N{NO-BREAK SPACE}"
_MINUS: Final = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Label:
    """One line of words over a picture, its `anchor` on the base line at `x`, `y`."""

    x: float
    y: float
    words: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class ShownImage:
    """A key image ready to be shown. `drawing` is an SVG of `width` by `height`, complete in itself; all of it stands
    in a group called `key-image-` and the id, which can be shown again elsewhere on the page.
    """

    id: str
    sop_instance_uid: str
    study: str
    place: str
    measurements: tuple[str, ...]
    drawing: Markup
    width: int
    height: int

    @property
    def caption(self) -> str:
        """In one line."""
        return " · ".join(filter(None, (self.study, self.place)))


def shown_images(images: Iterable[KeyImage], language: str) -> list[ShownImage]:
    """The images of a note in that language, which need not be the note's."""
    words = NOTE_WORDS[language]
    return [_shown(image, words) for image in images]


def _shown(image: KeyImage, words: NoteWords) -> ShownImage:
    number = f"{image.number}.{image.frame}" if image.frames > 1 else str(image.number)
    window = ""
    if image.window:
        center, width = (number_in(words, value) for value in image.window)
        window = words.window % {"center": center, "width": width}
    taken = format_date(date.fromisoformat(image.taken_on), "long", locale=words.locale) if image.taken_on else ""
    study = " · ".join(filter(None, (image.study or image.modality, taken)))
    place = " · ".join(filter(None, (image.series, words.image_number % {"number": number}, window)))
    told = tuple(" · ".join((words.measures[mark.kind], *lines_of(mark, words))) for mark in image.marks)
    size = _size(image)
    return ShownImage(
        id=image.id,
        sop_instance_uid=image.sop_instance_uid,
        study=study,
        place=place,
        measurements=(*image.measurements, *told),
        drawing=_drawing(image, words, size=size, title=" · ".join(filter(None, (study, place, *told)))),
        width=size[0],
        height=size[1],
    )


def number_in(words: NoteWords, value: str, unit: str = "") -> str:
    """A decimal number as the note's language writes it, with as many digits as its unit is worth."""
    written: str = format_decimal(Decimal(value), format=_DECIMALS.get(unit, "#,##0"), locale=words.locale)
    is_zero = not any(digit in "123456789" for digit in written)
    return written.replace("-", "" if is_zero else _MINUS)


def lines_of(mark: DrawnMark, words: NoteWords) -> list[str]:
    """What stands beside a mark: its size, then what is known of the pixels in it."""
    found = {value.quantity: value for value in mark.values}

    def told(quantity: str, *, unit: str = "") -> str:
        value = found[quantity]
        return _with_unit(words, number_in(words, value.value, value.unit), unit or value.unit)

    lines = [told(mark.kind)] if mark.kind in found else []
    if mark.at_detector:
        lines.append(words.at_detector)
    if "mean" in found:
        lines.append(f"{words.mean} {told('mean', unit='HU')}")
    if {"min", "max"} <= found.keys():
        lines.append(f"{number_in(words, found['min'].value)}{_SPACE}…{_SPACE}{told('max', unit='HU')}")
    return lines


def _with_unit(words: NoteWords, number: str, unit: str) -> str:
    name = words.units.get(unit, unit)
    return f"{number}{name}" if unit == "deg" else f"{number}{_SPACE}{name}"


def _size(image: KeyImage) -> tuple[int, int]:
    """In whose pixels the marks are; of an image that says none, the picture's own."""
    if image.columns and image.rows:
        return image.columns, image.rows
    with Image.open(BytesIO(base64.b64decode(image.picture))) as picture:
        return picture.size


def _drawing(image: KeyImage, words: NoteWords, *, size: tuple[int, int], title: str) -> Markup:
    letter = max(size) / _LETTERS_ACROSS
    drawn = (
        note_templates()
        .get_template("key_image.svg.jinja")
        .render(
            image=image,
            width=size[0],
            height=size[1],
            title=title,
            letter=f"{letter:.1f}",
            line=f"{letter / 7:.2f}",
            under=f"{letter / 3:.2f}",
            around=f"{letter / 4:.2f}",
            labels=_labels(image.marks, words, size=size, letter=letter),
            sides=_sides(image.sides, words, size=size, letter=letter),
        )
    )
    return Markup(drawn)  # noqa: S704 -- the template escapes what it is given


def _sides(sides: Sequence[str], words: NoteWords, *, size: tuple[int, int], letter: float) -> list[Label]:
    """The letters of the patient's sides, in the note's language, at the middle of each edge."""
    if not sides:
        return []
    own = dict(zip("RLAPHF", words.sides.split(), strict=True))
    top, right, bottom, left = ("".join(own[letter] for letter in side) for side in sides)
    width, height = size
    inset, middle = letter * _AWAY, height / 2 + letter / 3
    labels = (
        Label(width / 2, letter * _LINE_HEIGHT, top, "middle"),
        Label(width - inset, middle, right, "end"),
        Label(width / 2, height - inset, bottom, "middle"),
        Label(inset, middle, left),
    )
    return [replace(label, x=round(label.x, 1), y=round(label.y, 1)) for label in labels if label.words]


def _labels(marks: Sequence[DrawnMark], words: NoteWords, *, size: tuple[int, int], letter: float) -> list[Label]:
    """Each beside the rightmost point of its mark, on the picture, and below those it would cover."""
    taken: list[tuple[float, float, float, float]] = []
    labels: list[Label] = []
    for mark in marks:
        lines = lines_of(mark, words)
        if not lines or not mark.line:
            continue
        points = [tuple(map(float, point.split(","))) for point in mark.line.split()]
        right, beside = max((x, y) for x, y in points)
        width = max(map(len, lines)) * letter * _LETTER_WIDTH
        height = len(lines) * letter * _LINE_HEIGHT
        left, top = right + letter * _AWAY, beside - letter * _LINE_HEIGHT
        if left + width > size[0]:  # above its end, else below
            left, above = max(size[0] - width, 0), beside - letter * _AWAY - height
            top = above if above >= 0 else beside + letter * _AWAY
        top = max(min(top, size[1] - height), 0)
        for other in sorted(taken, key=lambda box: box[1]):
            if left < other[2] and other[0] < left + width and top < other[3] and other[1] < top + height:
                top = other[3]
        taken.append((left, top, left + width, top + height))
        labels += [
            Label(round(left, 1), round(top + letter * (_LINE_HEIGHT * row + 1), 1), line)
            for row, line in enumerate(lines)
        ]
    return labels
