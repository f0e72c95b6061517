"""Videos of strangers: kept as they are coded where DICOM takes that, coded anew where not, without place and notes."""

from io import BytesIO
from pathlib import Path

import av
import pytest

from teleconsult.imaging.captures import videos
from teleconsult.imaging.captures.videos import filmed
from teleconsult.imaging.refusals import Refusal, Unreadable
from tests.teleconsult.imaging.captures.files import PLACE, cut, lying, video

PLAYLIST = b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"


def made(path: Path, content: bytes) -> tuple[dict[str, object], bytes]:
    path.write_bytes(content)
    return filmed(path)


def pictures(content: bytes) -> list[bytes]:
    """The coded pictures, as they stand in the file."""
    with av.open(BytesIO(content)) as opened:
        return [bytes(packet) for packet in opened.demux(video=0) if packet.size]


def setup(content: bytes) -> tuple[int, int]:
    """Profile and level (ISO/IEC 14496-15 §5.3.3.1)."""
    with av.open(BytesIO(content)) as opened:
        told = opened.streams.video[0].codec_context.extradata or b""
        return told[1], told[3]


def test_what_dicom_takes_keeps_its_pictures(tmp_path: Path) -> None:
    content = video(sound="aac")
    assert PLACE[:8] in content
    told, found = made(tmp_path / "v", content)
    assert told == {"rows": 48, "columns": 64, "frames": 6, "rate": pytest.approx(30)}
    assert PLACE[:8] not in found
    kept, came = pictures(found), pictures(content)
    assert kept[1:] == came[1:]
    assert came[0].endswith(kept[0][8:]), "but the coder's notes before the first"
    with av.open(BytesIO(found)) as opened:
        assert [stream.codec_context.name for stream in opened.streams] == ["h264", "aac"]
        assert "location" not in str(opened.metadata)


@pytest.mark.parametrize(
    "content",
    [
        video(profile="baseline", form="mov"),
        video(form="webm", codec="libvpx", sound="libopus"),
        lying(video()),
    ],
    ids=["baseline", "webm", "lying"],
)
def test_the_rest_is_coded_anew(tmp_path: Path, content: bytes) -> None:
    told, found = made(tmp_path / "v", content)
    assert (setup(found)[0], setup(found)[1] <= 41) == (100, True)
    assert told["frames"] == 6
    assert PLACE[:8] not in found
    with av.open(BytesIO(found)) as opened:
        assert len(list(opened.decode(video=0))) == 6
        assert {stream.codec_context.name for stream in opened.streams} <= {"h264", "aac"}


def test_what_was_filmed_upright_stands_upright(tmp_path: Path) -> None:
    told, found = made(tmp_path / "v", lying(video()))
    assert (told["rows"], told["columns"]) == (64, 48)
    with av.open(BytesIO(found)) as opened:
        assert next(opened.decode(video=0)).rotation == 0


def test_what_was_cut_away_is_gone(tmp_path: Path) -> None:
    told, found = made(tmp_path / "v", cut(video(frames=12), frames=4))
    assert told["frames"] == 8
    with av.open(BytesIO(found)) as opened:
        greys = [int(frame.to_ndarray(format="gray").mean()) for frame in opened.decode(video=0)]
    assert greys[0] == pytest.approx(80, abs=8)


def test_a_large_one_is_made_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(videos, "LONGEST_SIDE", 32)
    told, _found = made(tmp_path / "v", video(profile="main"))
    assert (told["rows"], told["columns"]) == (24, 32)


def test_an_hour_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as refused:
        made(tmp_path / "v", video(step=30 * 1800, frames=3))
    assert refused.value.refusal is Refusal.TOO_LONG


def test_a_length_that_lies_is_not_believed(tmp_path: Path) -> None:
    """The file says it lasts a second; its pictures go on for an hour."""
    content = video(step=30 * 1800, frames=3, profile="main")
    for box, at in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
        place = content.index(box) + at
        content = content[:place] + (1000).to_bytes(4, "big") + content[place + 4 :]
    with pytest.raises(Unreadable) as refused:
        made(tmp_path / "v", content)
    assert refused.value.refusal is Refusal.TOO_LONG


def test_what_stays_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(videos, "LARGEST_VIDEO", 100)
    with pytest.raises(Unreadable) as refused:
        made(tmp_path / "v", video())
    assert refused.value.refusal is Refusal.TOO_LARGE


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    out = BytesIO()
    with av.open(out, "w", format="mp4") as opened:
        heard = opened.add_stream("aac", rate=48000, layout="mono")
        opened.mux(heard.encode(None))
    with pytest.raises((Unreadable, av.FFmpegError)):
        made(tmp_path / "v", out.getvalue())


@pytest.mark.parametrize("content", [PLAYLIST, video()[:400], b"\x1a\x45\xdf\xa3" + bytes(100), b"\0\0\0\x18ftypmp42"])
def test_what_is_no_video(tmp_path: Path, content: bytes) -> None:
    """A playlist would have other files opened: it is not even looked for."""
    with pytest.raises((Unreadable, av.FFmpegError)):
        made(tmp_path / "v", content)
