"""The worker process: answers one question after another within limits of memory, processor time and files.

Started by the pool as `python -m teleconsult.imaging.sandbox.worker MEMORY_BYTES CPU_SECONDS NICENESS`.
"""

import gzip
import logging
import os
import resource
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from teleconsult.imaging.archives import list_archive
from teleconsult.imaging.codestreams import codestream_of, decoded, stored_codestream
from teleconsult.imaging.commitment.asking import read_request
from teleconsult.imaging.describing import value_of
from teleconsult.imaging.following import HeaderReader
from teleconsult.imaging.frames import decode_frame, stored_frame
from teleconsult.imaging.making import made_of
from teleconsult.imaging.metadata import read_metadata
from teleconsult.imaging.parsing import read_header
from teleconsult.imaging.pictures import redrawn
from teleconsult.imaging.reading import open_instance
from teleconsult.imaging.refusals import Refusal, Unreadable
from teleconsult.imaging.rendering import Drawing, Ramp, drawn, preview, rendered
from teleconsult.imaging.sandbox.messages import READY, Message, read_message
from teleconsult.imaging.transcoding import plain_frame, transcoded

_EFFORT = 3
"""gzip's level: half again as slow as 1, a tenth smaller."""


_READER = HeaderReader()


def _header(path: Path) -> Message:
    return Message(*read_header(path).packed())


def _headers(_folder: Path, *, paths: list[str]) -> Message:
    """Of several files: each by what differs from the one before it, or why it is refused."""
    heads: list[dict[str, Any]] = []
    blobs, like = [], None
    for path in paths:
        try:
            header = _READER.read(Path(path))
        except Exception as error:
            heads.append({"refused": _refusal_of(error).value})
            continue
        head, blob = header.packed(like)
        heads.append({"header": head})
        blobs.append(blob)
        like = header
    return Message({"headers": heads}, b"".join(blobs))


def _metadata(path: Path, *, bulks: dict[str, dict[str, Any]]) -> Message:
    instances, body = read_metadata(path, bulks)
    return Message({"instances": instances}, body)


def _commitment(path: Path) -> Message:
    return Message(read_request(path))


def _archive(path: Path) -> Message:
    return Message({"entries": list_archive(path)})


def _rendered(path: Path, *, index: int, window: list[float] | None, size: int) -> Message:
    description, pixels = decode_frame(path, index)
    chosen = (window[0], window[1]) if window else None
    return Message(description.as_json(), rendered(description, pixels, window=chosen, size=size))


def _drawn(path: Path, *, index: int, drawing: dict[str, Any]) -> Message:
    return Message({}, drawn(*decode_frame(path, index), _drawing(drawing)))


def _drawn_coded(path: Path, *, drawing: dict[str, Any], **place: int) -> Message:
    return Message({}, drawn(*decoded(path, **place), _drawing(drawing)))


def _drawing(told: dict[str, Any]) -> Drawing:
    return Drawing(**told | {"ramp": Ramp(told["ramp"])})


def _pixels(path: Path, *, index: int) -> Message:
    description, pixels = decode_frame(path, index)
    little_endian = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("<"))
    return Message(description.as_json(), gzip.compress(little_endian.tobytes(), _EFFORT, mtime=0))


def _preview(path: Path, *, index: int) -> Message:
    content, is_rendered = preview(*decode_frame(path, index))
    return Message({"is_rendered": is_rendered}, content)


def _codestream(path: Path, *, index: int) -> Message:
    coded = codestream_of(path, index)
    return Message(coded.description, coded.content)


def _made(path: Path, *, first: int, count: int, middle: int) -> Message:
    made = made_of(path, first=first, count=count, middle=middle)
    told = {kind: [(record.head, len(record.content)) for record in records] for kind, records in made.items()}
    return Message(told, b"".join(record.content for records in made.values() for record in records))


def _cine(path: Path) -> Message:
    from teleconsult.imaging.cine import video_of  # here: few workers ever need FFmpeg

    return Message({}, video_of(path))


def _stored_codestream(path: Path, *, index: int) -> Message:
    return Message({}, stored_codestream(path, index))


def _transcoded(path: Path) -> Message:
    whole = transcoded(path)
    return Message({"frame_length": whole.frame_length, "frames": whole.frames}, whole.head)


def _plain_frame(path: Path, *, index: int) -> Message:
    return Message({}, plain_frame(path, index))


def _frame(path: Path, *, index: int, native: bool) -> Message:
    return Message({}, stored_frame(path, index, is_native=native))


def _value(path: Path, *, within: list[str]) -> Message:
    opened = open_instance(path)
    with opened.file:
        vr, value = value_of(opened, within)
    return Message({"vr": vr}, value)


def _picture(path: Path) -> Message:
    content_type, content = redrawn(path)
    return Message({"content_type": content_type}, content)


def _photograph(path: Path, **form: int) -> Message:
    from teleconsult.imaging.captures.photographs import photographed

    return Message(*photographed(path, **form))


def _document(path: Path) -> Message:
    from teleconsult.imaging.captures.documents import checked

    return Message({}, checked(path))


def _film(path: Path) -> Message:
    from teleconsult.imaging.captures.videos import filmed

    return Message(*filmed(path))


def _deidentified(path: Path, *, key: str) -> Message:
    from teleconsult.imaging.deidentifying import deidentified  # here: the profile's table is seldom needed

    return Message(*deidentified(path, bytes.fromhex(key)))


def _cda(path: Path) -> Message:
    from teleconsult.cda.telling import tell  # here: it knows the rows of patients, and so loads the database's driver

    return Message(tell(path))


def _cda_body(path: Path) -> Message:
    from teleconsult.cda.telling import body_of

    content_type, content = body_of(path)
    return Message({"content_type": content_type}, content)


def _mail(path: Path) -> Message:
    from teleconsult.received.reading import read_mail  # here: as above

    return Message(*read_mail(path))


VERBS: dict[str, Callable[..., Message]] = {
    "header": _header,
    "headers": _headers,
    "commitment": _commitment,
    "metadata": _metadata,
    "archive": _archive,
    "rendered": _rendered,
    "drawn": _drawn,
    "drawn_coded": _drawn_coded,
    "pixels": _pixels,
    "preview": _preview,
    "codestream": _codestream,
    "made": _made,
    "cine": _cine,
    "stored_codestream": _stored_codestream,
    "transcoded": _transcoded,
    "plain_frame": _plain_frame,
    "frame": _frame,
    "value": _value,
    "picture": _picture,
    "photograph": _photograph,
    "document": _document,
    "film": _film,
    "deidentified": _deidentified,
    "cda": _cda,
    "cda_body": _cda_body,
    "mail": _mail,
}


def answer(question: dict[str, Any]) -> Message:
    """Do what is asked; whatever goes wrong is a refusal with its code."""
    try:
        done = VERBS[question.pop("verb")](Path(question.pop("path")), **question)
    except Exception as error:
        return Message({"refused": _refusal_of(error).value})
    return Message({"done": done.head}, done.body)


def _refusal_of(error: Exception) -> Refusal:
    """A parser of strangers' bytes raises anything; all of it means: this file is no good."""
    if isinstance(error, Unreadable):
        return error.refusal
    return Refusal.TOO_DEMANDING if isinstance(error, MemoryError) else Refusal.DAMAGED


def _limit(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))


def _grant_processor(seconds: int) -> None:
    """So many seconds more of processor time than were used so far; the kernel ends who takes more."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, resource.RLIM_INFINITY))


def main() -> None:
    """Serve questions from standard input until it ends. Nothing a library prints gets into the answers."""
    memory, seconds, niceness = (int(argument) for argument in sys.argv[1:4])
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    logging.disable()
    _limit(memory)
    os.nice(niceness)
    answers.write(READY)
    answers.flush()
    while (question := read_message(sys.stdin.buffer)) is not None:
        _grant_processor(seconds)
        answers.write(answer(question.head).encoded())
        answers.flush()


if __name__ == "__main__":
    main()
