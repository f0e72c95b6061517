"""An archive as a client sees it, and a row of the table for what asking it took."""

import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Final

import httpx

_KEPT: Final = 0.5
"""Seconds an idle connection is used again; Orthanc closes them after one."""


@dataclass(frozen=True, slots=True)
class Side:
    """One archive as a client sees it."""

    name: str
    dicomweb: str
    bearer: str = ""

    def client(self, **headers: str) -> httpx.AsyncClient:
        """One that keeps as many connections as it is asked for at once."""
        signed = {"Authorization": f"Bearer {self.bearer}"} if self.bearer else {}
        limits = httpx.Limits(keepalive_expiry=_KEPT)
        told = {**signed, **headers}
        # there is no TLS here, and authorities take longer to load than a picture
        return httpx.AsyncClient(base_url=self.dicomweb, timeout=600, limits=limits, headers=told, verify=False)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. `holds` is None where no goal is set."""

    what: str
    ours: str
    theirs: str = "–"
    compared: str = "–"
    goal: str = "–"
    holds: bool | None = None

    def __str__(self) -> str:
        verdict = {None: "", True: "✓", False: "✗"}[self.holds]
        return f"| {self.what} | {self.ours} | {self.theirs} | {self.compared} | {self.goal} | {verdict} |"


HEAD: Final = "| | ours | Orthanc | ours / Orthanc | goal | |\n|---|---|---|---|---|---|"


async def seconds(asked: Awaitable[object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    await asked
    return time.perf_counter() - began


def faster(what: str, took: Sequence[float], goal: float, *, amount: float, unit: str) -> Row:
    """Of `amount` units done in so many seconds by us and by them: at least `goal` times as many a second."""
    ours, theirs = took
    rates = [f"{amount / one:.0f} {unit}/s" for one in took]
    return Row(what, *rates, f"{theirs / ours:.2f}× as fast", f"≥ {goal}×", theirs / ours >= goal)


def shorter(what: str, took: Sequence[float], goal: float) -> Row:
    """Seconds of ours and theirs: at most `goal` of their time."""
    ours, theirs = took
    times = [f"{one * 1000:.1f} ms" for one in took]
    return Row(what, *times, f"{ours / theirs:.3f}× the time", f"≤ {goal}×", ours / theirs <= goal)


def smaller(what: str, ours: int, theirs: int, plain: int, goal: float) -> Row:
    """Bytes as they were sent, ours and theirs, beside the `plain` ones of the same without compression."""
    sent, other = (f"{size / 1000:.1f} KB" for size in (ours, theirs))
    ratio = ours / plain
    return Row(
        what, sent, f"{other} ({plain / 1000:.0f} KB plain)", f"{ratio:.4f}× of plain", f"≤ {goal}×", ratio <= goal
    )
