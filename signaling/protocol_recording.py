"""The messages of recording a session, a part of `signaling.protocol`. Nothing is recorded before all have agreed."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from signaling.wire import Size

RecordingAct = Literal["look", "ask", "agree", "decline", "ready", "withdraw", "stop"]
RecordingPhase = Literal["asked", "starting", "recording", "paused"]
RecordingOver = Literal["stopped", "declined", "withdrawn", "left", "failed", "cut-off"]


@dataclass(frozen=True, slots=True)
class PatientWord:
    """That the patient agrees, as the doctor who is with them states; where another speaks for them, their name."""

    by: Literal["patient", "representative"]
    name: Annotated[str, Size(0, 200)] | None = None


@dataclass(frozen=True, slots=True)
class RecordAct:
    """What somebody does about recording. All but `look` and `ask` name the recording they answer."""

    act: RecordingAct
    recording: uuid.UUID | None = None
    patient: PatientWord | None = None

    def __post_init__(self) -> None:
        if (self.recording is None) != (self.act in ("look", "ask")):
            raise ValueError("an answer names the recording, a question none")


@dataclass(frozen=True, slots=True)
class RecordingState:
    """Where a recording stands: who asked (`by` is their name), who has agreed, who present has not answered yet."""

    id: uuid.UUID
    phase: RecordingPhase
    by: str
    asker: uuid.UUID
    agreed: tuple[uuid.UUID, ...]
    awaited: tuple[uuid.UUID, ...]
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecordingNow:
    """The recording of the room, if there is one; where there is none any more, why."""

    recording: RecordingState | None = None
    over: RecordingOver | None = None
