"""Every file that pydicom carries, by every way that makes something of its frames: exact, or refused with its code."""

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

from teleconsult.imaging.codestreams import levels_in
from teleconsult.imaging.frames import decode_frame
from teleconsult.imaging.refusals import Refusal
from teleconsult.imaging.rendering import PREVIEW_BYTES
from teleconsult.imaging.sandbox.messages import Message
from teleconsult.imaging.sandbox.worker import answer
from tests.teleconsult.imaging.files import REAL

FILES = sorted(path for path in REAL.rglob("*") if path.is_file() and b"DICM" in path.read_bytes()[:132])

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def asked(verb: str, path: Path, **arguments: Any) -> Message | None:
    """What the worker answers; None where it refuses, with a code we know."""
    said = answer({"verb": verb, "path": str(path), **arguments})
    if "refused" in said.head:
        assert Refusal(said.head["refused"])
        return None
    return Message(said.head["done"], said.body)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_published_file(path: Path) -> None:
    coded, small = asked("codestream", path, index=0), asked("preview", path, index=0)
    assert (coded is None) == (small is None)
    for verb, arguments in (("stored_codestream", {"index": 0}), ("transcoded", {}), ("plain_frame", {"index": 0})):
        assert asked(verb, path, **arguments) is None or coded is not None
    if coded is None or small is None:
        return
    assert len(small.body) <= PREVIEW_BYTES
    description, pixels = decode_frame(path, 0)
    assert np.array_equal(imagecodecs.htj2k_decode(coded.body), pixels)
    levels = levels_in(coded.body, columns=description.columns, rows=description.rows)
    assert levels == coded.head["levels"]
    assert levels[-1] == [description.columns, description.rows, len(coded.body)]
    assert max(levels[0][:2]) <= 64
    for missing, (width, height, end) in enumerate(reversed(levels)):
        part = imagecodecs.htj2k_decode(coded.body[:end], skipres=missing)
        assert part.shape[:2] == (height, width)
