"""What a telephone holds: photographs, videos and PDFs that say where they were made, and hostile ones."""

import zlib
from io import BytesIO
from typing import Any

import av
import numpy as np
import pikepdf
from PIL import ExifTags, Image

PLACE = b"+48.8577+002.2950/"
"""Where it was made, as a telephone writes it into a video (ISO 6709)."""
POSITION = (48.0, 51.0, 27.75)
SECRET = b"SECRET-PLACE"
"""In whatever segment it stands, no byte of it may come through."""


def photograph(
    size: tuple[int, int] = (64, 48),
    *,
    form: str = "JPEG",
    turned: int = 1,
    taken: str = "2026:11:20 10:11:12",
    offset: str = "",
    **options: Any,
) -> bytes:
    """A picture whose left half is red, with all that a camera writes beside it."""
    picture = Image.new("RGB", size, (20, 90, 160))
    picture.paste((220, 40, 30), (0, 0, size[0] // 2, size[1]))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turned
    exif[ExifTags.Base.ImageDescription] = SECRET.decode()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: POSITION, 3: "E", 4: (2.0, 17.0, 42.0)})
    told = exif.get_ifd(ExifTags.IFD.Exif)
    told[ExifTags.Base.DateTimeOriginal] = taken
    if offset:
        told[ExifTags.Base.OffsetTimeOriginal] = offset
    beside = {"JPEG": {"comment": SECRET, "xmp": b"<x>" + SECRET + b"</x>"}, "WEBP": {"xmp": SECRET}}.get(form, {})
    out = BytesIO()
    picture.save(out, form, exif=exif, **{**beside, **options})
    return out.getvalue()


def document(*, embedded: bytes = b"", packed: str = "") -> bytes:
    """A PDF of one page; `embedded` is a JPEG that it shows, `packed` by one more filter."""
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(200, 100))
    if embedded:
        content = {"": bytes, "FlateDecode": zlib.compress, "ASCIIHexDecode": bytes.hex}[packed](embedded)
        image = pdf.make_stream(
            content if isinstance(content, bytes) else content.encode(),
            Type=pikepdf.Name.XObject,
            Subtype=pikepdf.Name.Image,
            Width=64,
            Height=48,
        )
        image.ColorSpace, image.BitsPerComponent = pikepdf.Name.DeviceRGB, 8
        image.Filter = pikepdf.Array([pikepdf.Name(f"/{name}") for name in (packed, "DCTDecode") if name])
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=image))
        page.Contents = pdf.make_stream(b"q 200 0 0 100 0 0 cm /Im0 Do Q")
    return saved(pdf, deterministic_id=True)


def acting_document() -> bytes:
    """A PDF that runs a program when it is opened."""
    pdf = pikepdf.new()
    pdf.add_blank_page()
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
    return saved(pdf)


def bomb(side: int = 10_000) -> bytes:
    """A picture of 100 megapixels in a few kilobytes."""
    out = BytesIO()
    Image.new("1", (side, side)).save(out, "PNG")
    return out.getvalue()


def saved(pdf: pikepdf.Pdf, **options: Any) -> bytes:
    """The bytes of it."""
    out = BytesIO()
    pdf.save(out, **options)
    return out.getvalue()


def video(
    *,
    form: str = "mp4",
    codec: str = "libx264",
    profile: str = "high",
    frames: int = 6,
    size: tuple[int, int] = (64, 48),
    sound: str = "",
    step: int = 1,
) -> bytes:
    """So many frames, 30 a second (`step` as far apart), with the place it was made; `sound` is a codec."""
    out = BytesIO()
    tags = {"movflags": "use_metadata_tags"} if form != "webm" else {}
    with av.open(out, "w", format=form, options=tags) as made:
        made.metadata.update({"location": PLACE.decode(), "com.apple.quicktime.location.ISO6709": PLACE.decode()})
        options = {"profile": profile, "level": "40"} if codec == "libx264" else {"cpu-used": "8"}
        picture = made.add_stream(codec, rate=30, options=options)
        picture.width, picture.height = size
        picture.pix_fmt = "yuv420p"
        heard = made.add_stream(sound, rate=48000, layout="mono") if sound else None
        for number in range(frames):
            grey = np.full((size[1], size[0], 3), 20 * number % 256, dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts = number * step
            made.mux(picture.encode(frame))
        if heard is not None:
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 960), dtype=np.float32), format="fltp", layout="mono")
            silence.sample_rate, silence.pts = 48000, 0
            made.mux(heard.encode(silence))
            made.mux(heard.encode(None))
        made.mux(picture.encode(None))
    return out.getvalue()


def cut(content: bytes, *, frames: int) -> bytes:
    """The same MP4 without so many frames at its beginning, as telephones cut: the pictures are still in the file."""
    at = content.index(b"elst") + 16  # ISO/IEC 14496-12 §8.6.6: the time within the medium at which it begins
    begin = int.from_bytes(content[at : at + 4], "big") + frames * 512
    return content[:at] + begin.to_bytes(4, "big") + content[at + 4 :]


def lying(content: bytes) -> bytes:
    """The same MP4, to be shown turned by a quarter: as a telephone writes what was filmed upright."""
    at = content.index(b"tkhd") + 44  # ISO/IEC 14496-12 §8.3.2: the matrix of the first track
    quarter = (0, 0x10000, 0, 0xFFFF0000, 0, 0, 0, 0, 0x40000000)
    matrix = b"".join(value.to_bytes(4, "big") for value in quarter)
    return content[:at] + matrix + content[at + len(matrix) :]
