"""What arrived of a track, and what is missing."""

from tests.signaling.media.streams import packet, source


def test_what_is_missing_is_asked_for_and_not_for_ever() -> None:
    one = source()
    for sequence in (65534, 65535, 2):
        assert one.add(packet(sequence), now=0.0)
    asked = [one.missing(own=1, now=quarter / 4) for quarter in range(1, 12)]
    assert asked[0] is not None
    assert asked[0].lost == [0, 1]
    assert sum(request is not None for request in asked) == 8


def test_what_is_asked_for_is_not_asked_for_again_at_once() -> None:
    one = source()
    for sequence in (1, 3):
        one.add(packet(sequence), now=5.0)
    assert one.missing(own=1, now=5.01)
    assert one.missing(own=1, now=5.05) is None


def test_a_packet_counts_once() -> None:
    one = source()
    assert one.add(packet(1), now=0.0)
    assert one.add(packet(3), now=0.0)
    assert one.add(packet(2), now=0.1), "late"
    assert not one.add(packet(2), now=0.2), "twice"


def test_what_was_given_up_is_not_wanted_any_more() -> None:
    one = source()
    for sequence in (1, 3):
        one.add(packet(sequence), now=0.0)
    for second in range(1, 11):
        one.missing(own=1, now=float(second))
    assert not one.add(packet(2), now=11.0)


def test_sound_is_not_asked_for() -> None:
    one = source("audio")
    for sequence in (1, 3):
        one.add(packet(sequence), now=0.0)
    assert one.missing(own=1, now=1.0) is None


def test_the_report_counts_loss_since_the_one_before() -> None:
    one = source()
    for sequence in (0, 1, 3):
        one.add(packet(sequence), now=sequence / 100)
    first, second = one.reception(now=1.0), one.reception(now=2.0)
    assert first is not None
    assert (first.packets_lost, first.fraction_lost) == (1, 64)
    assert second is not None
    assert second.fraction_lost == 0


def test_key_frames_are_not_asked_for_at_each_asking() -> None:
    one = source()
    assert one.key_frame_request(own=1, now=10.0)
    assert one.key_frame_request(own=1, now=10.2) is None
    assert one.key_frame_request(own=1, now=10.4)
