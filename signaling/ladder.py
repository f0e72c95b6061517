"""The ladder: what is sent at which link, from good pictures down to sound alone. Sound is never given up.

The table is the one source: `python -m signaling.protocol` writes it into the browser's `protocol.gen.ts`, where the
page walks it while it talks; the link check names with it the rung at which a session opens. `docs/live.md` says where
the numbers come from.
"""

from dataclasses import dataclass
from typing import Final, Literal

RungName = Literal["hd", "480p", "360p", "240p", "stills", "audio"]


@dataclass(frozen=True, slots=True)
class Picture:
    """Moving pictures: the most lines, frames a second and bit/s of them."""

    height: int
    frame_rate: int
    bitrate: int
    least: int
    """They are squeezed to this before they take from the sound, bit/s."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Speech in Opus, with its in-band FEC: bit/s, and how much of it one packet carries, ms."""

    bitrate: int
    packet: int
    pauses: bool
    """Nothing is sent while nobody speaks (DTX)."""


@dataclass(frozen=True, slots=True)
class Rung:
    """What is sent, and the links it is for."""

    name: RungName
    picture: Picture | None
    sound: Sound
    enter: int
    """The uplink from which on it is climbed to, bit/s as the browser reckons it."""
    leave: int
    """Below this uplink it is left."""
    loss: float
    """With more packets lost than this it is left, 0 to 1."""
    concealed: float
    """With more of the sound invented than this it is left, 0 to 1."""
    round_trip: int
    """With a longer way there and back it is left, ms."""


_FULL: Final = Sound(bitrate=32_000, packet=20, pauses=False)
_THIN: Final = Sound(bitrate=24_000, packet=20, pauses=False)
_NEVER: Final = 60_000

RUNGS: Final[tuple[Rung, ...]] = (
    Rung("hd", Picture(720, 24, 1_500_000, 600_000), _FULL, 1_800_000, 1_200_000, 0.02, 0.03, 300),
    Rung("480p", Picture(480, 24, 600_000, 250_000), _FULL, 700_000, 500_000, 0.03, 0.05, 400),
    Rung("360p", Picture(360, 15, 250_000, 100_000), _FULL, 300_000, 220_000, 0.05, 0.05, 600),
    Rung("240p", Picture(240, 10, 100_000, 40_000), _THIN, 110_000, 75_000, 0.08, 0.05, 1_500),
    Rung("stills", None, Sound(24_000, 40, pauses=True), 60_000, 32_000, 0.2, 0.1, _NEVER),
    Rung("audio", None, Sound(16_000, 60, pauses=True), 0, 0, 1.0, 1.0, _NEVER),
)
"""From the best to the last."""

OPENING: Final[RungName] = "240p"
"""Where no link check says better or worse."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How the ladder is walked; all in seconds but `bad`. It is looked at each second, over the last `window`."""

    window: int = 3
    bad: int = 2
    """So many bad looks one after the other, and it is stepped down."""
    good: int = 10
    """So long a good link, and the next rung is tried."""
    dwell: int = 15
    """Longer by this after a step down; each try that failed doubles it."""
    longest: int = 240
    probe: int = 3
    """How long a try lasts before the rung is kept."""


PACE: Final = Pace()


def opening(*, uplink: float, loss: float, round_trip: float) -> RungName:
    """The rung a link check gives: the best that this uplink (bit/s), loss (0 to 1) and round trip (ms) hold."""
    held = (r for r in RUNGS if uplink >= r.enter and loss <= r.loss and round_trip <= r.round_trip)
    return next(held).name
