"""The messages of looking at a study together, a part of `signaling.protocol`.

What is looked at is told in terms that hold on any screen: no pixel of a screen is in it, and none of an image.
"""

import uuid
from dataclasses import dataclass
from typing import Annotated, Literal

from signaling.wire import Size

Uid = Annotated[str, Size(1, 64)]
"""A DICOM UID (PS3.5 §9.1); which ones there are is asked of the study."""
InPixels = Annotated[float, Size(-1_000_000, 1_000_000)]
"""A place in an image, in its own pixels; it may lie outside."""
MarkKind = Literal["length", "angle", "area"]


@dataclass(frozen=True, slots=True)
class Level:
    """A window over the values of an image (PS3.3 §C.11.2.1.2)."""

    center: Annotated[float, Size(-1e9, 1e9)]
    width: Annotated[float, Size(1e-6, 1e9)]


@dataclass(frozen=True, slots=True)
class View:
    """Which part is seen: `zoom` 1 fits the image, `x` and `y` are its pixel in the middle, `turn` quarter turns."""

    zoom: Annotated[float, Size(0.01, 1000)]
    x: InPixels
    y: InPixels
    turn: Annotated[int, Size(0, 3)]


@dataclass(frozen=True, slots=True)
class Looking:
    """What somebody looks at, and how. No `level`: the image's own."""

    series: Uid
    sop: Uid
    frame: Annotated[int, Size(1, 1_000_000)]
    view: View
    inverted: bool
    level: Level | None = None


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in an image."""

    series: Uid
    sop: Uid
    frame: Annotated[int, Size(1, 1_000_000)]
    x: InPixels
    y: InPixels


@dataclass(frozen=True, slots=True)
class Corner:
    """One of the points that make a mark."""

    x: InPixels
    y: InPixels


@dataclass(frozen=True, slots=True)
class DrawnMark:
    """What somebody measures, by its points: what that comes to is reckoned where it is seen."""

    kind: MarkKind
    series: Uid
    sop: Uid
    frame: Annotated[int, Size(1, 1_000_000)]
    points: Annotated[tuple[Corner, ...], Size(2, 3)]


@dataclass(frozen=True, slots=True)
class Looker:
    """Somebody who has the study open. `id` is drawn anew each time they come."""

    id: uuid.UUID
    name: str
    follows: bool


@dataclass(frozen=True, slots=True)
class Come:
    """Look at a study with the other party of a consult; also after every reconnect."""

    study: uuid.UUID
    consult: uuid.UUID


@dataclass(frozen=True, slots=True)
class Go:
    """Look at it by oneself."""


@dataclass(frozen=True, slots=True)
class Present:
    """Show what one looks at from now on, whoever did so until now; without `looking`: no more."""

    looking: Looking | None = None


@dataclass(frozen=True, slots=True)
class Follow:
    """Whether one's own screen goes along with who presents."""

    on: bool


@dataclass(frozen=True, slots=True)
class Look:
    """What who presents looks at now."""

    looking: Looking


@dataclass(frozen=True, slots=True)
class Point:
    """Where who presents points; without `spot`: nowhere."""

    spot: Spot | None = None


@dataclass(frozen=True, slots=True)
class Marks:
    """All that who presents has measured and not kept; what is kept everybody finds in the study."""

    marks: Annotated[tuple[DrawnMark, ...], Size(0, 100)]


@dataclass(frozen=True, slots=True)
class Seen:
    """How many of `look`, `point` and `marks` have arrived since coming: to who lags behind only the newest is sent."""

    count: Annotated[int, Size(0, 1_000_000_000)]


@dataclass(frozen=True, slots=True)
class Together:
    """Who looks at the study, and who of them presents."""

    people: tuple[Looker, ...]
    presenter: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Welcome:
    """Who one is, who else is there, and where it stands: whoever comes late sees what is seen."""

    me: uuid.UUID
    together: Together
    looking: Looking | None = None
    marks: tuple[DrawnMark, ...] = ()
