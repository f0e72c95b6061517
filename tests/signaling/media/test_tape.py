"""Packets into a file: put in order, begun at a key frame, sound and picture together, whatever is lost."""

import time
from pathlib import Path

import pytest

from signaling.media.source import Source
from signaling.media.tape import MOST_HELD, Clock, Fallen, Tape
from teleconsult.sealed_files import SealedWriter, new_file_key
from tests.signaling.media.encoded import Line, Played, audio, opened, pictures, played, send, shuffled, sounds, video

NAME = b"tape"
AT = 1000.0


class Studio:
    """One tape, its file, and who sends to it."""

    def __init__(self, folder: Path, *lines: Line) -> None:
        self.path, self.key = folder / "tape", new_file_key()
        self.tape = Tape([line.source for line in lines], Clock(AT))

    def work(self, *, until: float) -> None:
        """As the recorder does in a turn."""
        self.tape.work(now=until)
        if not self.tape.is_begun and self.tape.is_ready(now=until):
            self.tape.begin(SealedWriter(self.path, self.key, name=NAME))

    def end(self, *, until: float) -> Played:
        """Close it and play it."""
        self.tape.detach()
        self.tape.work(now=until, is_last=True)
        self.tape.close()
        return played(opened(self.path, self.key, name=NAME))


def test_sound_and_picture_come_out_as_they_went_in(tmp_path: Path) -> None:
    camera, microphone = video(), audio()
    studio = Studio(tmp_path, camera, microphone)
    send((camera, camera.packed(pictures(50))), (microphone, microphone.packed(sounds(100))), at=AT)
    studio.work(until=AT + 1)
    assert studio.tape.kinds == {"audio", "video"}
    shown = studio.end(until=AT + 2)
    assert shown.video == [number * 40 for number in range(50)]
    assert len(shown.audio) == 100
    assert studio.tape.seconds == pytest.approx(1.96, abs=0.03)


def test_what_comes_late_is_put_in_its_place(tmp_path: Path) -> None:
    camera, microphone = video(), audio()
    studio = Studio(tmp_path, camera, microphone)
    send(
        (camera, shuffled(camera.packed(pictures(50)))),
        (microphone, shuffled(microphone.packed(sounds(100)))),
        at=AT,
    )
    for step in range(8):
        studio.work(until=AT + step / 4)
    shown = studio.end(until=AT + 2)
    assert (len(shown.video), len(shown.audio)) == (50, 100)


def test_after_a_loss_the_picture_goes_on_at_the_next_key_frame(tmp_path: Path) -> None:
    camera, microphone = video(), audio()
    studio = Studio(tmp_path, camera, microphone)
    packets = camera.packed(pictures(50, key_every=10))
    lost = next(number for number, (ms, _packet) in enumerate(packets) if ms == 12 * 40)
    send(
        (camera, packets[:lost] + packets[lost + 1 :]),
        (microphone, [one for one in microphone.packed(sounds(100)) if one[0] != 300]),
        at=AT,
    )
    studio.work(until=AT + 2)
    shown = studio.end(until=AT + 3)
    assert shown.video == [number * 40 for number in range(50) if not 12 <= number < 20]
    assert len(shown.audio) == 99


def test_padding_between_pictures_is_no_loss(tmp_path: Path) -> None:
    camera = video()
    studio = Studio(tmp_path, camera)
    first = camera.packed(pictures(20)[:10])
    camera.sequence += 3  # sent, and without anything in it
    send((camera, first + camera.packed(pictures(20)[10:], ms=400)), at=AT)
    studio.work(until=AT + 3)
    assert len(studio.end(until=AT + 4).video) == 20


def test_it_begins_with_a_key_frame_and_asks_for_one(tmp_path: Path) -> None:
    camera = video()
    studio = Studio(tmp_path, camera)
    frames = pictures(30, key_every=20)
    send((camera, camera.packed(frames[5:])), at=AT)
    assert studio.tape.wants_key_frames() == [camera.source]
    studio.work(until=AT + 3)
    assert studio.tape.wants_key_frames() == []
    assert len(studio.end(until=AT + 4).video) == 10


def test_sound_alone_makes_a_file_of_sound(tmp_path: Path) -> None:
    camera, microphone = video(), audio()
    studio = Studio(tmp_path, camera, microphone)
    send((microphone, microphone.packed(sounds(150))), at=AT)
    studio.work(until=AT + 1)
    assert not studio.tape.is_begun
    studio.work(until=AT + 3.1)
    assert studio.tape.kinds == {"audio"}
    assert not studio.tape.needs_another()
    send((camera, camera.packed(pictures(5), ms=3200)), at=AT)
    studio.work(until=AT + 4)
    assert studio.tape.needs_another()
    shown = studio.end(until=AT + 5)
    assert (len(shown.video), len(shown.audio)) == (0, 150)


def test_another_size_and_a_pause_stay_in_the_file(tmp_path: Path) -> None:
    camera = video()
    studio = Studio(tmp_path, camera)
    small = camera.packed(pictures(10))
    send((camera, small + camera.packed(pictures(10, size=(320, 240)), ms=5000)), at=AT)
    studio.work(until=AT + 6)
    shown = studio.end(until=AT + 7)
    assert shown.sizes == {(160, 120), (320, 240)}
    assert shown.video[10] == 5000


def test_reports_put_sound_and_picture_side_by_side(tmp_path: Path) -> None:
    """The picture came 300 ms behind the sound; its sender says that they belong together."""
    camera, microphone = video(), audio()
    studio = Studio(tmp_path, camera, microphone)
    for line in (camera, microphone):
        line.source.clock = 5_000_000 << 32, line.clock
    send((microphone, microphone.packed(sounds(50))), at=AT)
    send((camera, camera.packed(pictures(25))), at=AT + 0.3)
    studio.work(until=AT + 2)
    shown = studio.end(until=AT + 3)
    assert abs(shown.video[0] - shown.audio[0]) <= 10


def test_a_clock_that_jumps_is_not_believed(tmp_path: Path) -> None:
    microphone = audio()
    studio = Studio(tmp_path, microphone)
    first = microphone.packed(sounds(50))
    microphone.clock += 48_000 * 3600  # another device, counted from elsewhere
    microphone.source.clock = 1 << 32, 7
    send((microphone, first + microphone.packed(sounds(50), ms=1000)), at=AT)
    studio.work(until=AT + 3)
    assert studio.end(until=AT + 4).audio[-1] == pytest.approx(1980, abs=60)


def test_who_cannot_keep_up_says_so() -> None:
    source = Source(kind="audio", ssrc=1, codec="audio/opus", payload_type=96, clock_rate=48_000)
    tape = Tape([source], Clock(AT))
    microphone = Line(source)
    for _ms, one in microphone.packed([b"x"] * (MOST_HELD + 1)):
        source.add(one, now=AT)
    with pytest.raises(Fallen):
        tape.work(now=time.monotonic())
