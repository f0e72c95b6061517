"""A line between two TUN devices, in this process: rate, delay and loss, set while it runs; cut and healed.

This stands in for netem, which few kernels of test machines have.
"""

import heapq
import itertools
import os
import random
import selectors
import threading
import time
from dataclasses import dataclass, field
from typing import Final

PACKET: Final = 2048
"""Bytes read at once: more than a TUN device's 1,500."""
AT_ONCE: Final = 64
"""Packets of one direction before the other has its turn."""
IDLE: Final = 0.2
"""Seconds after which the line looks whether it shall end."""


@dataclass
class Terms:
    """What a line does to the packets of each direction. Change it at any time: what comes next obeys."""

    rate: float | None = None
    """Bits per second; None: as fast as it goes."""
    delay: float = 0.0
    """Seconds one way."""
    loss: float = 0.0
    """Share of the packets that never arrive, each by itself."""
    backlog: float = 0.4
    """Seconds of packets that may wait for the rate; what comes on top is dropped."""
    is_cut: bool = False


@dataclass
class Lane:
    """One direction: where packets come out, and when the rate lets the next one go."""

    out: int
    free_at: float = 0.0
    carried: int = 0
    """Bytes that arrived."""
    lost: int = 0
    """Packets that did not, by loss, a full queue or a cut."""


@dataclass(order=True)
class Travelling:
    """A packet on its way."""

    due: float
    order: int
    packet: bytes = field(compare=False)
    lane: Lane = field(compare=False)


class Line(threading.Thread):
    """Carries packets between two open TUN devices until `close`."""

    def __init__(self, near: int, far: int, terms: Terms) -> None:
        super().__init__(name="line", daemon=True)
        self.terms = terms
        self.up, self.down = Lane(far), Lane(near)
        self._ends = {near: self.up, far: self.down}
        self._travelling: list[Travelling] = []
        self._order = itertools.count()
        self._chance = random.Random(7)  # the same losses in every run
        self._is_over = threading.Event()
        for end in self._ends:
            os.set_blocking(end, False)

    def cut(self) -> None:
        """Nothing passes any more, nor what is on its way."""
        self.terms.is_cut = True

    def heal(self) -> None:
        """It passes again."""
        self.terms.is_cut = False

    def run(self) -> None:
        """The thread: take what comes, hand on what is due."""
        with selectors.DefaultSelector() as waiting:
            for end in self._ends:
                waiting.register(end, selectors.EVENT_READ)
            while not self._is_over.is_set():
                ready = waiting.select(self._until_next())
                for key, _ in ready:
                    self._take(key.fd, self._ends[key.fd])
                self._hand_on()

    def close(self) -> None:
        """End the thread; the devices stay open."""
        self._is_over.set()
        self.join()

    def _until_next(self) -> float:
        if not self._travelling:
            return IDLE
        return min(max(self._travelling[0].due - time.monotonic(), 0.0), IDLE)

    def _take(self, end: int, lane: Lane) -> None:
        for _ in range(AT_ONCE):
            try:
                packet = os.read(end, PACKET)
            except OSError:  # none there, or the device is gone
                return
            self._send_off(packet, lane)

    def _send_off(self, packet: bytes, lane: Lane) -> None:
        terms, now = self.terms, time.monotonic()
        leaves = max(now, lane.free_at)
        if terms.is_cut or self._chance.random() < terms.loss or leaves - now > terms.backlog:
            lane.lost += 1
            return
        if terms.rate:
            leaves += len(packet) * 8 / terms.rate
            lane.free_at = leaves
        heapq.heappush(self._travelling, Travelling(leaves + terms.delay, next(self._order), packet, lane))

    def _hand_on(self) -> None:
        now = time.monotonic()
        while self._travelling and self._travelling[0].due <= now:
            one = heapq.heappop(self._travelling)
            if self.terms.is_cut:
                one.lane.lost += 1
                continue
            try:
                os.write(one.lane.out, one.packet)
                one.lane.carried += len(one.packet)
            except OSError:  # nobody has the device up at the moment
                one.lane.lost += 1
